"""Scores are seqeval's own; the interval is the bootstrap's."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2

from mma_core.data import LABELS, TAGS
from mma_core.measure.accuracy import ERRORS, accuracy, entities
from mma_core.spans import repair

tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=8)
pairs = st.lists(tags.flatmap(lambda gold: st.tuples(st.just(gold), st.lists(
    st.sampled_from(TAGS), min_size=len(gold), max_size=len(gold)))), min_size=1, max_size=8)  # fmt: skip


@settings(max_examples=60)
@given(pairs)
def test_scores_are_seqevals(rows: list[tuple[list[str], list[str]]]) -> None:
    gold, predicted = ([repair(row[side]) for row in rows] for side in (0, 1))
    found = accuracy(gold, predicted, 1)
    if not any(tag != "O" for row in gold + predicted for tag in row):
        assert (found.f1, found.precision, found.recall) == (0, 0, 0)
        return
    for score, value in ((f1_score, found.f1), (precision_score, found.precision), (recall_score, found.recall)):
        wanted = score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
        assert value == pytest.approx(100 * wanted, abs=0.006)


@given(tags)
def test_entities_are_seqevals(row: list[str]) -> None:
    valid = repair(row)
    assert entities(valid) == {(start, end + 1, label) for label, start, end in get_entities(valid)}


def noisy(share: float, sentences: int) -> tuple[list[list[str]], list[list[str]]]:
    drawn = random.Random(4)
    gold = [repair(drawn.choices(TAGS, weights=[6, 1, 1, 1, 1, 1, 1], k=12)) for _ in range(sentences)]
    return gold, [repair([t if drawn.random() < share else "O" for t in row]) for row in gold]


@pytest.mark.parametrize("sentences", [1, 5, 200])
def test_the_interval_contains_the_score(sentences: int) -> None:
    found = accuracy(*noisy(0.8, sentences), 3)
    assert 0 <= found.f1_low <= found.f1 <= found.f1_high <= 100
    assert 0 < found.f1 < 100


def test_each_type_has_an_interval_of_its_own() -> None:
    gold, predicted = noisy(0.8, 50)
    found = accuracy(gold, predicted, 3)
    assert found.per_type_bounds.keys() == found.per_type.keys() == set(LABELS)
    for label, (low, high) in found.per_type_bounds.items():
        assert 0 < low < found.per_type[label] < high < 100
    only = [[[tag if tag[2:] == "PER" else "O" for tag in row] for row in side] for side in (gold, predicted)]
    alone = accuracy(*only, 3)
    assert alone.per_type_bounds == {"PER": [alone.f1_low, alone.f1_high]}
    assert alone.per_type_bounds["PER"] == found.per_type_bounds["PER"]


def test_more_sentences_a_narrower_interval() -> None:
    few, many = accuracy(*noisy(0.8, 20), 3), accuracy(*noisy(0.8, 500), 3)
    assert 0 < many.f1_high - many.f1_low < 0.5 * (few.f1_high - few.f1_low)


def test_the_seed_decides() -> None:
    assert accuracy(*noisy(0.8, 30), 3) == accuracy(*noisy(0.8, 30), 3)
    assert accuracy(*noisy(0.8, 30), 3) != accuracy(*noisy(0.8, 30), 4)


def test_other_types_count_as_none() -> None:
    gold = [["B-PER", "O", "O", "B-LOC"]]
    found = accuracy(gold, [["B-PER", "B-MISC", "I-MISC", "B-LOC"]], 1)
    assert (found.f1, found.precision, found.recall) == (100, 100, 100)
    assert found.per_type == {"PER": 100, "LOC": 100}


def test_borders_and_types_must_both_be_right() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    assert accuracy(gold, [["B-PER", "O", "O", "B-LOC"]], 1).f1 == 50
    assert accuracy(gold, [["B-ORG", "I-ORG", "O", "B-LOC"]], 1).f1 == 50
    assert accuracy(gold, [["B-ORG", "I-ORG", "O", "B-LOC"]], 1).per_type == {"PER": 0, "ORG": 0, "LOC": 100}


@pytest.mark.parametrize(("gold", "predicted"), [([[]], [[]]), ([["O", "O"]], [["O", "O"]])])
def test_nothing_to_find(gold: list[list[str]], predicted: list[list[str]]) -> None:
    found = accuracy(gold, predicted, 1)
    assert (found.f1, found.f1_low, found.f1_high, found.per_type) == (0, 0, 0, {})


def test_nothing_found() -> None:
    found = accuracy([["B-PER", "O"]], [["O", "O"]], 1)
    assert (found.f1, found.recall, found.per_type) == (0, 0, {"PER": 0})


@pytest.mark.parametrize("predicted", [[], [["O"]], [["O", "O"], ["O"]]])
def test_lengths_must_agree(predicted: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="differ in number"):
        accuracy([["O", "O"]], predicted, 1)


OUTCOMES = [
    (["B-PER", "I-PER", "O"], {"right": 1}),
    (["O", "O", "O"], {"missed": 1}),
    (["B-PER", "O", "O"], {"wrong border": 1}),
    (["B-ORG", "I-ORG", "O"], {"wrong type": 1}),
    (["B-LOC", "O", "O"], {"wrong type": 1}),
    (["B-PER", "I-PER", "B-LOC"], {"right": 1, "invented": 1}),
    (["B-PER", "B-LOC", "O"], {"wrong border": 1, "wrong type": 1}),
    (["O", "O", "B-PER"], {"missed": 1, "invented": 1}),
]


@pytest.mark.parametrize(("predicted", "expected"), OUTCOMES)
def test_each_error_has_its_kind(predicted: list[str], expected: dict[str, int]) -> None:
    assert accuracy([["B-PER", "I-PER", "O"]], [predicted], 1).errors == dict.fromkeys(ERRORS, 0) | expected


@given(pairs)
def test_every_entity_is_accounted_for(rows: list[tuple[list[str], list[str]]]) -> None:
    gold, predicted = ([repair(row[side]) for row in rows] for side in (0, 1))
    found = accuracy(gold, predicted, 1)
    right, ours, there = (sum(column) for column in zip(*found.counts, strict=True))
    assert found.errors["right"] == right
    assert sum(found.errors.values()) - found.errors["missed"] == ours
    assert found.errors["missed"] <= there - right
