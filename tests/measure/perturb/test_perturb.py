"""What every perturbation keeps to, in every language."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mma_core.data import LABELS, Sentence, entities, samples
from mma_core.languages import LANGUAGES
from mma_core.measure.perturb import PERTURBATIONS, Material, Perturbation, words
from mma_core.measure.perturb.entities import mentions
from mma_core.spans import repair

# Letters, with their marks, of each script, and what stands between them.
LETTERS = {
    "Arab": "ابتثجحخدرسشصطعفقكلمنهويأإآىةؤئپچگکی\u064e\u0651",
    "Beng": "কখগঘতদনবমযরল\u09be\u09bf\u09c7\u09cd\u0982",
    "Cyrl": "абвгдежзийклмнопрстуфхцчшщъыьэюяёїієАБВГИЙОЁ",
    "Deva": "कखगघचजटडतदनपबमयरलवसह\u093e\u093f\u0940\u0941\u0942\u0947\u094d\u0901\u0902\u093c",
    "Ethi": "ሀለሐመሠረሰሸቀበተቸነኘአከኸወዘዠየደጀገጠጨ",
    "Geor": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "Grek": "αβγδεζηθικλμνξοπρστυφχψωςάέίόύώήΑΒΟΘΛ",
    "Hans": "未末已己人入日目土士中国北京的，。（）“”",
    "Hebr": "אבגדהוזחטיכלמנסעפצקרשתםןץףך\u05b7\u05bc",
    "Jpan": "東京ソンシツはほのカタ、。・（）",
    "Kore": "한국어서울가나다라마바사",
    "Latn": "abcdefghijklmnopqrstuvwxyzéèêëñçüößøłđıĐİIABCRNMẹọṣɓƙɛŋ\u0301",
    "Taml": "கசடதபரயலவழளறனநமண\u0bbe\u0bbf\u0bc1\u0bcd",
    "Thai": "กขคงจชซดตถทนบปผฝพฟภมยรลวสห\u0e34\u0e48",
}
COMMON = ".,;!?-'’\"()0123456789…·「」"


def word(script: str) -> st.SearchStrategy[str]:
    return st.text(LETTERS[script], min_size=1, max_size=7) | st.sampled_from(COMMON) | st.sampled_from(["5:3", "'s"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Sentence, Material]:
    """A sentence in any language, and entities of it and of others."""
    code = draw(st.sampled_from(list(LANGUAGES)))
    drawn = draw(st.lists(word(LANGUAGES[code].script), min_size=1, max_size=8))
    tags = draw(st.lists(st.sampled_from(TAGS), min_size=len(drawn), max_size=len(drawn)))
    sentence = Sentence(tuple(drawn), tuple(repair(tags)))
    return sentence, Material(LANGUAGES[code], MENTIONS, words.english_for([sentence], ENGLISH[:20]))


TAGS = ["O", "O", "O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC"]
SAMPLES = {corpus.language: corpus.sentences for corpus in samples()}
ENGLISH = SAMPLES["en"]
MENTIONS = {code: mentions(sentences) for code, sentences in SAMPLES.items()}
seeds = st.integers(0, 2**32 - 1)
strengths = st.sampled_from([0.25, 0.5, 1.0]) | st.floats(0, 1)
EACH = pytest.mark.parametrize("one", PERTURBATIONS.values(), ids=list(PERTURBATIONS))


def perturbed(one: Perturbation, case: tuple[Sentence, Material], strength: float, seed: int) -> Sentence:
    return one.apply(*case, strength=strength, seed=(seed, 0))


def test_the_letters_are_of_all_scripts() -> None:
    assert LETTERS.keys() == {language.script for language in LANGUAGES.values()}


@EACH
@settings(max_examples=60)
@given(case=cases(), strength=strengths, seed=seeds)
def test_words_and_tags_stay_consistent(
    one: Perturbation, case: tuple[Sentence, Material], strength: float, seed: int
) -> None:
    found = perturbed(one, case, strength, seed)
    assert len(found.words) == len(found.tags) > 0
    assert list(found.tags) == repair(found.tags)
    assert all(word and not word.isspace() for word in found.words)
    before, after = (Counter(label for *_, label in entities(s.tags)) for s in (case[0], found))
    assert before == after
    if one.name != "punctuation" and not one.name.startswith("swap"):
        assert found.tags == case[0].tags


@EACH
@settings(max_examples=30)
@given(case=cases(), strength=strengths, seed=seeds)
def test_nothing_changes_at_strength_0_and_a_seed_gives_the_same_change_again(
    one: Perturbation, case: tuple[Sentence, Material], strength: float, seed: int
) -> None:
    assert perturbed(one, case, 0, seed) == case[0]
    assert perturbed(one, case, strength, seed) == perturbed(one, case, strength, seed)


@EACH
@settings(max_examples=60)
@given(case=cases(), pair=st.tuples(strengths, strengths).map(sorted), seed=seeds)
def test_what_changes_at_a_strength_changes_alike_at_a_higher_one(
    one: Perturbation, case: tuple[Sentence, Material], pair: list[float], seed: int
) -> None:
    low, high = (perturbed(one, case, strength, seed) for strength in pair)
    if one.name == "punctuation":
        assert not Counter(high.words) - Counter(low.words)
        return
    if one.name.startswith("swap"):
        own, weak, strong = (_by_entity(sentence) for sentence in (case[0], low, high))
        assert all(there in (here, was) for was, here, there in zip(own, strong, weak, strict=True))
        return
    for was, weak, strong in zip(case[0].words, low.words, high.words, strict=True):
        assert weak in (strong, was)


def _by_entity(sentence: Sentence) -> list[tuple[str, ...]]:
    return [sentence.words[start:end] for start, end, _ in sorted(entities(sentence.tags))]


@EACH
def test_the_share_that_changes_is_the_strength(one: Perturbation) -> None:
    """Of the sample sentences that it reaches, in all languages to which it applies."""
    reached, half = 0, 0
    for code, sentences in SAMPLES.items():
        material = Material(LANGUAGES[code], MENTIONS, words.english_for(sentences, ENGLISH))
        if one.lacks(material):
            continue
        for number, sentence in enumerate(sentences[:12]):
            full, weak = (one.apply(sentence, material, strength=share, seed=(13, number)) for share in (1, 0.5))
            reached, half = reached + _changes(sentence, full), half + _changes(sentence, weak)
    assert reached > 20, "it reaches nothing"
    assert half / reached == pytest.approx(0.5, abs=3 / np.sqrt(reached))


def _changes(before: Sentence, after: Sentence) -> int:
    """How many words changed or are gone, or entities where their words are others."""
    if before.tags.count("O") != after.tags.count("O"):
        return before.tags.count("O") - after.tags.count("O")
    units = (before.words, after.words) if before.tags == after.tags else (_by_entity(before), _by_entity(after))
    return sum(was != now for was, now in zip(*units, strict=True))


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_is_from_0_to_1(strength: float) -> None:
    with pytest.raises(ValueError, match="not from 0 to 1"):
        PERTURBATIONS["typos"].apply(Sentence(("a",), ("O",)), Material(LANGUAGES["en"]), strength=strength, seed=(1,))


def test_each_is_described() -> None:
    assert [name for name, one in PERTURBATIONS.items() if one.name == name] == list(PERTURBATIONS)
    assert all(one.title and one.summary.endswith(".") for one in PERTURBATIONS.values())


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_some_and_a_reason_for_those_it_has_not(code: str) -> None:
    english = {"x": "the"} if code != "en" else {}
    reasons = [one.lacks(Material(LANGUAGES[code], MENTIONS, english)) for one in PERTURBATIONS.values()]
    assert reasons.count("") >= 3
    assert all(not reason or reason[0].islower() for reason in reasons)


def test_labels_are_those_of_the_data() -> None:
    assert {label for found in MENTIONS.values() for label in found} == set(LABELS)
