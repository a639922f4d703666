"""Do techniques add up: a combination's retention against the product of what its steps keep alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bootstrap import bounds
from ..results import Place, resampled
from .grid import Grid
from .phrases import between, brief, lines, listed, sets, signed, stacked
from .speed import TEACHER
from .style import BLUE, GREY, ORANGE, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW_PIXELS, FRAME_PIXELS = 44, 130
LEAST_F1 = 0.1
EMPTY = (
    "No combination was measured together with each of its steps alone. Measure one, for example\n"
    "python -m mma_core bench layers:10 int8 layers:10+int8 --languages de,en"
)
NOTE = (
    "Retention is F1 as a share of the teacher's, the geometric mean over data sets. Expected: the product of the "
    "retentions of the steps alone. Blue: the combination keeps surely more than that; orange: surely less; grey: may "
    "be chance (95% intervals of the paired bootstrap)."
)


@dataclass(frozen=True)
class Share:
    """A share in percent with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Interaction:
    """A combination beside its parts.

    Attributes:
        recipe: the combination.
        parts: each step alone → what it keeps.
        expected: product of those.
        measured: what the combination keeps.
        surplus: measured less expected, in points of retention.
        places: the data sets that all were measured on.
    """

    recipe: str
    parts: dict[str, Share]
    expected: Share
    measured: Share
    surplus: Share
    places: tuple[Place, ...]

    @property
    def sure(self) -> bool:
        """Whether the interval of the surplus excludes 0."""
        return self.surplus.low > 0 or self.surplus.high < 0


def interactions(grid: Grid) -> list[Interaction]:
    """Every combination whose steps were measured alone too, what surprises most first."""
    found = [_interaction(grid, recipe) for recipe in grid.recipes if "+" in recipe]
    return sorted((one for one in found if one), key=lambda one: -abs(one.surplus.value))


def _interaction(grid: Grid, recipe: str) -> Interaction | None:
    parts = recipe.split("+")
    places = tuple(grid.places(TEACHER, recipe, *parts))
    if not places:
        return None
    alone = {part: _retention(grid, part, places) for part in parts}
    expected = np.prod(list(alone.values()), axis=0)
    measured = _retention(grid, recipe, places)
    shares = {part: _share(found) for part, found in alone.items()}
    return Interaction(recipe, shares, _share(expected), _share(measured), _share(measured - expected), places)


def _retention(grid: Grid, recipe: str, places: Sequence[Place]) -> np.ndarray:
    """Geometric mean of the shares of the teacher's F1, as measured and under each resample.

    Args:
        grid: the rows.
        recipe: whose.
        places: data sets of the mean; F1 below 0.1 count as 0.1, so that one at 0 does not take all.
    """
    ratios = [
        np.maximum(resampled(grid.rows[recipe, place]), LEAST_F1)
        / np.maximum(resampled(grid.rows[TEACHER, place]), LEAST_F1)
        for place in places
    ]
    return np.exp(np.mean(np.log(ratios), axis=0))


def _share(found: np.ndarray) -> Share:
    percent = 100 * found
    return Share(float(percent[0]), *bounds(percent[1:]))


def takeaway(found: Sequence[Interaction]) -> str:
    """What the data say in one line: how many combinations keep surely more or less than expected, and the largest."""
    if not found:
        return EMPTY
    more = [one for one in found if one.surplus.low > 0]
    less = [one for one in found if one.surplus.high < 0]
    if not more and not less:
        return f"Techniques multiply: no combination of {len(found)} surely differs from the product of its steps."
    said = [
        f"{len(group)} keep{'s' if len(group) == 1 else ''} surely {word}"
        for group, word in ((more, "more"), (less, "less"))
        if group
    ]
    most = max((*more, *less), key=lambda one: abs(one.surplus.value))
    return (
        f"Of {len(found)} combination{'s' if len(found) > 1 else ''}, {listed(said)} than the product of the steps; "
        f"most of all {brief(most.recipe)}: {most.measured.value:.1f}% kept, {most.expected.value:.1f}% expected, "
        f"{signed(most.surplus.value)} {between(most.surplus.low, most.surplus.high)}."
    )


def dumbbells(found: Sequence[Interaction]) -> "go.Figure":
    """One row a combination: an open marker where expected, a full one with its interval where measured."""
    import plotly.graph_objects as go

    if not found:
        return nothing(EMPTY)
    figure = go.Figure()
    for index, one in enumerate(found):
        figure.add_scatter(
            x=[one.expected.value, one.measured.value],
            y=[index, index],
            mode="lines",
            line={"color": _colour(one), "width": 2},
            showlegend=False,
            hoverinfo="skip",
        )
    _add(figure, found, filled=False)
    _add(figure, found, filled=True)
    styled(figure)
    figure.update_layout(
        height=FRAME_PIXELS + ROW_PIXELS * len(found),
        margin={"l": 8, "r": 12, "t": 48, "b": 16},
        legend={"y": -0.02},
    )
    figure.update_yaxes(
        tickvals=list(range(len(found))),
        ticktext=[stacked(one.recipe) for one in found],
        tickfont={"size": 11},
        range=[len(found) - 0.5, -0.5],
        automargin=True,
    )
    figure.update_xaxes(title_text="Retention (%)", title_font_size=12, side="top")
    return figure


def _colour(one: Interaction) -> str:
    return (BLUE if one.surplus.low > 0 else ORANGE) if one.sure else GREY


def _add(figure: "go.Figure", found: Sequence[Interaction], *, filled: bool) -> None:
    shares = [one.measured if filled else one.expected for one in found]
    bars = {
        "type": "data",
        "array": [share.high - share.value for share in shares],
        "arrayminus": [share.value - share.low for share in shares],
        "color": GREY,
        "thickness": 1.5,
        "width": 0,
    }
    figure.add_scatter(
        x=[share.value for share in shares],
        y=list(range(len(found))),
        error_x=bars if filled else None,
        mode="markers",
        marker={
            "color": [_colour(one) for one in found],
            "size": 10,
            "symbol": "circle" if filled else "circle-open",
            "line": {"width": 2, "color": [_colour(one) for one in found]},
        },
        name="measured" if filled else "expected",
        hovertext=[_hover(one) for one in found],
        hoverinfo="text",
    )


def _hover(one: Interaction) -> str:
    return lines(
        [
            brief(one.recipe),
            *(f"{brief(part)} alone keeps {_text(share)}" for part, share in one.parts.items()),
            f"Expected {_text(one.expected)}",
            f"Measured {_text(one.measured)}",
            f"Difference {signed(one.surplus.value)} {between(one.surplus.low, one.surplus.high)} points of retention",
            f"Geometric mean of {sets(len(one.places))}",
        ]
    )


def _text(share: Share) -> str:
    return f"{share.value:.1f}% {between(share.low, share.high)}"


def records(found: Sequence[Interaction]) -> list[dict[str, Any]]:
    """The figure's data, one row a combination."""
    return [
        {
            "Combination": one.recipe,
            "Steps alone %": " × ".join(f"{share.value:.1f}" for share in one.parts.values()),
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
