"""What changed against the teacher by kind of error: missed, invented, of the wrong type, with the wrong border."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..results import Place
from .grid import FEW_SETS, Grid
from .phrases import NONE_MEASURED, brief, lines, sets, signed, wrapped
from .speed import TEACHER
from .style import BLUE, GREEN, GREY, ORANGE, PINK, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

KINDS = {"missed": BLUE, "invented": ORANGE, "wrong type": PINK, "wrong border": GREEN}
ROW_PIXELS, FRAME_PIXELS = 38, 120
LEAST_CHANGE = 0.05
NOTE = (
    "Errors for 100 entities that are there, summed over the data sets that all these recipes were measured on; "
    f"{FEW_SETS} Missed: nothing found there. Invented: it touches no entity. Wrong type or border: it touches one."
)


@dataclass(frozen=True)
class Mistakes:
    """A recipe's errors.

    Attributes:
        recipe: the recipe.
        counts: errors by kind.
        entities: how many are there to be found.
        places: the data sets.
    """

    recipe: str
    counts: dict[str, int]
    entities: int
    places: tuple[Place, ...]

    def rate(self, kind: str) -> float:
        """Errors of a kind for 100 entities."""
        return 100 * self.counts[kind] / max(self.entities, 1)

    @property
    def total(self) -> float:
        """All errors for 100 entities."""
        return sum(self.rate(kind) for kind in KINDS)


def mistakes(grid: Grid) -> list[Mistakes]:
    """The teacher's errors and those of the recipes comparable with it on the same data sets, the fewest first."""
    recipes, places = grid.comparable(grid.recipes)
    found = [_of(grid, recipe, tuple(places)) for recipe in recipes]
    return sorted(found, key=lambda one: (one.recipe != TEACHER, one.total))


def _of(grid: Grid, recipe: str, places: tuple[Place, ...]) -> Mistakes:
    rows = [grid.rows[recipe, place] for place in places]
    counts = {kind: sum(row.errors.get(kind, 0) for row in rows) for kind in KINDS}
    return Mistakes(recipe, counts, sum(gold for row in rows for _, _, gold in row.counts), places)


def takeaway(found: Sequence[Mistakes]) -> str:
    """What the data say in one line: who adds most errors to the teacher's and of which kind, and who is nearest."""
    others = [one for one in found if one.recipe != TEACHER]
    if not others:
        return NONE_MEASURED if not found else f"Only the teacher so far: {_errors(found[0])}."
    teacher = next((one for one in found if one.recipe == TEACHER), None)
    if teacher is None:
        return f"{brief(others[0].recipe)} makes fewest: {_errors(others[0])}; no row of the teacher."
    most, nearest = others[-1], min(others, key=lambda one: abs(one.total - teacher.total))
    said = f"The teacher makes {_errors(teacher)}"
    if most.total - teacher.total < LEAST_CHANGE:
        return f"{said}; no recipe makes more."
    kind = max(KINDS, key=lambda kind: most.rate(kind) - teacher.rate(kind))
    said += (
        f"; {brief(most.recipe)} makes {most.total - teacher.total:.1f} more, above all "
        f"{kind} ({signed(most.rate(kind) - teacher.rate(kind))})"
    )
    return (
        f"{said}." if most is nearest else f"{said}. Nearest is {brief(nearest.recipe)} ({_delta(nearest, teacher)})."
    )


def _errors(one: Mistakes) -> str:
    return f"{one.total:.1f} errors for 100 entities of {sets(len(one.places))}"


def _delta(one: Mistakes, teacher: Mistakes) -> str:
    return signed(one.total - teacher.total)


def bars(found: Sequence[Mistakes], *, change: bool) -> "go.Figure":
    """One stacked bar a recipe, the teacher's on top.

    Args:
        found: recipes, the teacher among them for `change`.
        change: draw what is more (right) and less (left) than the teacher's, not the errors themselves.
    """
    import plotly.graph_objects as go

    teacher = next((one for one in found if one.recipe == TEACHER), None) if change else None
    shown = [one for one in found if one is not teacher]
    if not shown:
        return nothing(takeaway(found))
    figure = go.Figure()
    for kind, colour in KINDS.items():
        figure.add_bar(
            x=[one.rate(kind) - (teacher.rate(kind) if teacher else 0) for one in shown],
            y=list(range(len(shown))),
            orientation="h",
            marker={"color": colour},
            name=kind,
            hovertext=[_hover(one, kind, teacher) for one in shown],
            hoverinfo="text",
        )
    return _framed(figure, shown, change=teacher is not None)


def _framed(figure: "go.Figure", shown: Sequence[Mistakes], *, change: bool) -> "go.Figure":
    styled(figure)
    figure.update_layout(
        barmode="relative",
        bargap=0.35,
        height=FRAME_PIXELS + ROW_PIXELS * len(shown),
        margin={"l": 8, "r": 12, "t": 48, "b": 16},
        legend={"y": -0.02, "traceorder": "normal"},
    )
    figure.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=[wrapped(one.recipe) for one in shown],
        tickfont={"size": 10},
        range=[len(shown) - 0.5, -0.5],
        automargin=True,
        showgrid=False,
    )
    title = "More errors for 100 entities" if change else "Errors for 100 entities"
    figure.update_xaxes(title_text=title, title_font_size=12, side="top")
    if change:
        figure.add_vline(x=0, line={"color": GREY, "width": 1})
    return figure


def _hover(one: Mistakes, kind: str, teacher: Mistakes | None) -> str:
    beside = f"teacher {teacher.rate(kind):.2f}, {signed(one.rate(kind) - teacher.rate(kind))}" if teacher else ""
    return lines(
        [
            brief(one.recipe),
            f"{kind}: {one.rate(kind):.2f} for 100 entities",
            beside,
            f"{one.counts[kind]:,} errors on {one.entities:,} entities of {sets(len(one.places))}",
        ]
    )


def records(found: Sequence[Mistakes]) -> list[dict[str, Any]]:
    """The figure's data, one row a recipe: errors for 100 entities."""
    return [
        {
            "Recipe": one.recipe,
            **{kind.capitalize(): round(one.rate(kind), 2) for kind in KINDS},
            "All errors": round(one.total, 2),
            "Entities": one.entities,
            "Data sets": len(one.places),
        }
        for one in found
    ]
