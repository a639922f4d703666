"""What the next megabyte or millisecond buys: the frontier of F1 against a cost as a list of prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .axes import Axis, Row, ticks
from .naming import SIDES, names, reach
from .phrases import brief, lines
from .speed import EMPTY, UNKNOWN, Series, best
from .style import BLUE, GREY, bars, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

NOTE = (
    "The recipes that no other beats in both F1 and cost, the cheapest first, averaged over the data sets. F1 with "
    "95% intervals over sentences; neighbours may differ by chance."
)


@dataclass(frozen=True)
class Purchase:
    """One step along the frontier.

    Attributes:
        row: what one gets.
        cost: its cost in the axis's unit.
        before: the next cheaper one; None for the cheapest.
        more: how much more it costs than that one.
        points: how much more F1 it has, in points.
    """

    row: Row
    cost: float
    before: Row | None = None
    more: float = 0.0
    points: float = 0.0

    @property
    def price(self) -> float | None:
        """Points of F1 that one more unit of cost buys; None for the cheapest, or where nothing more is paid."""
        return self.points / self.more if self.before and self.more > 0 else None


def purchases(one: Series, axis: Axis) -> list[Purchase]:
    """The frontier of F1 against a cost from the cheapest on; of rows that are equal in both, the first."""
    unbeaten = {(value, row.f1): (row, value) for row, value in reversed(best(one, axis))}
    rows = sorted(unbeaten.values(), key=lambda pair: pair[1])
    first = [Purchase(row, cost) for row, cost in rows[:1]]
    return first + [
        Purchase(row, cost, before, cost - less, row.f1 - before.f1) for (before, less), (row, cost) in pairwise(rows)
    ]


def takeaway(found: Sequence[Purchase], axis: Axis, *, measured: bool = True) -> str:
    """What the data say in one line: the cheapest, the best value, the dearest point.

    Args:
        found: the frontier.
        axis: the cost.
        measured: whether there were rows at all.
    """
    if not found:
        return UNKNOWN if measured else EMPTY
    cheapest = found[0]
    said = f"{axis.text(cheapest.cost)} buy {cheapest.row.f1:.1f} F1 ({brief(cheapest.row.recipe)})"
    paid = [one for one in found if one.price]
    buys = [one for one in paid if round(one.points, 1) > 0]
    if not buys:
        return f"{said}, and nothing that costs more is better by a tenth of a point."
    value = max(buys, key=lambda one: one.price or 0)
    dearest = min(paid, key=lambda one: one.price or 0)
    said += f"; the best buy from there on is {_offer(value, axis)}"
    return f"{said}." if value is dearest else f"{said}; the dearest is {_offer(dearest, axis)}."


def _offer(one: Purchase, axis: Axis) -> str:
    points = f"{one.points:.1f}" if one.points >= 0.05 else f"{one.points:.1g}"
    return f"{brief(one.row.recipe)}, {points} points for {axis.text(one.more)} more"


def staircase(found: Sequence[Purchase], axis: Axis) -> "go.Figure":
    """F1 that a cost buys: a stair from one recipe of the frontier to the next, with 95% intervals."""
    import plotly.graph_objects as go

    if not found:
        return nothing(UNKNOWN)
    costs = [one.cost for one in found]
    figure = go.Figure()
    figure.add_scatter(
        x=costs,
        y=[one.row.f1 for one in found],
        error_y=bars([one.row.f1 for one in found], [(one.row.f1_low, one.row.f1_high) for one in found], GREY),
        text=names([(one.row, one.cost) for one in reversed(found)], axis)[::-1],
        textposition=SIDES[axis.gain],
        textfont={"size": 11},
        mode="lines+markers+text",
        line={"color": BLUE, "width": 2, "shape": "hv"},
        marker={"color": BLUE, "size": 10},
        hovertext=[_hover(one, axis) for one in found],
        hoverinfo="text",
        cliponaxis=False,
    )
    marks = ticks(costs)
    styled(figure).update_layout(showlegend=False)
    figure.update_xaxes(title_text=axis.title, type="log", tickvals=marks, ticktext=[f"{mark:,g}" for mark in marks])
    figure.update_xaxes(range=reach([(one.row.recipe, one.cost) for one in found], axis))
    figure.update_yaxes(title_text="F1 (%)")
    return figure


def _hover(one: Purchase, axis: Axis) -> str:
    bought = (
        f"{one.points:.2f} points for {axis.text(one.more)} more than {brief(one.before.recipe)}" if one.before else ""
    )
    return lines(
        [
            brief(one.row.recipe),
            f"F1 {one.row.f1:.1f}%, 95% interval {one.row.f1_low:.1f} to {one.row.f1_high:.1f}",
            axis.text(one.cost),
            bought,
            f"{one.price:.3g} points for each{axis.unit}" if one.price else "",
            f"Retention {one.row.retention:.1f}%, speed-up {one.row.speedup:.2f}×",
        ]
    )


def records(found: Sequence[Purchase], axis: Axis) -> list[dict[str, Any]]:
    """The list of prices, one row a step along the frontier."""
    return [
        {
            "Recipe": one.row.recipe,
            axis.title: round(one.cost, 2),
            "F1 %": round(one.row.f1, 2),
            "95% from": round(one.row.f1_low, 2),
            "95% to": round(one.row.f1_high, 2),
            "More cost": round(one.more, 2) if one.before else "",
            "More F1": round(one.points, 2) if one.before else "",
            f"Points for each{axis.unit}": round(one.price, 4) if one.price else "",
        }
        for one in found
    ]
