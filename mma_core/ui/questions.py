"""What one can ask of the measurements: each question with the controls it needs, and its answer from the tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import builtin, charts, results
from ..charts import (
    changes,
    disparity,
    entity_types,
    grid,
    interaction,
    ladder,
    mistakes,
    phrases,
    prices,
    versus,
)
from ..charts.axes import COSTS
from ..charts.grid import Grid
from ..results import Measurement
from . import filters
from .wiring import first

CHANGE, WHOLE = "change", "whole"
RETENTION, F1 = "retention", "f1"


@dataclass(frozen=True)
class Asked:
    """A question and all controls, whether the question needs them or not; their values in the order of the page."""

    question: str
    teacher: str | None
    kind: str
    machine: str
    recipe: str | None
    ours: str | None
    theirs: str | None
    pattern: str | None
    unit: str
    cost: str
    errors: str


@dataclass(frozen=True)
class Answer:
    """What the page shows.

    Attributes:
        takeaway: one line; lines after the first are commands to run.
        note: how to read the chart.
        draw: makes the figure.
        records: the figure's data, column → value.
    """

    takeaway: str
    note: str
    draw: Callable[[], Any]
    records: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """One entry of the picker: its words, the controls it needs besides teacher and kind, and what answers it."""

    title: str
    controls: tuple[str, ...]
    answer: Callable[[Asked], Answer]


def read(machine: str = filters.ANY) -> list[Measurement]:
    """All rows of a machine or of any, the shipped ones first.

    Raises:
        DataError: a table is damaged.
    """
    return [row for path in (results.PRECOMPUTED, results.own_path()) for row in _read(path, machine)]


def _read(path: Path, machine: str) -> list[Measurement]:
    return [row for row in results.read(path) if machine in (filters.ANY, charts.machine(row))]


def gathered(asked: Asked) -> Grid:
    """The comparable rows that a question is about."""
    teacher = asked.teacher or ""
    return grid.gather(read(asked.machine), teacher=teacher, kind=asked.kind, labelled=builtin.labelled(teacher))


def _noted(note: str, found: Grid) -> str:
    if not found.left_out:
        return note
    why = "of other machines, on other sentences or with other weights of the teacher"
    return f"{note} Left out: {found.left_out} rows {why}."


def who_pays(asked: Asked) -> Answer:
    """Each language's gain or loss against its training size."""
    rows = gathered(asked)
    found = disparity.disparity(rows, asked.recipe or "")
    draw = partial(disparity.scatter, found)
    return Answer(disparity.takeaway(found), _noted(disparity.NOTE, rows), draw, disparity.records(found))


def which_lose(asked: Asked) -> Answer:
    """Each recipe's change on each data set."""
    rows = gathered(asked)
    found = changes.cells(rows)
    draw = partial(changes.heat_map, found)
    return Answer(changes.takeaway(found), _noted(changes.NOTE, rows), draw, changes.records(found))


def a_or_b(asked: Asked) -> Answer:
    """Two recipes in pairs of rows."""
    rows = gathered(asked)
    found = versus.duel(rows, ours=asked.ours or "", theirs=asked.theirs or "")
    draw = partial(versus.forest, found)
    return Answer(versus.takeaway(found), _noted(versus.NOTE, rows), draw, versus.records(found))


def which_errors(asked: Asked) -> Answer:
    """Kinds of error by recipe."""
    rows = gathered(asked)
    found = mistakes.mistakes(rows)
    draw = partial(mistakes.bars, found, change=asked.errors == CHANGE)
    return Answer(mistakes.takeaway(found), _noted(mistakes.NOTE, rows), draw, mistakes.records(found))


def which_types(asked: Asked) -> Answer:
    """F1 by entity type and recipe."""
    rows = gathered(asked)
    found = entity_types.typed(rows)
    draw = partial(entity_types.dots, found)
    return Answer(entity_types.takeaway(found), _noted(entity_types.NOTE, rows), draw, entity_types.records(found))


def do_they_add_up(asked: Asked) -> Answer:
    """Combinations against their halves."""
    rows = gathered(asked)
    found = interaction.interactions(rows)
    draw = partial(interaction.matrix, found)
    return Answer(interaction.takeaway(found), _noted(interaction.NOTE, rows), draw, interaction.records(found))


