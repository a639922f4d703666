"""F1 by entity type and recipe, macro over data sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from ..data import LABELS
from ..results import Measurement
from .grid import FEW_SETS, Grid
from .phrases import NONE_MEASURED, between, brief, lines, sets, signed, wrapped
from .speed import TEACHER
from .style import BLUE, GREEN, ORANGE, bars, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = dict(zip(LABELS, (BLUE, ORANGE, GREEN), strict=True))
NAMES = dict(zip(LABELS, ("persons", "organisations", "locations"), strict=True))
SYMBOLS = dict(zip(LABELS, ("circle", "square", "diamond"), strict=True))
ROW_PIXELS, FRAME_PIXELS = 38, 120
LEAST_LOSS = 0.05
NOTE = (
    "Macro F1 by type over the data sets that all these recipes were measured on and that have entities of the type; "
    f"{FEW_SETS} Bars are 95% bootstrap intervals over sentences, those of a mean as they are if data sets err "
    "independently; rows of older versions have none."
)


@dataclass(frozen=True)
class Typed:
    """A recipe's macro F1 by type in percent, the number of data sets behind each, and 95% intervals where known."""

    recipe: str
    f1: dict[str, float]
    sets: dict[str, int]
    bounds: dict[str, tuple[float, float]]


def typed(grid: Grid) -> list[Typed]:
    """The teacher and the recipes comparable with it on the same data sets, the best mean first."""
    recipes, places = grid.comparable(grid.recipes)
    found = [_of(recipe, {one: [grid.rows[one, place] for place in places] for one in recipes}) for recipe in recipes]
    kept = [one for one in found if one.f1]
    return sorted(kept, key=lambda one: (one.recipe != TEACHER, -sum(one.f1.values()) / len(one.f1)))


def _of(recipe: str, rows: Mapping[str, Sequence[Measurement]]) -> Typed:
    """Only data sets where every recipe has the type count: a recipe that never found one has no such entry."""
    f1, counted, bounds = {}, {}, {}
    for label in LABELS:
        all_have = [all(label in one.per_type for one in column) for column in zip(*rows.values(), strict=True)]
        mine = [row for row, has in zip(rows[recipe], all_have, strict=True) if has]
        if mine:
            f1[label], counted[label] = sum(row.per_type[label] for row in mine) / len(mine), len(mine)
        if mine and all(label in row.per_type_bounds for row in mine):
            bounds[label] = _mean_bounds(mine, label)
    return Typed(recipe, f1, counted, bounds)


def _mean_bounds(rows: Sequence[Measurement], label: str) -> tuple[float, float]:
    """The interval of a mean over data sets, as theirs make it if they err independently."""
    scores, ends = [row.per_type[label] for row in rows], [row.per_type_bounds[label] for row in rows]
    below = sqrt(sum((score - low) ** 2 for score, (low, _) in zip(scores, ends, strict=True)))
    above = sqrt(sum((high - score) ** 2 for score, (_, high) in zip(scores, ends, strict=True)))
    return (sum(scores) - below) / len(rows), (sum(scores) + above) / len(rows)


def takeaway(found: Sequence[Typed]) -> str:
    """What the data say in one line: the type that loses most under most loss, and the mean loss by type."""
    teacher = next((one for one in found if one.recipe == TEACHER), None)
    others = [one for one in found if one.recipe != TEACHER]
    if not found:
        return NONE_MEASURED
    if teacher is None or not others:
        one = found[0]
        best = max(one.f1, key=one.f1.__getitem__)
        return f"{brief(one.recipe)} is best at {NAMES[best]}: {_scores(one)}, over {_over(one)}."
    losses = {label: sum(one.f1[label] - teacher.f1[label] for one in others) / len(others) for label in teacher.f1}
    label, recipe, deepest = min(
        ((label, one.recipe, one.f1[label] - teacher.f1[label]) for one in others for label in one.f1),
        key=lambda loss: loss[2],
    )
    if deepest > -LEAST_LOSS:
        return f"No type loses under any recipe over {_over(teacher)}; the teacher has {_scores(teacher)}."
    order = sorted(losses, key=losses.__getitem__)
    means = ", ".join(f"{NAMES[label]} {signed(losses[label])}" for label in order)
    return (
        f"Over {len(others)} recipe{'s' if len(others) > 1 else ''} and {_over(teacher)} {NAMES[order[0]]} lose most: "
        f"{means} points on average; the deepest loss is {NAMES[label]} under {brief(recipe)}: {signed(deepest)}."
    )


def _over(one: Typed) -> str:
    fewest, most = min(one.sets.values()), max(one.sets.values())
    return sets(most) if fewest == most else f"{fewest} to {sets(most)}"


def _scores(one: Typed) -> str:
    return ", ".join(f"{NAMES[label]} {score:.1f}" for label, score in one.f1.items())


def dots(found: Sequence[Typed]) -> "go.Figure":
    """One row a recipe, the teacher on top, one marker a type, and a line at the teacher's F1 of each."""
    import plotly.graph_objects as go

    if not found:
        return nothing(NONE_MEASURED)
    figure = go.Figure()
    teacher = next((one for one in found if one.recipe == TEACHER), None)
    for label, colour in COLOURS.items():
        rows = [(index, one) for index, one in enumerate(found) if label in one.f1]
        if teacher and label in teacher.f1:
            figure.add_vline(x=teacher.f1[label], line={"color": colour, "width": 1, "dash": "dot"})
        scores = [one.f1[label] for _, one in rows]
        ends = [one.bounds.get(label, (one.f1[label], one.f1[label])) for _, one in rows]
        figure.add_scatter(
            x=scores,
            y=[index for index, _ in rows],
            error_x=bars(scores, ends, colour),
            mode="markers",
            marker={"color": colour, "size": 10, "symbol": SYMBOLS[label]},
            name=f"{label}, {NAMES[label]}",
            hovertext=[_hover(one, label, teacher) for _, one in rows],
            hoverinfo="text",
        )
    styled(figure)
    figure.update_layout(
        height=FRAME_PIXELS + ROW_PIXELS * len(found),
        margin={"l": 8, "r": 12, "t": 48, "b": 16},
        legend={"y": -0.02},
    )
    figure.update_yaxes(
        tickvals=list(range(len(found))),
        ticktext=[wrapped(one.recipe) for one in found],
        tickfont={"size": 10},
        range=[len(found) - 0.5, -0.5],
        automargin=True,
    )
    figure.update_xaxes(title_text="Macro F1 (%)", title_font_size=12, side="top")
    return figure


def _hover(one: Typed, label: str, teacher: Typed | None) -> str:
    beside = teacher.f1.get(label) if teacher else None
    return lines(
        [
            brief(one.recipe),
            f"{label}: macro F1 {one.f1[label]:.1f}%",
            f"95% interval {between(*one.bounds[label])}" if label in one.bounds else "",
            "" if beside is None else f"teacher {beside:.1f}%, {signed(one.f1[label] - beside)} points",
            sets(one.sets[label]),
        ]
    )


def records(found: Sequence[Typed]) -> list[dict[str, Any]]:
    """The figure's data, one row a recipe and type."""
    return [
        {
            "Recipe": one.recipe,
            "Type": label,
            "Macro F1 %": round(score, 2),
            **dict(zip(("95% from", "95% to"), _rounded(one.bounds.get(label)), strict=True)),
            "Data sets": one.sets[label],
        }
        for one in found
        for label, score in one.f1.items()
    ]


def _rounded(ends: tuple[float, float] | None) -> tuple[float | str, float | str]:
    return (round(ends[0], 2), round(ends[1], 2)) if ends else ("", "")
