"""F1 by entity type and recipe, macro over data sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data import LABELS
from .grid import FEW_SETS, Grid
from .phrases import NONE_MEASURED, brief, lines, sets, signed, stacked
from .speed import TEACHER
from .style import BLUE, GREEN, ORANGE, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = dict(zip(LABELS, (BLUE, ORANGE, GREEN), strict=True))
NAMES = dict(zip(LABELS, ("persons", "organisations", "locations"), strict=True))
SYMBOLS = dict(zip(LABELS, ("circle", "square", "diamond"), strict=True))
ROW_PIXELS, FRAME_PIXELS = 38, 120
LEAST_LOSS = 0.05
NOTE = (
    "Macro F1 by type over the data sets that all these recipes were measured on and that have entities of the type; "
    f"{FEW_SETS} A table keeps sentence by sentence what was found of all types together, so types have no intervals."
)


@dataclass(frozen=True)
class Typed:
    """A recipe's macro F1 by type in percent, and the number of data sets behind each."""

    recipe: str
    f1: dict[str, float]
    sets: dict[str, int]


def typed(grid: Grid) -> list[Typed]:
    """The teacher and the recipes comparable with it on the same data sets, the best mean first."""
    recipes, places = grid.comparable(grid.recipes)
    scores: dict[str, list[dict[str, float]]] = {
        recipe: [grid.rows[recipe, place].per_type for place in places] for recipe in recipes
    }
    found = [_of(recipe, scores) for recipe in recipes]
    kept = [one for one in found if one.f1]
    return sorted(kept, key=lambda one: (one.recipe != TEACHER, -sum(one.f1.values()) / len(one.f1)))


def _of(recipe: str, scores: dict[str, list[dict[str, float]]]) -> Typed:
    """Only data sets where every recipe has the type count: a recipe that never found one has no such entry."""
    f1, counted = {}, {}
    for label in LABELS:
        all_have = [all(label in one for one in column) for column in zip(*scores.values(), strict=True)]
        values = [one[label] for one, has in zip(scores[recipe], all_have, strict=True) if has]
        if values:
            f1[label], counted[label] = sum(values) / len(values), len(values)
    return Typed(recipe, f1, counted)


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
        figure.add_scatter(
            x=[one.f1[label] for _, one in rows],
            y=[index for index, _ in rows],
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
        ticktext=[stacked(one.recipe) for one in found],
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
            "" if beside is None else f"teacher {beside:.1f}%, {signed(one.f1[label] - beside)} points",
            sets(one.sets[label]),
        ]
    )


def records(found: Sequence[Typed]) -> list[dict[str, Any]]:
    """The figure's data, one row a recipe and type."""
    return [
        {"Recipe": one.recipe, "Type": label, "Macro F1 %": round(score, 2), "Data sets": one.sets[label]}
        for one in found
        for label, score in one.f1.items()
    ]
