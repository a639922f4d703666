"""Throughput and latency, end to end from raw text to spans, of several taggers in one interleaved run."""

import gc
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..runtime import Tagger
from .journal import Journal

LEAST_ROUNDS, MOST_ROUNDS = 5, 40
# Passes that follow each other meet the same disturbance: many short turns tell more than few long ones.
ROUND_SECONDS = 0.05
LATENCY_TEXTS = 12
LATENCY_ROUNDS = 3
WARM_UP_TEXTS = 8


@dataclass(frozen=True)
class Speed:
    """How fast one tagger was.

    Attributes:
        rounds: seconds for all texts in bulk, one figure a round.
        model_share: share of that time that the model itself took, from 0 to 1, the rest being the road to it and back.
        latency_ms_p50: median milliseconds a text at batch 1, over the texts of all rounds of latency.
        latency_ms_p95: its 95th percentile.
    """

    rounds: tuple[float, ...]
    model_share: float
    latency_ms_p50: float
    latency_ms_p95: float

    @property
    def seconds(self) -> float:
        """The median round."""
        return statistics.median(self.rounds)

    def over(self, baseline: "Speed") -> tuple[float, float, float]:
        """How many times as fast as another tagger of the same run: pseudo-median, least and most over the rounds.

        Rounds are compared with each other: a drift of the machine meets both halves of a round. The pseudo-median is
        the median of the means of all pairs of rounds, of logarithms of ratios (Hodges and Lehmann 1963): as deaf to
        single disturbances as the median, and less scattered where a machine changes between two speeds.
        """
        logs = _logs(self.rounds, baseline.rounds)
        means = (logs[:, None] + logs)[np.triu_indices(len(logs))] / 2
        return tuple(np.exp([np.median(means), logs.min(), logs.max()]).tolist())


def _logs(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    """Logarithms of their seconds by ours, round by round."""
    return np.log(theirs) - np.log(ours)


def speed(
    taggers: Mapping[str, Tagger], texts: Sequence[str], language: str, journal: Journal, *, error: float
) -> dict[str, Speed]:
    """Time each tagger on the same texts, taking turns: first in bulk, then one text after the other.

    In a round a fast tagger tags the texts several times, until `ROUND_SECONDS` have passed, lest the clock's and the
    scheduler's grain be taken for its speed. A round is kept whole or not at all, so its figures are of one process.
    There are as many rounds as it takes to know how many times as fast as the first tagger each other one is, 5 at
    least and 40 at most.

    Args:
        taggers: name → tagger; the first is the one that the others are compared with.
        texts: raw texts.
        language: their language.
        journal: keeps the rounds.
        error: the standard error of each ratio that is wanted, as a share of it.
    """
    bulk, singles = _Bulk(taggers, texts, language), _Singles(taggers, texts[:LATENCY_TEXTS], language)
    with _frozen():
        rounds: list[dict[str, tuple[float, float]]] = []
        while len(rounds) < LEAST_ROUNDS or (len(rounds) < MOST_ROUNDS and _error(rounds) > error):
            rounds.append(journal.once(f"round {len(rounds)}", bulk.round))
        latencies = [journal.once(f"latencies {number}", singles.round) for number in range(LATENCY_ROUNDS)]
    return {name: _speed([one[name] for one in rounds], [one[name] for one in latencies]) for name in taggers}


def _error(rounds: Sequence[Mapping[str, tuple[float, float]]]) -> float:
    """The standard error of the speed-up that is known worst, over the first tagger, as a share of it."""
    baseline, *others = zip(*([seconds for seconds, _ in one.values()] for one in rounds), strict=True)
    logs = [_logs(own, baseline) for own in others]
    return max((float(one.std(ddof=1)) for one in logs), default=0.0) / math.sqrt(len(rounds))


def _speed(rounds: Sequence[tuple[float, float]], latencies: Sequence[Sequence[float]]) -> Speed:
    """One tagger's, from seconds and the model's share by round, and milliseconds of each text by round."""
    seconds, shares = zip(*rounds, strict=True)
    median, high = np.quantile(np.concatenate(latencies), (0.5, 0.95)).tolist()
    return Speed(seconds, statistics.median(shares), median, high)


@dataclass
class _Bulk:
    """Rounds in which each tagger tags all texts."""

    taggers: Mapping[str, Tagger]
    texts: Sequence[str]
    language: str

    @cached_property
    def _repeats(self) -> dict[str, int]:
        found = {}
        for name, tagger in self.taggers.items():
            tagger.tag_texts(self.texts[:WARM_UP_TEXTS], self.language)
            found[name] = max(1, round(ROUND_SECONDS / _seconds(tagger, self.texts, self.language)))
        return found

    def round(self) -> dict[str, tuple[float, float]]:
        """Seconds for all texts, and the model's share of them."""
        repeats, found = self._repeats, {}
        for name, tagger in self.taggers.items():
            with _no_collection():
                before = tagger.model_seconds
                seconds = sum(_seconds(tagger, self.texts, self.language) for _ in range(repeats[name]))
                found[name] = seconds / repeats[name], (tagger.model_seconds - before) / seconds
        return found


@dataclass
class _Singles:
    """Rounds in which each tagger tags one text after the other."""

    taggers: Mapping[str, Tagger]
    texts: Sequence[str]
    language: str
    _warm: bool = False

    def round(self) -> dict[str, list[float]]:
        """Milliseconds of each text at batch 1."""
        if not self._warm:
            for tagger in self.taggers.values():
                self._times(tagger)  # an engine may set itself up for each new length
            self._warm = True
        found = {}
        for name, tagger in self.taggers.items():
            with _no_collection():
                found[name] = self._times(tagger)
        return found

    def _times(self, tagger: Tagger) -> list[float]:
        return [1000 * _seconds(tagger, [text], self.language) for text in self.texts]


@contextmanager
def _frozen() -> Iterator[None]:
    """Set aside all that there is: the collections before each turn, else a third of a second each, find it no more."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _seconds(tagger: Tagger, texts: Sequence[str], language: str) -> float:
    began = time.perf_counter()
    tagger.tag_texts(texts, language)
    return time.perf_counter() - began
