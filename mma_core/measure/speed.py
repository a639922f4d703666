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

# Of how rounds are taken and summed up: those of another way are no rounds of this run.
PROTOCOL = 4
LEAST_ROUNDS = 8
# Ten recipes in five languages shall not take over ten minutes, on a restless machine either.
MOST_SECONDS = 75
# Passes that follow each other meet the same disturbance: many short turns tell more than few long ones.
ROUND_SECONDS = 0.05
# The range that is shown: what seven rounds of eight lie within, however many there were.
SPREAD = (1 / 16, 15 / 16)
# Of a normal distribution, in standard deviations.
INTERQUARTILE = 1.349
LATENCY_TEXTS = 12
LATENCY_ROUNDS = 3


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
        """How many times as fast as another tagger of the same run, and what seven rounds of eight lie within."""
        return ratio(self.rounds, baseline.rounds)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """How many times as fast one is as another, and what seven rounds of eight lie within.

    Rounds are compared with each other: a drift of the machine meets both halves of a round. Their ratios are summed up
    by the estimator of Hodges and Lehmann (1963): the median of the means of all pairs, each round with itself too,
    here of logarithms. Up to 29% of the rounds may be disturbed at will (of a median half may), and it scatters less
    where a machine changes between two speeds.

    Args:
        ours: seconds of each round.
        theirs: those of the other in the same rounds.
    """
    logs = _logs(ours, theirs)
    means = (logs[:, None] + logs)[np.triu_indices(len(logs))] / 2
    return tuple(np.exp([np.median(means), *np.quantile(logs, SPREAD)]).tolist())


def _logs(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    """Logarithms of their seconds by ours, round by round."""
    return np.log(theirs) - np.log(ours)


def speed(
    taggers: Mapping[str, Tagger], texts: Sequence[str], language: str, journal: Journal, *, standard_error: float
) -> dict[str, Speed]:
    """Time each tagger on the same texts, taking turns: first in bulk, then one text after the other.

    In a round a fast tagger tags the texts several times, until `ROUND_SECONDS` have passed, lest the clock's and the
    scheduler's grain be taken for its speed. A round is kept whole or not at all, so its figures are of one process.
    There are as many rounds, `LEAST_ROUNDS` at least and on until `MOST_SECONDS` are over, as it takes to know how many
    times as fast as the first tagger each other one is.

    Args:
        taggers: name → tagger; the first is the one that the others are compared with.
        texts: raw texts.
        language: their language.
        journal: keeps the rounds.
        standard_error: of each ratio, as a share of it, that ends the rounds; estimated as if these did not depend on
            each other.
    """
    bulk, singles = _Bulk(taggers, texts, language), _Singles(taggers, texts[:LATENCY_TEXTS], language)
    with _frozen():
        rounds = _rounds(bulk, journal, standard_error)
        latencies = [journal.once(_latencies(number), singles.round) for number in range(LATENCY_ROUNDS)]
    return {name: _speed([one[name] for one in rounds], [one[name] for one in latencies]) for name in taggers}


def _rounds(bulk: "_Bulk", journal: Journal, standard_error: float) -> list[dict[str, tuple[float, float]]]:
    """As many rounds as there shall be; where latencies follow them in the journal, those that it has."""
    rounds: list[dict[str, tuple[float, float]]] = []
    end = time.monotonic() + (0 if _latencies(0) in journal else MOST_SECONDS)
    while len(rounds) < LEAST_ROUNDS or (
        _standard_error(rounds) > standard_error and (_round(len(rounds)) in journal or time.monotonic() < end)
    ):
        rounds.append(journal.once(_round(len(rounds)), bulk.round))
    return rounds


def _round(number: int) -> str:
    """What a journal calls a round."""
    return f"round {number}"


def _latencies(number: int) -> str:
    """What a journal calls a round of latencies."""
    return f"latencies {number}"


def _standard_error(rounds: Sequence[Mapping[str, tuple[float, float]]]) -> float:
    """Of the speed-up over the first tagger that is known worst; from quartiles, which single rounds move little."""
    baseline, *others = zip(*([seconds for seconds, _ in one.values()] for one in rounds), strict=True)
    ranges = [float(np.subtract(*np.quantile(_logs(own, baseline), (0.75, 0.25)))) for own in others]
    return max(ranges, default=0.0) / INTERQUARTILE / math.sqrt(len(rounds))


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
            tagger.tag_texts(self.texts, self.language)  # an engine may set itself up for each new length
            found[name] = math.ceil(ROUND_SECONDS / _seconds(tagger, self.texts, self.language))
        return found

    def round(self) -> dict[str, tuple[float, float]]:
        """Seconds for all texts, and the model's share of them."""
        repeats, found = self._repeats, {}
        for name, tagger in self.taggers.items():
            with _no_collection():
                before = tagger.model.seconds
                seconds = sum(_seconds(tagger, self.texts, self.language) for _ in range(repeats[name]))
                found[name] = seconds / repeats[name], (tagger.model.seconds - before) / seconds
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
                self._times(tagger)
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
    tagger.forget()  # else it would look up what it cut in the round before
    began = time.perf_counter()
    tagger.tag_texts(texts, language)
    return time.perf_counter() - began
