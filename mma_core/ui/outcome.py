"""What the Tag tab shows of one tagger on one text, and how far two of them agree."""

import statistics
import time
from dataclasses import dataclass
from typing import Protocol

from ..spans import Span, words

REPEATS = 3


class TagsTexts(Protocol):
    """As much of a tagger as is needed here."""

    def tag_texts(self, texts: list[str], language: str, /) -> list[list[Span]]:
        """Entities of each text."""
        ...


@dataclass(frozen=True)
class Outcome:
    """Entities of a text and the time it took: the median of three runs after one to warm up."""

    spans: tuple[Span, ...]
    seconds: float
    words: int

    @property
    def words_per_s(self) -> float:
        """Throughput on this text."""
        return self.words / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Agreement:
    """How many distinct entities (borders and label) two taggers share, of all that either found."""

    shared: int
    found: int


def observe(tagger: TagsTexts, text: str, code: str) -> Outcome:
    """Tag a text and time it.

    Raises:
        DataError: the language is unknown.
    """
    count = len(words(text, code))
    found = tagger.tag_texts([text], code)[0]
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        tagger.tag_texts([text], code)
        seconds.append(time.perf_counter() - began)
    return Outcome(tuple(found), statistics.median(seconds), count)


def entities(outcome: Outcome) -> set[tuple[int, int, str]]:
    """Borders and labels: what two taggers agree on or not, whatever the scores."""
    return {(span.start, span.end, span.label) for span in outcome.spans}


def agreement(first: Outcome, second: Outcome) -> Agreement:
    """Compare two outcomes of one text."""
    ours, theirs = entities(first), entities(second)
    return Agreement(len(ours & theirs), len(ours | theirs))


def speedup(baseline: Outcome, other: Outcome) -> float:
    """How many times faster the other was."""
    return baseline.seconds / max(other.seconds, 1e-9)
