"""Spellings that writers of one script use for each other."""

import unicodedata
from collections.abc import Callable

import regex

from ...languages import Language
from .base import Material

_ARABIC = (
    (regex.compile("[أإآٱ]"), "ا"),
    (regex.compile("ى$"), "ي"),
    (regex.compile("ي$"), "ى"),
    (regex.compile("ة$"), "ه"),
    (regex.compile("ؤ"), "و"),
)
# Keyboards and converters that know Arabic only.
_IN_ARABIC = str.maketrans("یکہۂ", "يكهه")
_NASALS = {"ङ": "कखगघ", "ञ": "चछजझ", "ण": "टठडढ", "न": "तथदध", "म": "पफबभ"}
_DEVANAGARI = (
    (regex.compile("ँ"), "ं"),
    (regex.compile("़"), ""),
    *((regex.compile(f"{nasal}्(?=[{letters}])"), "ं") for nasal, letters in _NASALS.items()),
    *((regex.compile(f"ं(?=[{letters}])"), f"{nasal}्") for nasal, letters in _NASALS.items()),
    *((regex.compile(one), other) for one, other in zip("िीुू", "ीिूु", strict=True)),
    *((regex.compile(glide), vowel) for glide, vowel in (("ये$", "ए"), ("यी$", "ई"), ("ए$", "ये"), ("ई$", "यी"))),
)
_WIDTHS = [(chr(code), chr(code + 0xFEE0)) for code in range(0x21, 0x7F)]
_FORMS = (*_WIDTHS, *zip("｡､「」『』・…", "。、“”‘’·⋯", strict=True))
_OTHER = {one: other for pair in _FORMS for one, other in (pair, pair[::-1])}


def arabic(word: str, language: Language) -> list[str]:
    """The word in each other spelling: hamza, alef maqsura and ta marbuta in Arabic, Arabic letters in others."""
    if language.code == "ar":
        return [pattern.sub(other, word) for pattern, other in _ARABIC]
    return [word.translate(_IN_ARABIC)]


def devanagari(word: str, language: Language) -> list[str]:
    """The word in each other spelling: nasal marks and letters, nukta, length of i and u, glides at its end."""
    composed = unicodedata.normalize("NFC", word)  # which writes letters with nukta as two characters
    forms = (pattern.sub(other, composed) for pattern, other in _DEVANAGARI)
    return [form for form in forms if form != composed]


def width(word: str, language: Language) -> list[str]:
    """The word with every letter, digit and mark in its other width or form."""
    return ["".join(_OTHER.get(letter, letter) for letter in word)]


def lacks(*scripts: str) -> Callable[[Material], str]:
    """Why a language has no such spellings: it is in none of these scripts."""
    return lambda material: "" if material.language.script in scripts else "it is written in another script"
