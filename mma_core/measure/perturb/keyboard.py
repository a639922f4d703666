"""Typos: a key beside the right one, on the keyboard that a language is usually typed on."""

from functools import cache

from ...languages import LANGUAGES, Language, WordRule
from .base import Material

# Rows of letters from the top, a space where a key has none; a fourth row above them is that of the digits.
_QWERTY = "qwertyuiop/asdfghjkl/zxcvbnm"
_ROWS = {
    "de": "qwertzuiopü/asdfghjklöä/yxcvbnm",
    "hr sl sr": "qwertzuiopšđ/asdfghjklčćž/yxcvbnm",
    "cs": " ěščřžýáíé/qwertzuiopú/asdfghjklů/yxcvbnm",
    "sk": " ľščťžýáíé/qwertzuiopúä/asdfghjklô/yxcvbnm",
    "hu": "         öüó/qwertzuiopőú/asdfghjkléáű/yxcvbnm",
    "bbj bm fon fr mos wo": "azertyuiop/qsdfghjklm/wxcvbn",
    "ca es eu": "qwertyuiop/asdfghjklñ/zxcvbnm",
    "pt": "qwertyuiop/asdfghjklç/zxcvbnm",
    "it": "qwertyuiopè/asdfghjklòàù/zxcvbnm",
    "da": "qwertyuiopå/asdfghjklæø/zxcvbnm",
    "nb": "qwertyuiopå/asdfghjkløæ/zxcvbnm",
    "fi sv": "qwertyuiopå/asdfghjklöä/zxcvbnm",
    "et": "qwertyuiopüõ/asdfghjklöä/zxcvbnm",
    "lt": "ąčęėįšųū/qwertyuiop/asdfghjkl/zxcvbnm",
    "ro": "qwertyuiopăî/asdfghjklșțâ/zxcvbnm",
    "tr": "qwertyuıopğü/asdfghjklşi/zxcvbnmöç",
    "ru": "йцукенгшщзхъ/фывапролджэ/ячсмитьбю",
    "uk": "йцукенгшщзхї/фівапролджє/ячсмитьбю",
    "bg": " уеишщксдзц/ьяаожгтнвмч/юйъэфхпрлб",
    "el": " ςερτυθιοπ/ασδφγηξκλ/ζχψωβνμ",
    "ka": "ქწერტყუიოპ/ასდფგჰჯკლ/ზხცვბნმ",
    "ar": "ضصثقفغعهخحجد/شسيبلاتنمكط/ئءؤر ىةوزظ",
    "fa": "ضصثقفغعهخحجچ/شسیبلاتنمکگ/ظطزرذدپو",
    "ur": "قوعرتےءیہپ/اسدفگحجکل/زشچطبنم",
    "he": "  קראטוןםפ/שדגכעיחלךף/זסבהנמצתץ",
    "hi ne": "ौैाीूबहगदजड/ोे्िुपरकतचट/ ंमनवलस  य",
    "bn": "ৌৈাীূবহগদজড/োে্িুপরকতচট/ ংমন লস  য",
    "ta": "ௌைாீூ ஹ  ஜ/ோே்ிுபரகதசட/ெ மனவலஸ  ய",
}
_LAYOUT = {code: rows for codes, rows in _ROWS.items() for code in codes.split()}
# Where a row begins, in keys; the rows of every keyboard stand so.
_STARTS = (-0.5, 0.0, 0.25, 0.75)
_REACH = 0.8


def _layout(language: Language) -> str:
    return _LAYOUT.get(language.code, _QWERTY if language.script == "Latn" else "")


@cache
def neighbours(code: str) -> dict[str, tuple[str, ...]]:
    """Each letter of a language's keyboard and the letters on the keys that touch its own, left to right by row."""
    rows = _layout(LANGUAGES[code]).split("/")
    first = len(_STARTS) - len(rows)
    keys = {
        letter: (_STARTS[row + first] + column, row)
        for row, letters in enumerate(rows)
        for column, letter in enumerate(letters)
        if letter != " "
    }
    return {
        letter: tuple(other for other, place in keys.items() if other != letter and _touch(here, place))
        for letter, here in keys.items()
    }


def _touch(one: tuple[float, int], other: tuple[float, int]) -> bool:
    across, down = abs(one[0] - other[0]), abs(one[1] - other[1])
    return across <= 1 if down == 0 else down == 1 and across <= _REACH


def typos(word: str, language: Language) -> list[str]:
    """All forms of a word of two letters or more with one key missed; a capital stays one."""
    near = neighbours(language.code)
    if sum(letter.lower() in near for letter in word) < 2:
        return []
    return [
        word[:place] + (other.upper() if letter.isupper() else other) + word[place + 1 :]
        for place, letter in enumerate(word)
        for other in near.get(letter.lower(), ())
    ]


def lacks(material: Material) -> str:
    """Why there are no typos in a language."""
    if material.language.rule is WordRule.CHARACTERS:
        return "its corpora have characters for words"
    return "" if _layout(material.language) else "no keyboard layout is known: it is typed by an input method"
