"""Lost punctuation, English words among others, and swapped entities."""

import pytest

from mma_core.data import Sentence
from mma_core.languages import LANGUAGES
from mma_core.measure.perturb import PERTURBATIONS, Material
from mma_core.measure.perturb.entities import mentions
from mma_core.measure.perturb.words import english_for


def sentence(text: str) -> Sentence:
    cells = [cell.rpartition("/") for cell in text.split()]
    return Sentence(tuple(word for word, _, _ in cells), tuple(tag for _, _, tag in cells))


def full(name: str, given: Sentence, material: Material, seed: int = 13) -> Sentence:
    return PERTURBATIONS[name].apply(given, material, strength=1, seed=(seed, 0))


ENGLISH = Material(LANGUAGES["en"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("«/O Anna/B-PER »/O left/O ./O", "Anna/B-PER left/O"),
        ("AT/B-ORG &/I-ORG T/I-ORG !/O", "AT/B-ORG &/I-ORG T/I-ORG"),
        (",/O ./O", ",/O"),
        ("。/O 王/B-PER", "王/B-PER"),
        ("5/O %/O", "5/O"),
    ],
)
def test_marks_outside_entities_are_dropped(given: str, kept: str) -> None:
    assert full("punctuation", sentence(given), ENGLISH) == sentence(kept)


GERMAN = sentence("Die/O Stadt/O und/O die/O Stadt/O Ulm/B-LOC und/O die/O Alb/O 7/O")


def test_mixing_goes_by_frequency_rank() -> None:
    theirs = [sentence("the/O the/O the/O of/O of/O Paris/B-LOC a/O")]
    table = english_for([GERMAN], theirs)
    assert table == {"die": "the", "stadt": "of", "und": "a", "alb": "a"}
    found = full("mixed", GERMAN, Material(LANGUAGES["de"], {}, table))
    assert found.words == ("The", "Of", "a", "the", "Of", "Ulm", "a", "the", "A", "7")
    assert found.tags == GERMAN.tags
    assert english_for([GERMAN], []) == {}


def test_a_word_that_has_no_english_one_stays_as_it_is() -> None:
    given = sentence("USA/O McDonald/O ІТ/O Die/O")
    assert full("mixed", given, Material(LANGUAGES["de"], {}, {"die": "the"})).words == ("USA", "McDonald", "ІТ", "The")


@pytest.mark.parametrize(
    ("code", "english", "reason"),
    [
        ("en", {"a": "a"}, "it is English"),
        ("zh", {"a": "a"}, "characters"),
        ("de", {}, "no English"),
        ("de", {"a": "b"}, ""),
    ],
)
def test_mixing_is_not_for_all(code: str, english: dict[str, str], reason: str) -> None:
    said = PERTURBATIONS["mixed"].lacks(Material(LANGUAGES[code], {}, english))
    assert reason in said
    assert bool(said) is bool(reason)


MENTIONS = {
    code: mentions([sentence(text)])
    for code, text in {
        "de": "Ulm/B-LOC Köln/B-LOC Anna/B-PER Karl/B-PER May/I-PER",
        "sv": "Lund/B-LOC Elsa/B-PER",
        "fi": "Oulu/B-LOC Turku/B-LOC Aino/B-PER Nokia/B-ORG",
        "ru": "Омск/B-LOC",
    }.items()
}
GIVEN = sentence("Anna/B-PER besucht/O Ulm/B-LOC mit/O Karl/B-PER May/I-PER von/O Audi/B-ORG")


def test_mentions_are_different_and_in_order() -> None:
    again = [sentence("Ulm/B-LOC Karl/B-PER May/I-PER"), sentence("Ulm/B-LOC Bonn/B-LOC")]
    assert mentions(again) == {"LOC": [("Ulm",), ("Bonn",)], "PER": [("Karl", "May")]}


@pytest.mark.parametrize(
    ("name", "places", "people"),
    [
        ("swap-language", {("Köln",)}, {("Karl", "May"), ("Anna",)}),
        ("swap-script", {("Lund",), ("Oulu",), ("Turku",)}, {("Elsa",), ("Aino",)}),
        ("swap-family", {("Lund",)}, {("Elsa",)}),
    ],
)
def test_entities_come_from_their_kin(name: str, places: set[tuple[str, ...]], people: set[tuple[str, ...]]) -> None:
    seen: dict[str, set[tuple[str, ...]]] = {"PER": set(), "LOC": set()}
    for seed in range(40):
        found = full(name, GIVEN, Material(LANGUAGES["de"], MENTIONS), seed)
        for label, each in mentions([found]).items():
            seen.setdefault(label, set()).update(each)
        assert [word for word, tag in zip(found.words, found.tags, strict=True) if tag == "O"] == [
            "besucht",
            "mit",
            "von",
        ]
    assert seen["LOC"] == places
    assert seen["PER"] == people
    assert seen["ORG"] == ({("Nokia",)} if name == "swap-script" else {("Audi",)})


def test_each_language_of_a_kind_has_the_same_chance() -> None:
    material = Material(LANGUAGES["de"], MENTIONS)
    found = [full("swap-script", GIVEN, material, seed) for seed in range(300)]
    share = sum("Lund" in sentence.words for sentence in found) / len(found)
    assert share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("swap-script", "el", "no other language of its script"),
        ("swap-family", "eu", "no other language of its family"),
        ("swap-language", "el", "no entities"),
        ("swap-family", "en", ""),
    ],
)
def test_what_has_no_kin_says_so(name: str, code: str, reason: str) -> None:
    said = PERTURBATIONS[name].lacks(Material(LANGUAGES[code], MENTIONS))
    assert reason in said
    assert bool(said) is bool(reason)
