"""Throughput and latency, end to end from raw text to spans, of several taggers in one interleaved run."""

import gc
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..runtime import Tagger

ROUNDS = 9
ROUND_SECONDS = 0.25
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
        """How many times as fast as another tagger of the same run: median, least and most over the rounds.

        Rounds are compared with each other, not their medians: a drift of the machine meets both halves of a round.
        """
        ratios = [theirs / ours for ours, theirs in zip(self.rounds, baseline.rounds, strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def speed(taggers: Mapping[str, Tagger], texts: Sequence[str], language: str) -> dict[str, Speed]:
    """Time each tagger on the same texts, taking turns: first in bulk, then one text after the other.

    In a round a fast tagger tags the texts several times, until `ROUND_SECONDS` have passed, lest the clock's and the
    scheduler's grain be taken for its speed.

    Args:
        taggers: name → tagger.
        texts: raw texts.
        language: their language.
    """
    rounds: dict[str, list[float]] = {name: [] for name in taggers}
    shares: dict[str, list[float]] = {name: [] for name in taggers}
    repeats = {}
    for name, tagger in taggers.items():
        tagger.tag_texts(texts[:WARM_UP_TEXTS], language)
        repeats[name] = max(1, round(ROUND_SECONDS / _seconds(tagger, texts, language)))
    for _ in range(ROUNDS):
        for name, tagger in taggers.items():
            with _no_collection():
                before = tagger.model_seconds
                seconds = sum(_seconds(tagger, texts, language) for _ in range(repeats[name]))
                rounds[name].append(seconds / repeats[name])
                shares[name].append((tagger.model_seconds - before) / seconds)
    latencies = _latencies(taggers, texts[:LATENCY_TEXTS], language)
    return {name: Speed(tuple(rounds[name]), statistics.median(shares[name]), *latencies[name]) for name in taggers}


def _latencies(taggers: Mapping[str, Tagger], texts: Sequence[str], language: str) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of the milliseconds a text takes at batch 1, over the texts of all rounds."""
    singles: dict[str, list[float]] = {name: [] for name in taggers}
    for tagger in taggers.values():
        for text in texts:  # an engine may set itself up for each new length
            tagger.tag_texts([text], language)
    for _ in range(LATENCY_ROUNDS):
        for name, tagger in taggers.items():
            with _no_collection():
                singles[name] += [1000 * _seconds(tagger, [text], language) for text in texts]
    return {name: (float(np.quantile(taken, 0.5)), float(np.quantile(taken, 0.95))) for name, taken in singles.items()}


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
