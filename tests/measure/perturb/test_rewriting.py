"""The forms that a word may take, kind by kind."""

import unicodedata
from collections.abc import Callable

import pytest

from mma_core.languages import LANGUAGES, WordRule
from mma_core.measure.perturb import Material, keyboard, lookalikes, marks, orthography
from mma_core.measure.perturb.base import Variants


def apply(change: Variants, word: str, code: str) -> list[str]:
    return [form for form in change(word, LANGUAGES[code]) if form != word]


def lacks(reason: Callable[[Material], str], code: str) -> str:
    return reason(Material(LANGUAGES[code]))


@pytest.mark.parametrize(
    ("code", "letter", "near"),
    [
        ("en", "g", "tyfhvb"),
        ("en", "q", "wa"),
        ("de", "z", "tughu"),
        ("fr", "a", "zqs"),
        ("fr", "m", "pl"),
        ("cs", "w", "ěšqeas"),
        ("tr", "ı", "uojk"),
        ("ru", "а", "вкепсм"),
        ("bg", "а", "яоеийъ"),
        ("he", "א", "רטכעג"),
        ("hi", "क", "गदरतसल"),
        ("sw", "g", "tyfhvb"),
    ],
)
def test_neighbours_are_the_keys_around(code: str, letter: str, near: str) -> None:
    found = set(keyboard.neighbours(code)[letter])
    assert found
    assert found <= set(near) | {letter}


@pytest.mark.parametrize("code", [c for c in LANGUAGES if not keyboard.lacks(Material(LANGUAGES[c]))])
def test_layouts_are_well_formed(code: str) -> None:
    near = keyboard.neighbours(code)
    assert all(letter in near[other] for letter, others in near.items() for other in others)
    assert all(unicodedata.is_normalized("NFC", letter) and letter not in others for letter, others in near.items())
    assert len(near) >= 24
    assert all(1 <= len(others) <= 8 for others in near.values())


def test_a_typo_keeps_length_case_and_short_words() -> None:
    forms = apply(keyboard.typos, "Go", "en")
    assert {form[0] for form in forms} == set("GTYFHVB")
    assert all(len(form) == 2 for form in forms)
    assert apply(keyboard.typos, "a", "en") == []
    assert apply(keyboard.typos, "2026", "en") == []


def test_no_typos_without_a_layout_or_words() -> None:
    assert "input method" in lacks(keyboard.lacks, "am")
    characters = [code for code, language in LANGUAGES.items() if language.rule is WordRule.CHARACTERS]
    assert all("characters" in lacks(keyboard.lacks, code) for code in characters)
    assert [code for code in LANGUAGES if lacks(keyboard.lacks, code)] == sorted([*characters, "am"])


@pytest.mark.parametrize(
    ("code", "word", "plain"),
    [
        ("fr", "Élève", "Eleve"),
        ("vi", "Đường", "Duong"),
        ("yo", "Abẹ́òkúta", "Abeokuta"),
        ("ha", "ɗan", "dan"),
        ("pl", "Łódź", "Lodz"),
        ("ru", "Королёв", "Королев"),
        ("el", "Αθήνα", "Αθηνα"),
        ("ar", "مُحَمَّد", "محمد"),
        ("he", "שָׁלוֹם", "שלום"),
    ],
)
def test_diacritics_are_dropped(code: str, word: str, plain: str) -> None:
    assert marks.bare(word, LANGUAGES[code]) == [plain]


@pytest.mark.parametrize(("code", "word"), [("ru", "Толстой"), ("uk", "Київ"), ("ar", "أحمد"), ("en", "London")])
def test_letters_of_their_own_are_not(code: str, word: str) -> None:
    assert marks.bare(word, LANGUAGES[code]) == [word]


@pytest.mark.parametrize(
    ("code", "lower", "upper"),
    [("tr", "istanbul", "İSTANBUL"), ("tr", "ısparta", "ISPARTA"), ("el", "αθήνα", "ΑΘΗΝΑ"), ("de", "köln", "KÖLN")],
)
def test_case(code: str, lower: str, upper: str) -> None:
    assert marks.capitals(lower, LANGUAGES[code]) == [upper]
    if code != "el":
        assert marks.lower(upper, LANGUAGES[code]) == [lower]


def test_only_some_scripts_have_case_or_diacritics() -> None:
    cased = {language.script for code, language in LANGUAGES.items() if not lacks(marks.lacks_case, code)}
    marked = {language.script for code, language in LANGUAGES.items() if not lacks(marks.lacks_diacritics, code)}
    assert cased == {"Latn", "Cyrl", "Grek"}
    assert marked == cased | {"Arab", "Hebr"}


@pytest.mark.parametrize(
    ("code", "word", "read"),
    [
        ("en", "barn", "bam"),
        ("en", "dog", "clog"),
        ("de", "Ulm", "U1m"),
        ("ru", "дни", "дпи"),
        ("ar", "بيت", "تيت"),
        ("he", "דם", "רם"),
        ("zh", "未", "末"),
        ("ja", "ン", "ソ"),
        ("ko", "가", "갸"),
        ("am", "ሲ", "ሺ"),
        ("th", "ก", "ถ"),
        ("hi", "बम", "वम"),
        ("bn", "বন", "রন"),
        ("ta", "லன", "வன"),
        ("el", "νους", "υους"),
    ],
)
def test_look_alikes(code: str, word: str, read: str) -> None:
    assert read in apply(lookalikes.misread, word, code)


def test_look_alikes_are_mutual_and_one_at_a_time() -> None:
    for script in {language.script for language in LANGUAGES.values()}:
        alike = lookalikes.alike(script)
        assert all(letters in alike[other] for letters, others in alike.items() for other in others)
        assert all(1 <= len(letters) <= 2 for letters in alike)
    assert set(apply(lookalikes.misread, "rn", "en")) == {"m"}
    assert "look-alikes" in lacks(lookalikes.lacks, "ka")


@pytest.mark.parametrize(
    ("change", "code", "word", "forms"),
    [
        (orthography.arabic, "ar", "أحمد", ["احمد"]),
        (orthography.arabic, "ar", "فاطمة", ["فاطمه"]),
        (orthography.arabic, "ar", "على", ["علي"]),
        (orthography.arabic, "ar", "علي", ["على"]),
        (orthography.arabic, "fa", "یک", ["يك"]),
        (orthography.arabic, "ur", "ہم", ["هم"]),
        (orthography.devanagari, "hi", "हिंद", ["हिन्द", "हींद"]),
        (orthography.devanagari, "hi", "गये", ["गए"]),
        (orthography.devanagari, "hi", "ड\u093c", ["ड"]),
        (orthography.devanagari, "hi", "\u095c", ["ड"]),
        (orthography.devanagari, "ne", "चाँद", ["चांद"]),
        (orthography.devanagari, "hi", "\u095cब", ["डब"]),
        (orthography.width, "zh", "（A1）", ["(Ａ１)"]),
        (orthography.width, "ja", "。", ["｡"]),
        (orthography.width, "zh", "中", []),
    ],
)
def test_spellings(change: Variants, code: str, word: str, forms: list[str]) -> None:
    assert sorted(apply(change, word, code)) == sorted(forms)


def test_spellings_belong_to_scripts() -> None:
    reason = orthography.lacks("Hans", "Jpan")
    assert [code for code in LANGUAGES if not lacks(reason, code)] == ["ja", "zh"]
