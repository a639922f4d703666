"""Do techniques add up: a combination's retention against the product of what its two halves keep alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bootstrap import bounds
from ..results import Place
from .grid import Grid
from .heat import SURE_MARK, add_marks, colours, framed
from .phrases import between, brief, lines, listed, sets, signed, wrapped
from .speed import TEACHER
from .style import nothing

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW_PIXELS = 52
LARGEST = (5.0, 10.0, 20.0)
LEAST_F1 = 0.1
EMPTY = (
    "No combination was measured together with both of its halves alone. Measure one, for example\n"
    "python -m mma_core bench layers:10 int8 layers:10+int8 --languages de,en"
)
NOTE = (
    "What is down, with what is across put on top. In a cell: the share of the teacher's F1 that the combination keeps "
    "(geometric mean over data sets), and in brackets what was to be expected, the product of the shares that both "
    f"keep alone; its colour is their difference. {SURE_MARK} surely different: the 95% interval of the paired "
    "bootstrap excludes 0."
)


@dataclass(frozen=True)
class Share:
    """A share in percent with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Interaction:
    """A combination beside its two halves.

    Attributes:
        first: its first steps.
        second: the others.
        alone: what each half keeps.
        expected: product of those.
        measured: what the combination keeps.
        surplus: measured less expected, in points of retention.
        places: the data sets that all were measured on.
    """

    first: str
    second: str
    alone: tuple[Share, Share]
    expected: Share
    measured: Share
    surplus: Share
    places: tuple[Place, ...]

    @property
    def recipe(self) -> str:
        """The combination."""
        return f"{self.first}+{self.second}"

    @property
    def sure(self) -> bool:
        """Whether the interval of the surplus excludes 0."""
        return self.surplus.low > 0 or self.surplus.high < 0


def interactions(grid: Grid) -> list[Interaction]:
    """Every combination, cut wherever both halves were measured alone too, what surprises most first."""
    found = [_interaction(grid, *halves) for recipe in grid.recipes for halves in _cuts(recipe)]
    return sorted((one for one in found if one), key=lambda one: -abs(one.surplus.value))


def _cuts(recipe: str) -> list[tuple[str, str]]:
    steps = recipe.split("+")
    return [("+".join(steps[:cut]), "+".join(steps[cut:])) for cut in range(1, len(steps))]


def _interaction(grid: Grid, first: str, second: str) -> Interaction | None:
    places = tuple(grid.places(TEACHER, f"{first}+{second}", first, second))
    if not places:
        return None
    one, other = (_retention(grid, half, places) for half in (first, second))
    measured = _retention(grid, f"{first}+{second}", places)
    expected = one * other
    return Interaction(
        first,
        second,
        (_share(one), _share(other)),
        _share(expected),
        _share(measured),
        _share(measured - expected),
        places,
    )


def _retention(grid: Grid, recipe: str, places: Sequence[Place]) -> np.ndarray:
    """Geometric mean of the shares of the teacher's F1, as measured and under each resample.

    Args:
        grid: the rows.
        recipe: whose.
        places: data sets of the mean; F1 below 0.1 count as 0.1, so that one at 0 does not take all.
    """
    ratios = [
        np.maximum(grid.rows[recipe, place].resampled, LEAST_F1)
        / np.maximum(grid.rows[TEACHER, place].resampled, LEAST_F1)
        for place in places
    ]
    return np.exp(np.mean(np.log(ratios), axis=0))


def _share(found: np.ndarray) -> Share:
    percent = 100 * found
    return Share(float(percent[0]), *bounds(percent[1:]))


def takeaway(found: Sequence[Interaction]) -> str:
    """What the data say in one line: how many pairs keep surely more or less than expected, and the largest."""
    if not found:
        return EMPTY
    more = [one for one in found if one.surplus.low > 0]
    less = [one for one in found if one.surplus.high < 0]
    if not more and not less:
        count = "the one pair" if len(found) == 1 else f"none of {len(found)} pairs"
        verb = "does not surely differ" if len(found) == 1 else "surely differs"
        return f"Techniques multiply: {count} of techniques {verb} from the product of its halves."
    said = [
        f"{len(group)} keep{'s' if len(group) == 1 else ''} surely {word}"
        for group, word in ((more, "more"), (less, "less"))
        if group
    ]
    most = max((*more, *less), key=lambda one: abs(one.surplus.value))
    return (
        f"Of {_pairs(len(found))}, {listed(said)} than the product of the halves; most of all {brief(most.first)} with "
        f"{brief(most.second)}: {most.measured.value:.1f}% kept, {most.expected.value:.1f}% expected, "
        f"{signed(most.surplus.value)} {between(most.surplus.low, most.surplus.high)}."
    )


def _pairs(count: int) -> str:
    return f"{count} pair{'' if count == 1 else 's'} of techniques"


def matrix(found: Sequence[Interaction]) -> "go.Figure":
    """First halves down, second halves across: measured, expected, and by colour what lies between them."""
    import plotly.graph_objects as go

    if not found:
        return nothing(EMPTY)
    down, across = sorted({one.first for one in found}, key=_length), sorted({one.second for one in found}, key=_length)
    at = {(one.first, one.second): one for one in found}
    cells = [[at.get((first, second)) for second in across] for first in down]
    figure = go.Figure()
    figure.add_heatmap(
        z=[[one.surplus.value if one else None for one in row] for row in cells],
        text=[
            [f"{one.measured.value:.1f}<br>({one.expected.value:.1f})" if one else "" for one in row] for row in cells
        ],
        hovertext=[[_hover(one) if one else "" for one in row] for row in cells],
        **colours(_largest(found), len(across)),
    )
    add_marks(figure, [(x, y) for y, row in enumerate(cells) for x, one in enumerate(row) if one and one.sure])
    return framed(figure, list(map(brief, across)), list(map(wrapped, down)), row_pixels=ROW_PIXELS)


def _largest(found: Sequence[Interaction]) -> float:
    """Where the colours end: as far as the differences go, in round numbers."""
    most = max(abs(one.surplus.value) for one in found)
    return next((end for end in LARGEST if most <= end), LARGEST[-1])


def _length(half: str) -> tuple[int, str]:
    """The simple halves before the composed ones."""
    return half.count("+"), half


def _hover(one: Interaction) -> str:
    halves = zip((one.first, one.second), one.alone, strict=True)
    return lines(
        [
            brief(one.recipe),
            *(f"{brief(half)} alone keeps {_text(share)}" for half, share in halves),
            f"Expected {_text(one.expected)}",
            f"Measured {_text(one.measured)}",
            f"Difference {signed(one.surplus.value)} {between(one.surplus.low, one.surplus.high)} points of retention",
            f"Geometric mean of {sets(len(one.places))}",
        ]
    )


def _text(share: Share) -> str:
    return f"{share.value:.1f}% {between(share.low, share.high)}"


def records(found: Sequence[Interaction]) -> list[dict[str, Any]]:
    """The figure's data, one row a cell."""
    return [
        {
            "First": one.first,
            "Second": one.second,
            "First alone %": round(one.alone[0].value, 2),
            "Second alone %": round(one.alone[1].value, 2),
            "Expected %": round(one.expected.value, 2),
            "Measured %": round(one.measured.value, 2),
            "95% from": round(one.measured.low, 2),
            "95% to": round(one.measured.high, 2),
            "Difference": round(one.surplus.value, 2),
            "Difference from": round(one.surplus.low, 2),
            "Difference to": round(one.surplus.high, 2),
            "Data sets": len(one.places),
        }
        for one in found
    ]
