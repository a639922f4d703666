"""How sure a strict F1 is: resampling whole sentences, within their files, with replacement (Efron 1979).

Counts are right, found and gold entities of each sentence, shape (sentences, 3). All F1 are in percent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RESAMPLES = 1000
BOUNDS = (0.025, 0.975)


@dataclass(frozen=True)
class Difference:
    """How much better one is than the other.

    Attributes:
        points: of F1, positive where the first is better.
        low: lower end of the 95% interval.
        high: upper end.
        p: two-sided: twice the share of resamples in which the difference has the other sign or is none, at most 1.
    """

    points: float
    low: float
    high: float
    p: float

    @property
    def sure(self) -> bool:
        """Whether the interval excludes 0, and p is below 0.05."""
        return (self.low > 0 or self.high < 0) and self.p < 0.05


def resamples(groups: np.ndarray, seed: int) -> np.ndarray:
    """How often each sentence is drawn in each resample.

    Args:
        groups: number of each sentence's file, shape (sentences,); every file keeps its number of sentences.
        seed: of the drawing.

    Returns:
        Shape (RESAMPLES, sentences).
    """
    rng = np.random.default_rng(seed)
    drawn = np.zeros((RESAMPLES, len(groups)))
    for group in np.unique(groups):
        (members,) = np.nonzero(groups == group)
        drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=RESAMPLES)
    return drawn


def f1(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Micro F1 under each weighting of the sentences; 0 where there is nothing to find and nothing found.

    Args:
        counts: shape (sentences, 3).
        weights: how often each sentence counts, shape (weightings, sentences).

    Returns:
        Shape (weightings,).
    """
    right, found, gold = (weights @ counts).T.astype(np.float64)
    return 200 * right / np.maximum(found + gold, 1)


def macro(counts: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean over files of their micro F1 under each weighting, shape (weightings,); NaN where there is no file."""
    files = [groups == group for group in np.unique(groups)]
    if not files:
        return np.full(len(weights), np.nan)
    return np.mean([f1(counts[members], weights[:, members]) for members in files], axis=0)


def interval(counts: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95% percentile interval of one file's micro F1."""
    weights = resamples(np.zeros(len(counts), dtype=np.int64), seed)
    return bounds(f1(counts, weights))


def bounds(found: np.ndarray) -> tuple[float, float]:
    """The 95% percentile interval of what was found under the resamples, shape (weightings,)."""
    low, high = np.quantile(found, BOUNDS)
    return float(low), float(high)


def resampled(counts: Sequence[Sequence[int]], seed: int) -> np.ndarray:
    """One file's micro F1 as measured, then under each resample; kept for the next call.

    Files of equally many sentences and equal seed share their resamples: two taggers on the same sentences can be
    subtracted.

    Returns:
        Shape (1 + RESAMPLES,).
    """
    table = np.array(counts, dtype=np.int64).reshape(-1, 3)
    return _resampled(table.tobytes(), seed)


@lru_cache(maxsize=4096)
def _resampled(counts: bytes, seed: int) -> np.ndarray:
    table = np.frombuffer(counts, dtype=np.int64).reshape(-1, 3)
    # Sums are whole numbers far below 2^24, so four bytes hold them exactly.
    found = f1(table.astype(np.float32), _weights(len(table), seed).astype(np.float32))
    found.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def _weights(sentences: int, seed: int) -> np.ndarray:
    """Each sentence once, then as often as each resample draws it."""
    drawn = resamples(np.zeros(sentences, dtype=np.int64), seed)
    # No sentence is drawn more than 255 times in practice, and one byte each keeps a table of 64 files in 7 MB.
    return np.vstack([np.ones((1, sentences)), drawn]).astype(np.uint8)


def paired(ours: np.ndarray, theirs: np.ndarray, groups: np.ndarray, seed: int) -> Difference:
    """Compare two taggers on the same sentences: both are scored on each resample (Koehn 2004).

    Args:
        ours: counts of the first, shape (sentences, 3).
        theirs: counts of the second, on the same sentences.
        groups: number of each sentence's file, shape (sentences,); the mean over files is compared.
        seed: of the drawing.

    Raises:
        ValueError: the sentences are not the same.
    """
    if ours.shape != theirs.shape or (ours[:, 2] != theirs[:, 2]).any():
        raise ValueError("the two were not measured on the same sentences")
    weights = np.vstack([np.ones((1, len(groups))), resamples(groups, seed)])
    return compare(macro(ours, groups, weights), macro(theirs, groups, weights))


def compare(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    """The difference of two scores as measured and under the same resamples, both of shape (1 + RESAMPLES,)."""
    points, found = ours[0] - theirs[0], ours[1:] - theirs[1:]
    p = 2 * min((found <= 0).mean(), (found >= 0).mean())
    return Difference(float(points), *bounds(found), min(float(p), 1.0))


def cautious_interval(counts: np.ndarray, seed: int) -> tuple[float, float]:
    """A 95% interval of one file's micro F1 that holds for few sentences too.

    Resamples of a few sentences that are all alike never differ, and would prove everything. So a sentence that is all
    right and one that is all wrong are imagined beside them, as pseudo-observations are for a proportion (Agresti &
    Coull 1998); the interval spans what is found with these and without.

    Args:
        counts: shape (sentences, 3).
        seed: of the drawing.
    """
    entities = _usual(counts)
    imagined = np.vstack([counts, [[entities, entities, entities], [0, entities, entities]]])
    return _span(interval(counts, seed), interval(imagined, seed))


def cautious_paired(ours: np.ndarray, theirs: np.ndarray, seed: int) -> Difference:
    """As `paired`, of one file of few sentences: with a sentence imagined for either side, which that side alone gets.

    Where k sentences differ, no test that changes signs can give less than 2 / 2^k, so p does not either.

    Args:
        ours: counts of the first, shape (sentences, 3).
        theirs: counts of the second, on the same sentences.
        seed: of the drawing.

    Raises:
        ValueError: the sentences are not the same.
    """
    plain = paired(ours, theirs, np.zeros(len(ours), dtype=np.int64), seed)
    entities = _usual(ours)
    right, wrong = [entities, entities, entities], [0, entities, entities]
    groups = np.zeros(len(ours) + 2, dtype=np.int64)
    wider = paired(np.vstack([ours, [right, wrong]]), np.vstack([theirs, [wrong, right]]), groups, seed)
    differing = int((ours != theirs).any(axis=1).sum())
    p = max(plain.p, wider.p, min(2 / 2**differing, 1.0))
    return Difference(plain.points, *_span((plain.low, plain.high), (wider.low, wider.high)), p)


def _usual(counts: np.ndarray) -> int:
    """Entities of a sentence that has the mean number of them, at least one."""
    return max(1, round(float(counts[:, 2].mean())))


def _span(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])
