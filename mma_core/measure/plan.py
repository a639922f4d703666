"""What a sweep measures, and who measures it: the same rows, whichever machines these are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..data import Corpus
from ..progress import Report
from ..recipe import Recipe
from ..results import Measurement
from .bench import SENTENCES


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured on each corpus.

    Attributes:
        recipes: without repetition.
        teacher: the recipes' teacher.
        sentences: at most so many of each corpus, drawn by seed.
        threads: of each tagger that is timed; by default as many as there are where it is timed.
        command: what is stored beside each row as the way to get it again.
    """

    recipes: tuple[Recipe, ...]
    teacher: str = "multi"
    sentences: int = SENTENCES
    threads: int | None = None
    command: str = ""


class Place(NamedTuple):
    """A machine as its rows name it: processor and number of threads."""

    cpu: str
    threads: int


class Unit(NamedTuple):
    """A piece of work.

    Attributes:
        corpus: what is measured on.
        recipes: are measured on it in one run.
        sets: on how many corpora in all that one of them is measured that is on fewest: the more, the fewer rounds of
            speed each needs.
    """

    corpus: Corpus
    recipes: tuple[Recipe, ...]
    sets: int = 1


@dataclass(frozen=True)
class Crew:
    """Machines that measure; each works on one unit at a time, and on nothing beside it.

    Attributes:
        places: what they are.
        rows: units → the rows of each as soon as it is done, in any order. A unit that was cut off goes on where it
            was; what a machine keeps for that is forgotten when the next rows are asked for.
    """

    places: frozenset[Place]
    rows: Callable[[Sequence[Unit], Report], Iterator[list[Measurement]]]
