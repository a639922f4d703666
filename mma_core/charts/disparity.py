"""Who pays: each language's gain or loss against the labelled sentences that the teacher could learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Any

from ..bootstrap import Difference
from ..builtin import Labelled
from ..languages import Tier
from ..results import Measurement, Place
from .axes import ticks
from .by_language import COLOURS
from .grid import Grid
from .phrases import NONE_MEASURED, brief, change, columns, lines, probability, sets, title
from .speed import TEACHER
from .style import GREY, faded, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Zero-shot languages stand left of all others, spread so that they do not hide each other.
BEFORE_LEAST = 0.6
SPREAD = 0.25
UNKNOWN = "Nobody knows how many labelled sentences this teacher saw: the chart needs a built-in teacher."
NOTE = (
    "Points of F1 against the teacher on the same sentences, with 95% intervals, over the labelled sentences of the "
    "language in the teacher's training files. A line is a tier's macro mean."
)


@dataclass(frozen=True)
class Payer:
    """One language's data set under a recipe.

    Attributes:
        place: the data set.
        tier: of its language.
        labelled: the teacher's labelled sentences of the language.
        found: by how much the recipe is better than the teacher.
        ours: the recipe's row.
        theirs: the teacher's row.
    """

    place: Place
    tier: Tier
    labelled: Labelled
    found: Difference
    ours: Measurement
    theirs: Measurement


@dataclass(frozen=True)
class Disparity:
    """Who pays for a recipe.

    Attributes:
        recipe: the recipe.
        known: whether the teacher's training files are known.
        payers: one a data set.
        tiers: macro difference over the data sets of each tier, the richest first.
    """

    recipe: str
    known: bool
    payers: tuple[Payer, ...]
    tiers: dict[Tier, Difference]


def disparity(grid: Grid, recipe: str) -> Disparity:
    """Set a recipe's differences beside the teacher's training sentences."""
    payers: list[Payer] = []
    tiers: dict[Tier, Difference] = {}
    for tier, places in grid.by_tier(grid.places(recipe, TEACHER)).items():
        if tier is not None:
            tiers[tier] = grid.difference(recipe, TEACHER, places)
            payers += [_payer(grid, recipe, place, tier) for place in places]
    return Disparity(recipe, bool(grid.labelled) or not grid.rows, tuple(payers), tiers)


def _payer(grid: Grid, recipe: str, place: Place, tier: Tier) -> Payer:
    found = grid.difference(recipe, TEACHER, [place])
    return Payer(place, tier, grid.labelled[place[0]], found, grid.rows[recipe, place], grid.rows[TEACHER, place])


def takeaway(found: Disparity) -> str:
    """What the data say in one line: which tier surely pays, whether it pays most, and what the others pay."""
    if not found.known:
        return UNKNOWN
    if not found.payers:
        return NONE_MEASURED
    order = sorted(found.tiers, key=lambda tier: found.tiers[tier].points)
    sure = [tier for tier in order if found.tiers[tier].high < 0]
    if not sure:
        return f"No tier surely pays for {brief(found.recipe)}: {_said(found, order)}."
    first, others = sure[0], [tier for tier in order if tier is not sure[0]]
    count = sets(sum(payer.tier is first for payer in found.payers))
    paid = f"{change(found.tiers[first])} points, macro over {count}"
    verb = "pay most" if first is order[0] else "surely pay"
    said = f"{brief(found.recipe)}: {first} languages {verb}, {paid}"
    return f"{said}; {_said(found, others)}." if others else f"{said}."


def _said(found: Disparity, tiers: Sequence[Tier]) -> str:
    return ", ".join(f"{tier} {change(found.tiers[tier])}" for tier in tiers)


def scatter(found: Disparity) -> "go.Figure":
    """One marker a data set, coloured by tier, over training sentences on a logarithmic axis, zero-shot at the left."""
    import plotly.graph_objects as go

    if not found.payers:
        return nothing(takeaway(found))
    across = _across(found.payers)
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    for tier in found.tiers:
        pairs = [(x, payer) for x, payer in zip(across, found.payers, strict=True) if payer.tier is tier]
        _add_tier(figure, pairs, found.tiers[tier])
    styled(figure)
    marks = [mark for mark in ticks(_sizes(found.payers)) if mark >= min(_sizes(found.payers)) / 2]
    zero = _zero(found.payers)
    figure.update_xaxes(
        title_text="Labelled training sentences",
        type="log",
        tickvals=[zero, *marks],
        ticktext=["none", *[f"{mark:,.0f}" for mark in marks]],
        range=[log10(min(across)) - 0.15, log10(max(across)) + 0.15],
    )
    figure.update_yaxes(title_text="F1 less the teacher's (points)")
    return figure


def _sizes(payers: Sequence[Payer]) -> list[float]:
    return [float(payer.labelled.available) for payer in payers if payer.labelled.available] or [1000.0]


def _zero(payers: Sequence[Payer]) -> float:
    return min(_sizes(payers)) / 10**BEFORE_LEAST


def _across(payers: Sequence[Payer]) -> list[float]:
    zero = [payer for payer in payers if not payer.labelled.available]
    step = SPREAD / max(len(zero) - 1, 1)
    spread = {payer.place: 10 ** (index * step - SPREAD / 2) for index, payer in enumerate(zero)}
    return [float(payer.labelled.available) or _zero(payers) * spread[payer.place] for payer in payers]


def _add_tier(figure: "go.Figure", pairs: Sequence[tuple[float, Payer]], macro: Difference) -> None:
    tier = pairs[0][1].tier
    colour = COLOURS[tier]
    payers = [payer for _, payer in pairs]
    figure.add_scatter(
        x=[x for x, _ in pairs],
        y=[payer.found.points for payer in payers],
        error_y={
            "type": "data",
            "array": [payer.found.high - payer.found.points for payer in payers],
            "arrayminus": [payer.found.points - payer.found.low for payer in payers],
            "color": faded(colour, 0.55),
            "thickness": 1,
            "width": 0,
        },
        mode="markers+text",
        text=[f" {payer.place[0]}" for payer in payers],
        textposition="middle right",
        textfont={"size": 10},
        marker={"color": colour, "size": 9, "symbol": "circle-open" if tier is Tier.ZERO else "circle"},
        name=str(tier),
        legendgroup=str(tier),
        hovertext=[_hover(payer) for payer in payers],
        hoverinfo="text",
    )
    figure.add_scatter(
        x=[min(x for x, _ in pairs) * 0.9, max(x for x, _ in pairs) * 1.1],
        y=[macro.points] * 2,
        mode="lines",
        line={"color": colour, "width": 2},
        name=f"{tier}, macro",
        legendgroup=str(tier),
        showlegend=False,
        hovertext=[lines([f"{tier}, macro over {sets(len(pairs))}", f"{change(macro)} points"])] * 2,
        hoverinfo="text",
    )


def _hover(payer: Payer) -> str:
    return lines(
        [
            title(payer.place),
            f"{change(payer.found)} points, {probability(payer.found.p)}",
            f"F1 {payer.ours.f1:.1f}%, teacher {payer.theirs.f1:.1f}%",
            f"{payer.labelled.available:,} labelled training sentences, {payer.labelled.seen:,} of them seen",
            str(payer.tier),
            f"{payer.ours.sentences:,} test sentences",
        ]
    )


def records(found: Disparity) -> list[dict[str, Any]]:
    """The figure's data: the tiers' macro means, then one row a data set."""
    return [
        *(_record(found.recipe, f"{tier}, macro", tier, difference) for tier, difference in found.tiers.items()),
        *(
            _record(found.recipe, title(payer.place), payer.tier, payer.found, payer.labelled.available)
            for payer in found.payers
        ),
    ]


def _record(recipe: str, where: str, tier: Tier, found: Difference, sentences: int | str = "") -> dict[str, Any]:
    return {
        "Recipe": recipe,
        "Data set": where,
        "Tier": str(tier),
        "Training sentences": sentences,
        **columns(found),
    }
