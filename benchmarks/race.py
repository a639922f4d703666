"""Taking turns: everyone tags the same texts, one after the other, so that a drift of the machine meets all alike."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .rival import Entity

ROUNDS = 7
SINGLES, TURN = 40, 10
WARM_UP_TEXTS = 8
# Threads of some engines go on spinning for a while after they are done.
PAUSE = 0.2


class Contender(Protocol):
    """Tags texts, and says how many seconds that took."""

    def tag(self, texts: Sequence[str], language: str) -> tuple[float, list[list[Entity]]]:
        """Tag texts in one call; the seconds, and the entities of each text."""
        ...

    def singles(self, texts: Sequence[str], language: str) -> list[float]:
        """Tag texts one by one; the seconds of each."""
        ...


@dataclass(frozen=True)
class Finish:
    """What a contender did in one race.

    Attributes:
        bulk: seconds of each call with all texts.
        singles: seconds of each call with one text.
        entities: what it found in each text.
    """

    bulk: list[float]
    singles: list[float]
    entities: list[list[Entity]]

    @property
    def seconds(self) -> float:
        """Median seconds for all texts in one call."""
        return statistics.median(self.bulk)

    def latency_ms(self, share: float) -> float:
        """Milliseconds in which this share of the single texts is done."""
        return 1000 * float(np.quantile(self.singles, share))


def race(contenders: Mapping[str, Contender], texts: Sequence[str], language: str) -> dict[str, Finish]:
    """Let contenders take turns on the same texts; each turn another begins.

    Args:
        contenders: name → contender.
        texts: raw texts.
        language: their language.

    Returns:
        For each name the times of `ROUNDS` calls with all texts, and of up to `SINGLES` calls with one.
    """
    bulk: dict[str, list[float]] = {name: [] for name in contenders}
    single: dict[str, list[float]] = {name: [] for name in contenders}
    entities = {}
    for contender in contenders.values():
        contender.tag(texts[:WARM_UP_TEXTS], language)
    for name in turns(list(contenders), ROUNDS):
        seconds, entities[name] = contenders[name].tag(texts, language)
        bulk[name].append(seconds)
    blocks = [texts[begin : begin + TURN] for begin in range(0, min(SINGLES, len(texts)), TURN)]
    for number, name in enumerate(turns(list(contenders), len(blocks))):
        single[name] += contenders[name].singles(blocks[number // len(contenders)], language)
    return {name: Finish(bulk[name], single[name], entities[name]) for name in contenders}


def turns(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Every name once a round, each round beginning with the next; a pause before each."""
    for number in range(rounds):
        first = number % len(names)
        for name in [*names[first:], *names[:first]]:
            time.sleep(PAUSE)
            yield name
