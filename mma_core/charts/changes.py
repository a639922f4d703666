"""Which languages lose: each recipe's change of F1 against the teacher on each data set, as a heat map."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from ..bootstrap import Difference
from ..results import Measurement, Place
from .grid import Grid
from .heat import SURE_MARK, add_marks, colours, framed
from .phrases import (
    NONE_MEASURED,
    brief,
    change,
    columns,
    lines,
    listed,
    probability,
    sets,
    signed,
    title,
    titles,
    wrapped,
)
from .speed import TEACHER
from .style import nothing

if TYPE_CHECKING:
    import plotly.graph_objects as go

MACRO = "All"
LARGEST = 20.0
ROW_PIXELS = 28
NOTE = (
    f"Points of F1 against the teacher on the same sentences. {SURE_MARK} surely different: the 95% interval of the "
    "paired bootstrap excludes 0; of twenty cells that differ in nothing, one is marked by chance. Colours end at "
    f"±{LARGEST:.0f} points. All macro means are over the same data sets; a recipe that lacks one of these has none."
)


@dataclass(frozen=True)
class Cell:
    """A recipe on a data set beside the teacher; the macro mean where `place` is None.

    Attributes:
        recipe: the recipe.
        place: the data set.
        found: by how much it is better than the teacher.
        sets: how many data sets that is over.
        ours: its row, where the cell is of one data set.
        theirs: the teacher's row.
    """

    recipe: str
    place: Place | None
    found: Difference
    sets: int = 1
    ours: Measurement | None = None
    theirs: Measurement | None = None


def cells(grid: Grid) -> list[Cell]:
    """Every recipe on every data set that the teacher was measured on too, the macro mean first, the best first.

    The macro means are over the same data sets, those of the recipes that are comparable; what lacks one of these has
    no macro mean and stands last.
    """
    _, shared = grid.comparable(grid.recipes)
    made = [_recipe(grid, recipe, shared) for recipe in grid.recipes]
    return [cell for group in sorted(filter(None, made), key=_rank) for cell in group]


def _recipe(grid: Grid, recipe: str, shared: Sequence[Place]) -> list[Cell]:
    places = grid.places(recipe, TEACHER)
    macro = []
    if places and set(shared) <= set(places):
        macro = [Cell(recipe, None, grid.difference(recipe, TEACHER, shared), sets=len(shared))]
    return [
        *macro,
        *(
            Cell(
                recipe,
                place,
                grid.difference(recipe, TEACHER, [place]),
                ours=grid.rows[recipe, place],
                theirs=grid.rows[TEACHER, place],
            )
            for place in places
        ),
    ]


def _rank(group: Sequence[Cell]) -> float:
    return -group[0].found.points if group[0].place is None else inf


def takeaway(found: Sequence[Cell]) -> str:
    """What the data say in one line: how many cells surely lose or gain, and the deepest loss."""
    single = [cell for cell in found if cell.place]
    if not single:
        return NONE_MEASURED
    lost = [cell for cell in single if cell.found.high < 0]
    gained = [cell for cell in single if cell.found.low > 0]
    size = f"{len(single)} cells ({len({cell.recipe for cell in single})} recipes by data sets)"
    said = f"Of {size}, {len(lost)} surely lose and {len(gained)} surely gain."
    macros = [cell for cell in found if cell.place is None]
    safe = [cell for cell in macros if cell.found.high >= 0 and not _losses(lost, cell.recipe)]
    if safe:
        names = listed([brief(cell.recipe) for cell in safe])
        said += f" {names} {_have(len(safe))} no sure loss (macro mean over {sets(safe[0].sets)})."
    if lost:
        worst = min(lost, key=lambda cell: cell.found.points)
        said += (
            f" The deepest loss is {title(_place(worst))} under {brief(worst.recipe)}: {change(worst.found)} points."
        )
    return said


def _losses(lost: Iterable[Cell], recipe: str) -> int:
    return sum(cell.recipe == recipe for cell in lost)


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _place(cell: Cell) -> Place:
    return cell.place or ("", MACRO)


def heat_map(found: Sequence[Cell]) -> "go.Figure":
    """Recipes down, data sets across, the macro mean first; loss in orange, gain in blue, a dot where it is sure."""
    import plotly.graph_objects as go

    recipes = list(dict.fromkeys(cell.recipe for cell in found))
    if not recipes:
        return nothing(NONE_MEASURED)
    places = [None, *sorted({cell.place for cell in found if cell.place}, key=title)]
    at = {(cell.recipe, cell.place): cell for cell in found}
    grid = [[at.get((recipe, place)) for place in places] for recipe in recipes]
    figure = go.Figure()
    figure.add_heatmap(
        z=[[cell.found.points if cell else None for cell in row] for row in grid],
        text=[[signed(cell.found.points) if cell else "" for cell in row] for row in grid],
        hovertext=[[hover(cell) if cell else "" for cell in row] for row in grid],
        **colours(LARGEST, len(places)),
    )
    add_marks(figure, [(x, y) for y, row in enumerate(grid) for x, cell in enumerate(row) if cell and cell.found.sure])
    named = [f"<b>{MACRO}, macro</b>", *titles([place for place in places if place])]
    return framed(figure, named, [wrapped(recipe) for recipe in recipes], row_pixels=ROW_PIXELS)


def hover(cell: Cell) -> str:
    """All that is known of a cell, one fact a line."""
    where = title(cell.place) if cell.place else f"{MACRO}, macro over {sets(cell.sets)}"
    verdict = "surely different" if cell.found.sure else "may be chance"
    facts = [where, brief(cell.recipe), f"{change(cell.found)} points, {probability(cell.found.p)}: {verdict}"]
    if cell.ours and cell.theirs:
        facts += [
            f"F1 {cell.ours.f1:.1f}%, teacher {cell.theirs.f1:.1f}%",
            f"Retention {cell.ours.retention:.1f}%",
            f"{cell.ours.sentences:,} test sentences",
        ]
    return lines(facts)


def records(found: Sequence[Cell]) -> list[dict[str, Any]]:
    """The figure's data, one row a cell."""
    return [
        {
            "Recipe": cell.recipe,
            "Data set": title(cell.place) if cell.place else f"{MACRO}, macro",
            "F1 %": round(cell.ours.f1, 2) if cell.ours else "",
            "Teacher F1 %": round(cell.theirs.f1, 2) if cell.theirs else "",
            **columns(cell.found),
        }
        for cell in found
    ]
