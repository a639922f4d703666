"""Throughput and latency, end to end from raw text to spans, of several taggers in one interleaved run."""

import gc
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..runtime import Tagger

ROUNDS = 3
LATENCY_TEXTS = 12
WARM_UP_TEXTS = 8


@dataclass(frozen=True)
class Speed:
    """Median seconds for all texts in bulk, and milliseconds a text at batch 1."""

    seconds: float
    latency_ms_p50: float
    latency_ms_p95: float


def speed(taggers: Mapping[str, Tagger], texts: Sequence[str], language: str) -> dict[str, Speed]:
    """Time each tagger on the same texts, taking turns, so that a drift of the machine meets all alike.

    Args:
        taggers: name → tagger.
        texts: raw texts.
        language: their language.

    Returns:
        For each name the median of `ROUNDS` bulk runs, and percentiles over single texts.
    """
    bulk: dict[str, list[float]] = {name: [] for name in taggers}
    single: dict[str, list[float]] = {name: [] for name in taggers}
    for tagger in taggers.values():
        tagger.tag_texts(texts[:WARM_UP_TEXTS], language)
    for _ in range(ROUNDS):
        for name, tagger in taggers.items():
            with _no_collection():
                bulk[name].append(_seconds(tagger, texts, language))
    for name, tagger in taggers.items():
        with _no_collection():
            single[name] = [1000 * _seconds(tagger, [text], language) for text in texts[:LATENCY_TEXTS]]
    return {
        name: Speed(statistics.median(bulk[name]), *(float(value) for value in np.quantile(single[name], [0.5, 0.95])))
        for name in taggers
    }


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
