"""Names of recipes above their points: where a frontier leaves room for them, and how long an axis is with them."""

from collections.abc import Iterable, Sequence

from .axes import Axis, Row
from .phrases import brief

CHARACTERS_ACROSS = 110
# The share of a chart's height that a line of text and some room need.
LEVEL = 0.05
SIDES = {True: "top right", False: "top left"}
"""Where names stand, by whether more is better: on the better side of their points."""


def names(
    unbeaten: Sequence[tuple[Row, float]], axis: Axis, *, beside: Sequence[Row] = (), silent: str = ""
) -> list[str]:
    """Names to print above the points and to their better side.

    Args:
        unbeaten: the frontier's rows with their values, from the worst to the best.
        axis: of the values.
        beside: what else the chart shows; with its intervals it makes the chart as high as it is.
        silent: a recipe whose point has no name.

    Returns:
        One name a row; empty where it would run into one on its level.
    """
    placed = [(row, axis.merit(value)) for row, value in reversed(unbeaten)]
    across = placed[0][1] - placed[-1][1] if placed else 0.0
    shown = [*(row for row, _ in placed), *beside]
    level = LEVEL * (max(row.f1_high for row in shown) - min(row.f1_low for row in shown)) if shown else 0.0
    found: list[str] = []
    taken: list[tuple[Row, float]] = []
    for row, merit in placed:
        name = brief(row.recipe)
        end = merit + _width(name, across)
        fits = row.recipe != silent and all(end < other or abs(row.f1 - theirs.f1) > level for theirs, other in taken)
        found.append((f" {name}" if axis.gain else f"{name} ") if fits else "")
        if fits or row.recipe == silent:
            taken.append((row, merit))
    return found[::-1]


def reach(values: Iterable[tuple[str, float]], axis: Axis) -> list[float]:
    """Both ends of a logarithmic axis, with room for the best one's name.

    Args:
        values: of each recipe.
        axis: of the values.
    """
    merits = [(axis.merit(value), recipe) for recipe, value in values]
    (low, _), (high, name) = min(merits), max(merits)
    margin = max(0.06, 0.06 * (high - low))
    low, high = low - margin, high + max(margin, _width(brief(name), high - low))
    return [low, high] if axis.gain else [-high, -low]


def _width(name: str, across: float) -> float:
    """Room for a name, in units of log10, on an axis of that length."""
    return (len(name) + 2) * max(across, 0.5) / CHARACTERS_ACROSS
