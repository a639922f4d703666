"""A teacher's recipes by data sets, each with its F1 under the resamples that the data set's rows share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np

from ..bootstrap import Difference, compare
from ..builtin import Labelled
from ..data import SILVER
from ..languages import Tier, tier_of
from ..results import MANY_SETS, Measurement, Place, comparable
from .speed import TEACHER

NO_SENTENCE = Labelled(0, 0)
GOLD_SETS, SILVER_SETS, EVERY_SET = "gold", "silver", "all"
FEW_SETS = f"a recipe of fewer than {MANY_SETS} data sets, and fewer than half of what another has, is left out."


@dataclass(frozen=True)
class Grid:
    """Rows that can be compared with each other: one teacher, one machine, the same sentences of each data set.

    Attributes:
        rows: by recipe and data set.
        tiers: of each language that has rows, by what the teacher could learn from; None where nobody knows.
        labelled: labelled training sentences of each language that has rows; empty where nobody knows.
        left_out: how many rows are of other machines, other sentences or other weights of the teacher.
    """

    rows: Mapping[tuple[str, Place], Measurement]
    tiers: Mapping[str, Tier | None]
    labelled: Mapping[str, Labelled]
    left_out: int

    @cached_property
    def _measured(self) -> dict[str, set[Place]]:
        found: dict[str, set[Place]] = {}
        for recipe, place in self.rows:
            found.setdefault(recipe, set()).add(place)
        return found

    @property
    def recipes(self) -> list[str]:
        """Recipes in the order of their first rows, the teacher apart."""
        return [recipe for recipe in self._measured if recipe != TEACHER]

    def places(self, *recipes: str) -> list[Place]:
        """Data sets that all these recipes were measured on, by language."""
        return sorted(set.intersection(*(self._measured.get(recipe, set()) for recipe in recipes))) if recipes else []

    def comparable(self, recipes: Iterable[str]) -> tuple[list[str], list[Place]]:
        """The teacher and which of these to compare, and the data sets that all of them share: `results.comparable`."""
        there = {recipe: self.places(recipe) for recipe in (TEACHER, *recipes)}
        return comparable({recipe: places for recipe, places in there.items() if places})

    def macro(self, recipe: str, places: Sequence[Place]) -> np.ndarray:
        """Mean F1 over data sets as measured and under each resample, shape (1 + resamples,)."""
        return np.mean([self.rows[recipe, place].resampled for place in places], axis=0)

    def difference(self, ours: str, theirs: str, places: Sequence[Place]) -> Difference:
        """How much better one recipe is than another, by the paired bootstrap, macro over data sets."""
        return compare(self.macro(ours, places), self.macro(theirs, places))

    def by_tier(self, places: Iterable[Place]) -> dict[Tier | None, list[Place]]:
        """Data sets by their language's tier, the richest first; only tiers that have some."""
        given = list(places)
        found = {tier: [place for place in given if self.tiers[place[0]] is tier] for tier in (*Tier, None)}
        return {tier: members for tier, members in found.items() if members}


def gather(rows: Iterable[Measurement], *, teacher: str, kind: str, labelled: Mapping[str, Labelled]) -> Grid:
    """Bring comparable rows together.

    All are of `one_machine`. Where several rows measure the same, the newest stands.

    Args:
        rows: of any recipe and teacher.
        teacher: whose.
        kind: `GOLD_SETS` labelled by people, `SILVER_SETS` labelled automatically, or `EVERY_SET`.
        labelled: language code → the teacher's labelled sentences; empty where nobody knows.
    """
    mine = [row for row in sorted(rows, key=attrgetter("date")) if row.teacher == teacher and of_kind(row, kind)]
    current = [row for row in mine if row.weights == mine[-1].weights]
    here = one_machine(current, by=current)
    newest = {(row.recipe, (row.language, row.dataset)): row for row in here}
    # The teacher's sentences are what the others are compared on; the newest row's where it has none.
    gold = {place: row.gold for (_, place), row in newest.items()}
    gold |= {place: row.gold for (recipe, place), row in newest.items() if recipe == TEACHER}
    kept = {key: row for key, row in newest.items() if row.gold == gold[key[1]]}
    codes = {row.language for row in kept.values()}
    return Grid(
        rows=kept,
        tiers={code: tier(labelled, code) for code in codes},
        labelled={code: labelled.get(code, NO_SENTENCE) for code in codes} if labelled else {},
        left_out=len(mine) - len(here) + len(newest) - len(kept),
    )


def one_machine(rows: Sequence[Measurement], *, by: Sequence[Measurement]) -> list[Measurement]:
    """The rows of one CPU and number of threads: artifacts in 8 bits, and so their F1, differ between CPUs.

    Args:
        rows: to choose from.
        by: from the oldest to the newest; the machine with most of these is chosen, with the newest of equally many.
    """
    counts = Counter(map(_machine, by))
    machine = max(map(_machine, reversed(by)), key=counts.__getitem__, default=None)
    return [row for row in rows if _machine(row) == machine]


def _machine(row: Measurement) -> tuple[str, int]:
    return row.cpu, row.threads


def tier(labelled: Mapping[str, Labelled], code: str) -> Tier | None:
    """A language's tier by what a teacher could learn from; None where nobody knows (`labelled` is empty)."""
    return tier_of(labelled.get(code, NO_SENTENCE).available) if labelled else None


def of_kind(row: Measurement, kind: str) -> bool:
    """Whether a row's data set is labelled by people or automatically, as wanted."""
    return kind == EVERY_SET or (row.dataset in SILVER) == (kind == SILVER_SETS)
