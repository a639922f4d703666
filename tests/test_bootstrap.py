"""The bootstrap covers what it says it covers, and compares in pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core import bootstrap
from mma_core.bootstrap import RESAMPLES, f1, interval, macro, paired, resamples

ONE_FILE = np.zeros(200, dtype=np.int64)
counts = st.lists(
    st.integers(0, 4).flatmap(
        lambda gold: st.tuples(st.integers(0, gold), st.integers(0, 3), st.just(gold)).map(
            lambda row: (row[0], row[0] + row[1], row[2])
        )
    ),
    min_size=1,
    max_size=20,
).map(np.array)


def drawn(seed: int, sentences: int, share: float) -> np.ndarray:
    """A tagger that finds each of two entities a sentence with that chance, and nothing else."""
    right = np.random.default_rng(seed).binomial(2, share, sentences)
    return np.stack([right, right, np.full(sentences, 2)], axis=1)


@given(counts)
def test_whole_weights_give_the_plain_f1(rows: np.ndarray) -> None:
    right, found, gold = rows.sum(axis=0)
    expected = 200 * right / (found + gold) if found + gold else 0
    assert f1(rows, np.ones((1, len(rows))))[0] == pytest.approx(expected)


def test_every_resample_keeps_the_size_of_each_file() -> None:
    groups = np.array([0] * 7 + [1] * 3)
    weights = resamples(groups, 1)
    assert weights.shape == (RESAMPLES, 10)
    assert (weights[:, :7].sum(axis=1) == 7).all()
    assert (weights[:, 7:].sum(axis=1) == 3).all()
    assert (resamples(groups, 1) == weights).all()
    assert (resamples(groups, 2) != weights).any()


def test_macro_is_the_mean_over_files_whatever_their_size() -> None:
    rows = np.array([(1, 1, 1)] * 9 + [(0, 1, 1)])
    groups = np.array([0] * 9 + [1])
    assert macro(rows, groups, np.ones((1, 10)))[0] == 50
    assert np.isnan(macro(rows[:0], groups[:0], np.ones((3, 0)))).all()


def test_intervals_cover() -> None:
    # 200 data sets of a tagger whose recall is 0.7 with precision 1, so that its F1 is 2 · 0.7 / 1.7.
    truth = 100 * 2 * 0.7 / 1.7
    bounds = [interval(drawn(seed, 120, 0.7), seed) for seed in range(200)]
    covered = np.mean([low <= truth <= high for low, high in bounds])
    assert 0.89 <= covered <= 0.99


def test_equals_are_seldom_told_apart() -> None:
    found = [paired(drawn(seed, 200, 0.6), drawn(1000 + seed, 200, 0.6), ONE_FILE, seed).p for seed in range(100)]
    assert np.mean([p < 0.05 for p in found]) <= 0.12


def test_a_better_tagger_is_found_out() -> None:
    found = paired(drawn(1, 200, 0.8), drawn(2, 200, 0.6), ONE_FILE, 1)
    assert found.low > 0
    assert found.low < found.points < found.high
    assert found.p < 0.01


def test_pairs_see_what_intervals_of_two_do_not() -> None:
    # The same tagger, but for two entities: the intervals overlap almost wholly, the paired difference is sure.
    one = drawn(1, 200, 0.6)
    other = one.copy()
    other[np.flatnonzero(one[:, 0])[:12], :2] -= 1
    assert interval(other, 1)[1] > interval(one, 1)[0]
    assert paired(one, other, ONE_FILE, 1).low > 0


@given(counts, st.integers(0, 9))
def test_a_tagger_beside_itself_does_not_differ(rows: np.ndarray, seed: int) -> None:
    found = paired(rows, rows, np.zeros(len(rows), dtype=np.int64), seed)
    assert found == bootstrap.Difference(0.0, 0.0, 0.0, 1.0)


def test_other_sentences_cannot_be_compared() -> None:
    one = drawn(1, 10, 0.5)
    other = one.copy()
    other[0, 2] += 1
    for wrong in (other, one[:9]):
        with pytest.raises(ValueError, match="same sentences"):
            paired(one, wrong, np.zeros(10, dtype=np.int64), 1)


@pytest.mark.parametrize(("sentences", "share"), [(20, 0.95), (20, 0.7), (20, 0.5), (8, 0.8), (3, 0.6)])
def test_cautious_intervals_cover_with_few_sentences(sentences: int, share: float) -> None:
    truth = 100 * 2 * share / (1 + share)
    found = [bootstrap.cautious_interval(drawn(seed, sentences, share), seed) for seed in range(200)]
    assert np.mean([low <= truth <= high for low, high in found]) >= 0.93


def test_few_sentences_that_are_all_alike_prove_little() -> None:
    for rows in (np.array([[1, 1, 1]]), np.array([[0, 1, 1]] * 3), np.array([[0, 0, 0]] * 2)):
        low, high = bootstrap.cautious_interval(rows, 1)
        assert high - low > 50
    low, high = bootstrap.cautious_interval(np.array([[1, 1, 1]] * 20), 1)
    assert 75 < low < 95
    assert high == 100


@pytest.mark.parametrize("sentences", [1, 2, 3, 5])
def test_a_handful_of_sentences_is_never_sure(sentences: int) -> None:
    right, wrong = np.array([[1, 1, 1]] * sentences), np.array([[0, 1, 1]] * sentences)
    found = bootstrap.cautious_paired(wrong, right, 1)
    assert (found.points, found.p >= 0.05, found.sure) == (-100, True, False)
    assert found.low <= -100 < found.high


def test_twenty_sentences_see_a_wreck_and_no_more() -> None:
    right, wrong = np.array([[1, 1, 1]] * 20), np.array([[0, 1, 1]] * 20)
    assert bootstrap.cautious_paired(wrong, right, 1).sure
    same = bootstrap.cautious_paired(right, right, 1)
    assert (same.points, same.p, same.sure) == (0, 1, False)
    assert same.low < 0 < same.high
    equals = [bootstrap.cautious_paired(drawn(s, 20, 0.7), drawn(500 + s, 20, 0.7), s).sure for s in range(200)]
    assert np.mean(equals) <= 0.06
