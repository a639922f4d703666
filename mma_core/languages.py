"""The languages the app knows, one row each.

The tier follows the labelled training sentences that the built-in teacher `multi` may see: high from 10,000, mid
from 4,500, low below, zero-shot none. `tier_of` applies the same limits to the training files of any teacher.
"""

from dataclasses import dataclass
from enum import StrEnum

from .errors import DataError

HIGH_FROM = 10_000
MID_FROM = 4_500


class Tier(StrEnum):
    """How many labelled training sentences of a language the built-in teacher could learn from."""

    HIGH = "high-resource"
    MID = "mid-resource"
    LOW = "low-resource"
    ZERO = "zero-shot"


class WordRule(StrEnum):
    """How a language's corpora cut text into words (`spans.words` applies it)."""

    SPACES = "spaces"
    POSSESSIVE = "possessive apart"
    ELISION = "elided article apart"
    MARKS = "every mark but the apostrophe apart"
    POSTPOSITION = "postposition apart"
    CHARACTERS = "one character a word"


@dataclass(frozen=True)
class Language:
    """One language: ISO 639 code, English name, ISO 15924 script, word rule and tier."""

    code: str
    name: str
    script: str
    tier: Tier
    rule: WordRule = WordRule.SPACES

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as HTML's `dir` wants it."""
        return "rtl" if self.script in {"Arab", "Hebr"} else "ltr"


_HIGH, _MID, _LOW, _ZERO = Tier
_CHARACTERS, _ELISION, _MARKS = WordRule.CHARACTERS, WordRule.ELISION, WordRule.MARKS

_TABLE = (
    Language("am", "Amharic", "Ethi", _ZERO),
    Language("ar", "Arabic", "Arab", _ZERO),
    Language("bbj", "Ghomala", "Latn", _LOW, _MARKS),
    Language("bg", "Bulgarian", "Cyrl", _ZERO),
    Language("bm", "Bambara", "Latn", _LOW, _MARKS),
    Language("bn", "Bengali", "Beng", _ZERO),
    Language("ca", "Catalan", "Latn", _ZERO, _ELISION),
    Language("ceb", "Cebuano", "Latn", _ZERO),
    Language("cs", "Czech", "Latn", _ZERO),
    Language("da", "Danish", "Latn", _MID),
    Language("de", "German", "Latn", _HIGH),
    Language("ee", "Ewe", "Latn", _LOW, _MARKS),
    Language("el", "Greek", "Grek", _ZERO),
    Language("en", "English", "Latn", _HIGH, WordRule.POSSESSIVE),
    Language("es", "Spanish", "Latn", _HIGH),
    Language("et", "Estonian", "Latn", _ZERO),
    Language("eu", "Basque", "Latn", _ZERO),
    Language("fa", "Persian", "Arab", _ZERO),
    Language("fi", "Finnish", "Latn", _HIGH),
    Language("fon", "Fon", "Latn", _LOW, _MARKS),
    Language("fr", "French", "Latn", _HIGH, _ELISION),
    Language("ha", "Hausa", "Latn", _MID, _MARKS),
    Language("he", "Hebrew", "Hebr", _ZERO),
    Language("hi", "Hindi", "Deva", _ZERO),
    Language("hr", "Croatian", "Latn", _MID),
    Language("hu", "Hungarian", "Latn", _ZERO),
    Language("id", "Indonesian", "Latn", _ZERO),
    Language("ig", "Igbo", "Latn", _MID, _MARKS),
    Language("it", "Italian", "Latn", _HIGH, _ELISION),
    Language("ja", "Japanese", "Jpan", _ZERO, _CHARACTERS),
    Language("ka", "Georgian", "Geor", _ZERO),
    Language("ko", "Korean", "Kore", _LOW, _CHARACTERS),
    Language("lg", "Luganda", "Latn", _MID, _MARKS),
    Language("lt", "Lithuanian", "Latn", _ZERO),
    Language("luo", "Luo", "Latn", _MID, _MARKS),
    Language("lv", "Latvian", "Latn", _ZERO),
    Language("mos", "Mossi", "Latn", _MID, _MARKS),
    Language("nb", "Norwegian Bokmål", "Latn", _HIGH),
    Language("ne", "Nepali", "Deva", _ZERO, WordRule.POSTPOSITION),
    Language("nl", "Dutch", "Latn", _HIGH, WordRule.POSSESSIVE),
    Language("ny", "Chichewa", "Latn", _MID, _MARKS),
    Language("pcm", "Nigerian Pidgin", "Latn", _MID, _MARKS),
    Language("pl", "Polish", "Latn", _HIGH),
    Language("pt", "Portuguese", "Latn", _HIGH),
    Language("ro", "Romanian", "Latn", _MID),
    Language("ru", "Russian", "Cyrl", _HIGH),
    Language("rw", "Kinyarwanda", "Latn", _MID, _MARKS),
    Language("sk", "Slovak", "Latn", _MID),
    Language("sl", "Slovene", "Latn", _ZERO),
    Language("sn", "Shona", "Latn", _MID, _MARKS),
    Language("sr", "Serbian", "Latn", _LOW),
    Language("sv", "Swedish", "Latn", _LOW),
    Language("sw", "Swahili", "Latn", _MID, _MARKS),
    Language("ta", "Tamil", "Taml", _ZERO),
    Language("th", "Thai", "Thai", _ZERO, _CHARACTERS),
    Language("tl", "Tagalog", "Latn", _ZERO),
    Language("tn", "Setswana", "Latn", _LOW, _MARKS),
    Language("tr", "Turkish", "Latn", _ZERO),
    Language("tw", "Twi", "Latn", _LOW, _MARKS),
    Language("uk", "Ukrainian", "Cyrl", _ZERO),
    Language("ur", "Urdu", "Arab", _ZERO),
    Language("vi", "Vietnamese", "Latn", _ZERO),
    Language("wo", "Wolof", "Latn", _MID, _MARKS),
    Language("xh", "Xhosa", "Latn", _MID, _MARKS),
    Language("yo", "Yoruba", "Latn", _MID, _MARKS),
    Language("zh", "Chinese", "Hans", _LOW, _CHARACTERS),
    Language("zu", "Zulu", "Latn", _MID, _MARKS),
)

LANGUAGES = {language.code: language for language in _TABLE}


def tier_of(sentences: int) -> Tier:
    """The tier of a language with so many labelled sentences in a teacher's training files."""
    if sentences >= HIGH_FROM:
        return Tier.HIGH
    if sentences >= MID_FROM:
        return Tier.MID
    return Tier.LOW if sentences else Tier.ZERO


def language(code: str) -> Language:
    """The row of a language code.

    Raises:
        DataError: the code is not in the table.
    """
    if code not in LANGUAGES:
        raise DataError(f"unknown language {code!r}; known: {', '.join(LANGUAGES)}")
    return LANGUAGES[code]
