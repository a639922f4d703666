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
    """One language: ISO 639 code, English name, ISO 15924 script, family, tier and word rule.

    Families are counted as XTREME does (Hu et al. 2020): of Indo-European each branch is one.
    """

    code: str
    name: str
    script: str
    family: str
    tier: Tier
    rule: WordRule = WordRule.SPACES

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as HTML's `dir` wants it."""
        return "rtl" if self.script in {"Arab", "Hebr"} else "ltr"


_HIGH, _MID, _LOW, _ZERO = Tier
_CHARACTERS, _ELISION, _MARKS = WordRule.CHARACTERS, WordRule.ELISION, WordRule.MARKS

_TABLE = (
    Language("am", "Amharic", "Ethi", "Afro-Asiatic", _ZERO),
    Language("ar", "Arabic", "Arab", "Afro-Asiatic", _ZERO),
    Language("bbj", "Ghomala", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("bg", "Bulgarian", "Cyrl", "Slavic", _ZERO),
    Language("bm", "Bambara", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("bn", "Bengali", "Beng", "Indo-Aryan", _ZERO),
    Language("ca", "Catalan", "Latn", "Romance", _ZERO, _ELISION),
    Language("ceb", "Cebuano", "Latn", "Austronesian", _ZERO),
    Language("cs", "Czech", "Latn", "Slavic", _ZERO),
    Language("da", "Danish", "Latn", "Germanic", _MID),
    Language("de", "German", "Latn", "Germanic", _HIGH),
    Language("ee", "Ewe", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("el", "Greek", "Grek", "Greek", _ZERO),
    Language("en", "English", "Latn", "Germanic", _HIGH, WordRule.POSSESSIVE),
    Language("es", "Spanish", "Latn", "Romance", _HIGH),
    Language("et", "Estonian", "Latn", "Uralic", _ZERO),
    Language("eu", "Basque", "Latn", "Basque", _ZERO),
    Language("fa", "Persian", "Arab", "Iranian", _ZERO),
    Language("fi", "Finnish", "Latn", "Uralic", _HIGH),
    Language("fon", "Fon", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("fr", "French", "Latn", "Romance", _HIGH, _ELISION),
    Language("ha", "Hausa", "Latn", "Afro-Asiatic", _MID, _MARKS),
    Language("he", "Hebrew", "Hebr", "Afro-Asiatic", _ZERO),
    Language("hi", "Hindi", "Deva", "Indo-Aryan", _ZERO),
    Language("hr", "Croatian", "Latn", "Slavic", _MID),
    Language("hu", "Hungarian", "Latn", "Uralic", _ZERO),
    Language("id", "Indonesian", "Latn", "Austronesian", _ZERO),
    Language("ig", "Igbo", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("it", "Italian", "Latn", "Romance", _HIGH, _ELISION),
    Language("ja", "Japanese", "Jpan", "Japonic", _ZERO, _CHARACTERS),
    Language("ka", "Georgian", "Geor", "Kartvelian", _ZERO),
    Language("ko", "Korean", "Kore", "Koreanic", _LOW, _CHARACTERS),
    Language("lg", "Luganda", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("lt", "Lithuanian", "Latn", "Baltic", _ZERO),
    Language("luo", "Luo", "Latn", "Nilo-Saharan", _MID, _MARKS),
    Language("lv", "Latvian", "Latn", "Baltic", _ZERO),
    Language("mos", "Mossi", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("nb", "Norwegian Bokmål", "Latn", "Germanic", _HIGH),
    Language("ne", "Nepali", "Deva", "Indo-Aryan", _ZERO, WordRule.POSTPOSITION),
    Language("nl", "Dutch", "Latn", "Germanic", _HIGH, WordRule.POSSESSIVE),
    Language("ny", "Chichewa", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("pcm", "Nigerian Pidgin", "Latn", "Creole", _MID, _MARKS),
    Language("pl", "Polish", "Latn", "Slavic", _HIGH),
    Language("pt", "Portuguese", "Latn", "Romance", _HIGH),
    Language("ro", "Romanian", "Latn", "Romance", _MID),
    Language("ru", "Russian", "Cyrl", "Slavic", _HIGH),
    Language("rw", "Kinyarwanda", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("sk", "Slovak", "Latn", "Slavic", _MID),
    Language("sl", "Slovene", "Latn", "Slavic", _ZERO),
    Language("sn", "Shona", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("sr", "Serbian", "Latn", "Slavic", _LOW),
    Language("sv", "Swedish", "Latn", "Germanic", _LOW),
    Language("sw", "Swahili", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("ta", "Tamil", "Taml", "Dravidian", _ZERO),
    Language("th", "Thai", "Thai", "Kra-Dai", _ZERO, _CHARACTERS),
    Language("tl", "Tagalog", "Latn", "Austronesian", _ZERO),
    Language("tn", "Setswana", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("tr", "Turkish", "Latn", "Turkic", _ZERO),
    Language("tw", "Twi", "Latn", "Niger-Congo", _LOW, _MARKS),
    Language("uk", "Ukrainian", "Cyrl", "Slavic", _ZERO),
    Language("ur", "Urdu", "Arab", "Indo-Aryan", _ZERO),
    Language("vi", "Vietnamese", "Latn", "Austroasiatic", _ZERO),
    Language("wo", "Wolof", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("xh", "Xhosa", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("yo", "Yoruba", "Latn", "Niger-Congo", _MID, _MARKS),
    Language("zh", "Chinese", "Hans", "Sino-Tibetan", _LOW, _CHARACTERS),
    Language("zu", "Zulu", "Latn", "Niger-Congo", _MID, _MARKS),
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
