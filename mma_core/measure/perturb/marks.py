"""Dropped diacritics, lower case and capitals."""

import unicodedata

import regex

from ...languages import Language
from .base import Material

CASED = ("Cyrl", "Grek", "Latn")
# Marks that NFD does not take apart.
_PLAIN = str.maketrans("đĐłŁøØıɓƁɗƊƙƘƴƳ", "dDlLoOibBdDkKyY")
_VOWEL_SIGNS = regex.compile("[\u0640\u064b-\u0652\u0670]")
_POINTS = regex.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
# The breve makes another letter in Cyrillic, as the diaeresis does in Ukrainian ї.
_CYRILLIC_LETTER = regex.compile("[иуі][\u0306\u0308]", regex.IGNORECASE)


def bare(word: str, language: Language) -> list[str]:
    """The word without its marks.

    Latin and Greek lose all that NFD takes apart, Latin also hooks and strokes; Cyrillic the marks that make no letter
    of their own, as in ё; Arabic harakat, dagger alef and tatweel; Hebrew points and accents.
    """
    if language.script == "Arab":
        return [_VOWEL_SIGNS.sub("", word)]
    if language.script == "Hebr":
        return [_POINTS.sub("", word)]
    if language.script == "Cyrl":
        return ["".join(letter if _own(letter) else _stripped(letter) for letter in regex.findall(r"\X", word))]
    return [_stripped(word).translate(_PLAIN)]


def _own(letter: str) -> bool:
    return _CYRILLIC_LETTER.fullmatch(unicodedata.normalize("NFD", letter)) is not None


def _stripped(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if unicodedata.category(c) != "Mn"))


def lacks_diacritics(material: Material) -> str:
    """Why a language has no diacritics to drop."""
    known = material.language.script in (*CASED, "Arab", "Hebr")
    return "" if known else "its marks are letters, not diacritics"


def lower(word: str, language: Language) -> list[str]:
    """The word in lower case; Turkish keeps its two kinds of i."""
    if language.code == "tr":
        word = word.replace("I", "ı").replace("İ", "i")
    return [word.lower()]


def capitals(word: str, language: Language) -> list[str]:
    """The word in capitals; Turkish keeps its two kinds of i, Greek drops its accents as in print."""
    if language.code == "tr":
        word = word.replace("i", "İ")
    if language.script == "Grek":
        word = unicodedata.normalize("NFC", unicodedata.normalize("NFD", word).replace("\u0301", ""))
    return [word.upper()]


def lacks_case(material: Material) -> str:
    """Why a language has no capitals."""
    return "" if material.language.script in CASED else "its script has no capitals"
