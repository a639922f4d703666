"""A tagger that dawdles is seen to."""

import gc
import time
from collections.abc import Sequence

from tokenizers import Encoding

from mma_core.decoding import PieceTags
from mma_core.measure.speed import LATENCY_TEXTS, ROUNDS, WARM_UP_TEXTS, speed
from mma_core.runtime import Tagger
from mma_core.spans import Span


class Dawdler(Tagger):
    """Sleeps so many milliseconds a text, and longer once."""

    def __init__(self, milliseconds: float, journal: list[tuple[float, int]]) -> None:
        super().__init__(["O"], 1, 128)
        self.milliseconds, self.journal = milliseconds, journal

    def encode(self, texts: Sequence[str]) -> Sequence[Encoding | None]:
        raise NotImplementedError

    def answer(self, texts: Sequence[str], encodings: Sequence[Encoding | None]) -> PieceTags:
        raise NotImplementedError

    def tag_texts(self, texts: Sequence[str], language: str) -> list[list[Span]]:
        self.journal.append((self.milliseconds, len(texts)))
        time.sleep(len(texts) * self.milliseconds / 1000)
        return [[] for _ in texts]


def test_ratios_are_those_of_the_taggers() -> None:
    journal: list[tuple[float, int]] = []
    texts = ["a"] * 3
    found = speed({"slow": Dawdler(100, journal), "fast": Dawdler(5, journal)}, texts, "en")
    assert found["slow"].seconds > 2 * found["fast"].seconds
    assert found["slow"].latency_ms_p50 > 2 * found["fast"].latency_ms_p50
    assert found["slow"].seconds >= 0.3
    assert all(row.latency_ms_p50 <= row.latency_ms_p95 for row in found.values())
    assert gc.isenabled()


def test_they_take_turns() -> None:
    journal: list[tuple[float, int]] = []
    texts = ["a"] * (LATENCY_TEXTS + 5)
    speed({"one": Dawdler(0.1, journal), "two": Dawdler(0.2, journal)}, texts, "en")
    warm_up, rest = journal[:2], journal[2:]
    assert [count for _, count in warm_up] == [WARM_UP_TEXTS] * 2
    assert rest[: 2 * ROUNDS] == [(0.1, len(texts)), (0.2, len(texts))] * ROUNDS
    assert rest[2 * ROUNDS :] == [(0.1, 1)] * LATENCY_TEXTS + [(0.2, 1)] * LATENCY_TEXTS
