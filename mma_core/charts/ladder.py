"""How far can one go: accuracy by tier along the recipes that differ only in one step's number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bootstrap import bounds
from ..languages import Tier
from ..results import Place
from .by_language import COLOURS
from .grid import FEW_SETS, Grid
from .phrases import between, brief, lines, listed, sets
from .speed import NEAR_LABEL, TEACHER, near_lines
from .style import nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ONE_NUMBER = re.compile(r"(\w+):(\d+(?:\.\d+)?)")
ALWAYS = "sparse:N"
SUGGESTED = {"sparse:N": "sparse:0.5 sparse:0.7 sparse:0.9 sparse:0.95", "layers:N": "layers:10 layers:8 layers:6"}
UNKNOWN_TIER = "tier not known"
NOTE = (
    "Macro over the data sets of a tier on which the teacher and all these recipes were measured, with 95% intervals "
    f"over sentences; {FEW_SETS} Tiers go by the labelled sentences of the language in the teacher's training files."
)


@dataclass(frozen=True)
class Rung:
    """A recipe on a tier's languages: F1 and retention in percent, each with the ends of its 95% interval."""

    recipe: str
    number: float
    tier: Tier | None
    f1: tuple[float, float, float]
    retention: tuple[float, float, float]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one step: `pattern` is the recipe with N for its number."""

    pattern: str
    rungs: tuple[Rung, ...]


def patterns(recipes: Sequence[str]) -> list[str]:
    """The ladders that recipes stand on, those with most rungs first; the ladder of sparsity is always among them."""
    found = [pattern for recipe in recipes for pattern, _ in _places_on(recipe)]
    return sorted({ALWAYS, *found}, key=lambda pattern: (-found.count(pattern), pattern))


def _places_on(recipe: str) -> list[tuple[str, float]]:
    """Every way to read a recipe as a rung: the pattern with N for one step's number, and the number."""
    steps = recipe.split("+")
    found = []
    for index, step in enumerate(steps):
        if match := _ONE_NUMBER.fullmatch(step):
            pattern = "+".join([*steps[:index], f"{match[1]}:N", *steps[index + 1 :]])
            found.append((pattern, float(match[2])))
    return found


def ladder(grid: Grid, pattern: str) -> Ladder:
    """The recipes of a pattern that are comparable, by number and tier; none without the teacher beside them."""
    numbers = {recipe: number for recipe in grid.recipes for name, number in _places_on(recipe) if name == pattern}
    recipes, places = grid.comparable(sorted(numbers, key=numbers.__getitem__))
    climbed = [recipe for recipe in recipes if recipe != TEACHER]
    tiers = grid.by_tier(places) if TEACHER in recipes else {}
    rungs = [
        _rung(grid, recipe, number=numbers[recipe], tier=tier, places=places)
        for tier, places in tiers.items()
        for recipe in climbed
    ]
    return Ladder(pattern, tuple(rungs))


def _rung(grid: Grid, recipe: str, *, number: float, tier: Tier | None, places: Sequence[Place]) -> Rung:
    f1, teacher = grid.macro(recipe, places), grid.macro(TEACHER, places)
    return Rung(recipe, number, tier, _with_ends(f1), _with_ends(100 * f1 / np.maximum(teacher, 0.1)), tuple(places))


def _with_ends(found: np.ndarray) -> tuple[float, float, float]:
    return float(found[0]), *bounds(found[1:])


def missing(pattern: str) -> str:
    """What to run where a ladder has no rung."""
    recipes = SUGGESTED.get(pattern, pattern.replace("N", "NUMBER"))
    return f"No recipe {pattern} was measured beside the teacher yet. Measure some:\npython -m mma_core bench {recipes}"