def how_far(asked: Asked) -> Answer:
    """One step's numbers by tier."""
    rows = gathered(asked)
    found = ladder.ladder(rows, asked.pattern or ladder.ALWAYS)
    draw = partial(ladder.steps, found, retention=asked.unit == RETENTION)
    return Answer(ladder.takeaway(found), _noted(ladder.NOTE, rows), draw, ladder.records(found))


def what_does_it_cost(asked: Asked) -> Answer:
    """The frontier's prices, of the largest group of rows that one machine measured."""
    axis = charts.AXES.get(asked.cost, COSTS[0])
    shown = measured(asked)
    found = prices.purchases(shown[0], axis) if shown else []
    said = prices.takeaway(found, axis, measured=bool(shown))
    note = f"{prices.NOTE} {charts.left_out([shown])}"
    return Answer(said, note, partial(prices.staircase, found, axis), prices.records(found, axis))


def measured(asked: Asked) -> list[charts.Series]:
    """Averages over data sets by machine and origin, the largest group of rows first."""
    found = []
    for own, path in ((False, results.PRECOMPUTED), (True, results.own_path())):
        known = _read(path, asked.machine)
        rows = [row for row in known if row.teacher == asked.teacher and grid.of_kind(row, asked.kind)]
        found += charts.series(rows, own=own, view=charts.ALL_SETS)
    return sorted(found, key=lambda one: -len(one.rows))


QUESTIONS = {
    "pays": Question("Who pays?", ("recipe",), who_pays),
    "lose": Question("Which languages lose?", (), which_lose),
    "versus": Question("Is A better than B?", ("ours", "theirs"), a_or_b),
    "errors": Question("Which errors?", ("errors",), which_errors),
    "types": Question("Which entities?", (), which_types),
    "steps": Question("Do steps add up?", (), do_they_add_up),
    "ladder": Question("How far?", ("pattern", "unit"), how_far),
    "price": Question("At what price?", ("cost",), what_does_it_cost),
}


def answer(asked: Asked) -> Answer:
    """The answer to a question; what may appear in its words is not escaped yet.

    Raises:
        DataError: a table is damaged.
    """
    return QUESTIONS[asked.question].answer(asked)


@dataclass(frozen=True)
class Offered:
    """What there is to choose from: (words, value) of each control."""

    teachers: list[str]
    machines: list[tuple[str, str]]
    recipes: list[tuple[str, str]]
    patterns: list[str]
    costs: list[tuple[str, str]]


def offered(asked: Asked) -> tuple[Asked, Offered]:
    """What was asked, with what is gone replaced by what there is, and the choices.

    Raises:
        DataError: a table is damaged.
    """
    rows = read()
    teachers = sorted({row.teacher for row in rows})
    machines = filters.machines(rows)
    known = {name for _, name in machines}
    asked = replace(
        asked,
        teacher=first(asked.teacher, teachers, otherwise="multi"),
        machine=asked.machine if asked.machine in known else filters.ANY,
    )
    # What the answers can be about: rows of other machines are left out there.
    mine = gathered(asked).rows
    recipes = sorted({recipe for recipe, _ in mine} - {charts.TEACHER}, key=lambda recipe: (len(recipe), recipe))
    patterns = ladder.patterns(recipes)
    there = list(mine.values())
    costs = [(axis.title, axis.name) for axis in COSTS if axis.known(there)] or [(COSTS[0].title, COSTS[0].name)]
    both = [*recipes, charts.TEACHER]
    settled = replace(
        asked,
        recipe=first(asked.recipe, recipes, otherwise="int8"),
        ours=first(asked.ours, both, otherwise="int8"),
        theirs=first(asked.theirs, both, otherwise=charts.TEACHER),
        pattern=first(asked.pattern, patterns, otherwise=patterns[0]),
        cost=first(asked.cost, [name for _, name in costs], otherwise="size_mb") or COSTS[0].name,
    )
    named = [(phrases.brief(recipe), recipe) for recipe in recipes]
    return settled, Offered(teachers, machines, named, patterns, costs)
