"""OCR confusions: letters that look alike in print, script by script."""

import unicodedata
from functools import cache

from ...languages import Language
from .base import Material, one_off

# Each of these Ethiopic series differs from the other by one stroke, in all seven vowels.
_SERIES = (("ሰ", "ሸ"), ("ተ", "ቸ"), ("ነ", "ኘ"), ("ከ", "ኸ"), ("ዘ", "ዠ"), ("ደ", "ጀ"), ("ጠ", "ጨ"))
_HAN = "未/末 己/已/巳 人/入 日/曰/目 土/士 大/太/犬 干/千/于 天/夫 王/玉 田/由/甲/申 木/本 白/自 令/今 住/往 免/兔"
# Groups of what is taken for each other.
_ALIKE = {
    "Arab": "ب/ت/ث/ن ج/ح/خ د/ذ ر/ز س/ش ص/ض ط/ظ ع/غ ف/ق پ/ب چ/ج ک/گ",
    "Beng": "ব/র ঘ/ষ/য খ/থ",
    "Cyrl": "и/н/п ш/щ ь/ъ е/с З/3 О/0 б/6 ц/щ л/п",
    "Deva": "ब/व भ/म घ/ध प/ष थ/य ड/ङ",
    "Ethi": " ".join(f"{chr(ord(a) + vowel)}/{chr(ord(b) + vowel)}" for a, b in _SERIES for vowel in range(7)),
    "Grek": "ν/υ ο/σ α/ο ι/ί κ/χ Ο/0 Θ/Ο Λ/Α",
    "Hans": _HAN,
    "Hebr": "ב/כ ד/ר ה/ח/ת ו/ז/ן ם/ס ע/צ ג/נ",
    "Jpan": f"{_HAN} ソ/ン シ/ツ ロ/口 カ/力 ニ/二 ハ/八 エ/工 タ/夕 ぬ/め る/ろ わ/ね/れ さ/き ー/一",
    "Kore": "ᅡ/ᅣ ᅥ/ᅧ ᅩ/ᅭ ᅮ/ᅲ ᄀ/ᄏ ᄃ/ᄐ ᄌ/ᄎ ᆷ/ᆼ",
    "Latn": "rn/m cl/d l/1/I O/0 S/5 B/8 Z/2 e/c h/b vv/w ii/u f/t",
    "Taml": "ன/ண ள/ன ல/வ ஓ/ஒ எ/ஏ",
    "Thai": "ก/ถ/ภ ข/ช/ซ ค/ด/ต บ/ป ผ/ฝ พ/ฟ ม/น ล/ส",
}


@cache
def alike(script: str) -> dict[str, tuple[str, ...]]:
    """Letters or pairs of letters of a script → what they are taken for."""
    found: dict[str, tuple[str, ...]] = {}
    for group in _ALIKE.get(script, "").split():
        members = group.split("/")
        for member in members:
            found[member] = (*found.get(member, ()), *(other for other in members if other != member))
    return found


def misread(word: str, language: Language) -> list[str]:
    """All forms of a word with one look-alike; of Hangul the letters within a syllable."""
    if language.script == "Kore":
        apart = unicodedata.normalize("NFD", word)
        return [unicodedata.normalize("NFC", form) for form in one_off(apart, alike("Kore"))]
    return one_off(word, alike(language.script))


def lacks(material: Material) -> str:
    """Why a language has no look-alikes."""
    return "" if material.language.script in _ALIKE else "no look-alikes of its script are known"