def takeaway(found: Ladder) -> str:
    """What the data say in one line: what each tier keeps at the hardest rung, and the rungs that keep 99%."""
    if not found.rungs:
        return missing(found.pattern)
    numbers = sorted({rung.number for rung in found.rungs})
    hardest = min(numbers, key=lambda number: sum(rung.retention[0] for rung in _at(found, number)))
    there = sorted(_at(found, hardest), key=lambda rung: rung.retention[0])
    kept = [f"{_name(rung.tier)} {rung.retention[0]:.1f}% {_sure(rung)}" for rung in there]
    safe = [number for number in numbers if all(rung.retention[0] >= 99 for rung in _at(found, number))]
    said = f"At {brief(there[0].recipe)}, the hardest rung, of the teacher's macro F1 is kept: {', '.join(kept)}."
    if not safe:
        return f"{said} No rung keeps 99% in every tier."
    return f"{said} Every tier keeps 99% at {listed([f'{number:g}' for number in safe])}."


def _sure(rung: Rung) -> str:
    return f"{between(*rung.retention[1:])} over {sets(len(rung.places))}"


def _at(found: Ladder, number: float) -> list[Rung]:
    return [rung for rung in found.rungs if rung.number == number]


def _name(tier: Tier | None) -> str:
    return str(tier or UNKNOWN_TIER)


def steps(found: Ladder, *, retention: bool) -> "go.Figure":
    """F1 or retention against the step's number, one line a tier, with 95% intervals.

    Args:
        found: the ladder.
        retention: draw shares of the teacher's F1, with lines at 99% and 99.9%, not F1.
    """
    import plotly.graph_objects as go

    if not found.rungs:
        return nothing(missing(found.pattern))
    figure = go.Figure()
    for tier in dict.fromkeys(rung.tier for rung in found.rungs):
        rungs = [rung for rung in found.rungs if rung.tier is tier]
        _add_tier(figure, rungs, retention=retention)
    if retention:
        near_lines(figure, 100.0, NEAR_LABEL, left=True)
    styled(figure)
    figure.update_xaxes(title_text=found.pattern, tickvals=sorted({rung.number for rung in found.rungs}))
    figure.update_yaxes(title_text="Retention (% of the teacher's macro F1)" if retention else "Macro F1 (%)")
    return figure


def _add_tier(figure: "go.Figure", rungs: Sequence[Rung], *, retention: bool) -> None:
    values = [rung.retention if retention else rung.f1 for rung in rungs]
    tier = rungs[0].tier
    figure.add_scatter(
        x=[rung.number for rung in rungs],
        y=[value for value, _, _ in values],
        error_y={
            "type": "data",
            "array": [high - value for value, _, high in values],
            "arrayminus": [value - low for value, low, _ in values],
            "thickness": 1,
            "width": 3,
        },
        mode="lines+markers",
        line={"color": COLOURS[tier], "width": 2, "dash": "dot" if tier is Tier.ZERO else "solid"},
        marker={"size": 9, "symbol": "circle-open" if tier is Tier.ZERO else "circle"},
        name=_name(tier),
        hovertext=[_hover(rung) for rung in rungs],
        hoverinfo="text",
    )


def _hover(rung: Rung) -> str:
    return lines(
        [
            brief(rung.recipe),
            _name(rung.tier),
            f"Macro F1 {rung.f1[0]:.1f}% {between(*rung.f1[1:])}",
            f"Retention {rung.retention[0]:.1f}% {between(*rung.retention[1:])}",
            sets(len(rung.places)),
        ]
    )


def records(found: Ladder) -> list[dict[str, Any]]:
    """The figure's data, one row a rung and tier."""
    return [
        {
            "Recipe": rung.recipe,
            "N": rung.number,
            "Tier": _name(rung.tier),
            **_columns("Macro F1 %", rung.f1),
            **_columns("Retention %", rung.retention),
            "Data sets": len(rung.places),
        }
        for rung in found.rungs
    ]


def _columns(name: str, ends: tuple[float, float, float]) -> dict[str, float]:
    value, low, high = ends
    return {name: round(value, 2), f"{name}, from": round(low, 2), f"{name}, to": round(high, 2)}
