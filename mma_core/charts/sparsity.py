"""What sparsity does to F1 under perturbation, tier by tier: recipes that differ in their share of zeros alone."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bootstrap import bounds
from ..builtin import Labelled
from ..languages import Tier
from ..results import Robustness, comparable
from .by_language import COLOURS as TIER_COLOURS
from .by_language import short
from .grid import tier
from .phrases import between
from .robustness import measured_at
from .speed import TEACHER
from .style import GREY, bars, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

NO_SPARSE = (
    "No sparse recipe was measured under this perturbation yet. Measure some:\n"
    "python -m mma_core robustness onnx sparse:0.5 sparse:0.9 --perturbations {}"
)
DENSE = ("onnx", TEACHER)
_SPARSE = re.compile(r"(?:(.+)\+)?sparse:(0?\.\d+)(,emb)?")
# Less than this of F1 is taken for this, lest a resample that finds nothing be divided by.
LEAST_F1 = 0.1


@dataclass(frozen=True)
class Kept:
    """What the languages of a tier keep of their F1 under a perturbation.

    Attributes:
        recipe: which was measured.
        base: the recipe that was pruned; empty where it is the teacher itself.
        tier: of the languages; None where nobody knows what the teacher saw.
        sparsity: from 0, the dense model, to 1.
        embeddings: whether the word embeddings were pruned too.
        kept: F1 at the greatest strength in percent of the same recipe's without perturbation.
        interval: the ends of its 95% interval; None where a row lacks its counts.
        sets: data sets of the tier.
    """

    recipe: str
    base: str
    tier: Tier | None
    sparsity: float
    embeddings: bool
    kept: float
    interval: tuple[float, float] | None
    sets: int


def kept(found: Sequence[Robustness], labelled: Mapping[str, Labelled]) -> list[Kept]:
    """Retention by tier and sparsity, of one recipe made sparse to several degrees and of the same recipe dense.

    Of all recipes that others prune as their last step it is the one with most of these. The data sets are those that
    the recipes share within a tier, of those that are `results.comparable` there.

    Args:
        found: what `cells` gives.
        labelled: language code → the teacher's labelled sentences; empty where nobody knows.

    Returns:
        By tier, then by sparsity; nothing where no sparse recipe was measured.
    """
    sparse = {row.recipe: match for row in found if (match := _SPARSE.fullmatch(row.recipe))}
    if not sparse:
        return []
    base = _base([match[1] or "" for match in sparse.values()])
    ladder = {recipe: match for recipe, match in sparse.items() if (match[1] or "") == base}
    there = {row.recipe for row in found}
    dense = next((recipe for recipe in ([base] if base else DENSE) if recipe in there), "")
    rows = [row for row in found if row.recipe in ladder or row.recipe == dense]
    made: list[Kept] = []
    for level in TIER_COLOURS:
        shares = _shares([row for row in rows if tier(labelled, row.language) is level], dense)
        climbed = [
            Kept(recipe, base, level, float(match[2]), bool(match[3]), *shares[recipe])
            for recipe, match in ladder.items()
            if recipe in shares
        ]
        variants = {one.embeddings for one in climbed} if dense in shares else ()
        made += [*climbed, *(Kept(dense, base, level, 0.0, pruned, *shares[dense]) for pruned in variants)]
    return sorted(made, key=lambda one: (list(TIER_COLOURS).index(one.tier), one.embeddings, one.sparsity))


def _base(bases: Sequence[str]) -> str:
    """The one that occurs most often; of several the one of fewest steps, then the first by name."""
    return min(bases, key=lambda base: (-bases.count(base), bool(base) + base.count("+"), base))


Share = tuple[float, tuple[float, float] | None, int]


def _shares(rows: Sequence[Robustness], dense: str) -> dict[str, Share]:
    """Retention, its interval and the number of data sets, of the recipes to compare on one tier."""
    strongest = max((row.strength for row in rows), default=0.0)
    there = measured_at(rows, {0.0, strongest})
    climbed = {place for recipe, places in there.items() if recipe != dense for place in places}
    # The dense model may have many more data sets than any sparse one: those would leave the sparse ones out.
    beside = {recipe: climbed.intersection(places) for recipe, places in there.items()}
    recipes, places = comparable({recipe: places for recipe, places in beside.items() if places})
    cells = {(row.recipe, (row.language, row.dataset), row.strength): row for row in rows}
    return {
        recipe: _share([cells[recipe, one, strongest] for one in places], [cells[recipe, one, 0.0] for one in places])
        for recipe in recipes
    }


def _share(under: Sequence[Robustness], plain: Sequence[Robustness]) -> Share:
    """The sum of F1 under the perturbation in percent of that without, its interval, and the number of data sets."""
    whole = sum(row.f1 for row in plain)
    return (100 * sum(row.f1 for row in under) / whole if whole else 0.0), _interval(under, plain), len(plain)


def _interval(under: Sequence[Robustness], plain: Sequence[Robustness]) -> tuple[float, float] | None:
    """By the paired bootstrap: in each resample both are scored on the same sentences."""
    if not all(row.counts for row in (*under, *plain)):
        return None
    above, below = (np.mean([row.resampled[1:] for row in rows], axis=0) for rows in (under, plain))
    return bounds(100 * above / np.maximum(below, LEAST_F1))


def takeaway(shown: Sequence[Kept], perturbation: str) -> str:
    """What sparsity does to each tier in one line: the dense model's retention beside that of the sparsest one."""
    if not shown:
        return NO_SPARSE.format(perturbation)
    sparsest = max(one.sparsity for one in shown)
    said = []
    for level in dict.fromkeys(one.tier for one in shown):
        mine = [one for one in shown if one.tier is level]
        last = max(mine, key=lambda one: one.sparsity)
        was = "" if mine[0].sparsity else f"{mine[0].kept:.0f}% → "
        at = "" if last.sparsity == sparsest else f" (at {last.sparsity:.0%})"
        said.append(f"{_name(level)} {was}{last.kept:.0f}%{at}")
    of = short(shown[0].base) or "the teacher"
    return f"F1 that {of} keeps under the perturbation, dense → {sparsest:.0%} sparse: {', '.join(said)}."


def _name(level: Tier | None) -> str:
    return level or "tier not known"


def lines(shown: Sequence[Kept]) -> "go.Figure":
    """Retention against sparsity with 95% intervals: a line a tier, dashed where word embeddings were pruned too."""
    import plotly.graph_objects as go

    if not shown:
        return nothing("No sparse recipes yet")
    figure = go.Figure()
    for level, embeddings in dict.fromkeys((one.tier, one.embeddings) for one in shown):
        mine = [one for one in shown if (one.tier, one.embeddings) == (level, embeddings)]
        shares, ends = [one.kept for one in mine], [one.interval or (one.kept, one.kept) for one in mine]
        figure.add_scatter(
            x=[one.sparsity for one in mine],
            y=shares,
            error_y=bars(shares, ends, TIER_COLOURS[level]),
            mode="lines+markers",
            line={"color": TIER_COLOURS[level], "width": 2, "dash": "dash" if embeddings else "solid"},
            marker={"size": 8},
            name=f"{_name(level)}{', embeddings too' if embeddings else ''}",
            hovertext=[hover(one) for one in mine],
            hoverinfo="text",
        )
    styled(figure)
    figure.add_hline(y=100, line={"color": GREY, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text="Sparsity", tickformat=".0%", range=[-0.03, 1.0])
    figure.update_yaxes(title_text="F1 kept under the perturbation (%)", rangemode="tozero")
    return figure.update_layout(height=400, showlegend=True, hovermode="closest")


def hover(one: Kept) -> str:
    """All that is known of a point, one fact a line; as the little HTML that hover boxes take."""
    facts = [
        f"<b>{html.escape(short(one.recipe))}</b>, {_name(one.tier)}",
        f"{one.sparsity:.0%} sparse" if one.sparsity else "dense",
        f"keeps {one.kept:.1f}% of its F1{_interval_told(one)}",
        f"{one.sets} data set{'s' if one.sets > 1 else ''}",
    ]
    return "<br>".join(facts)


def records(shown: Sequence[Kept]) -> list[dict[str, Any]]:
    """The figure's data, one row a point."""
    return [
        {
            "Recipe": one.recipe,
            "Pruned from": one.base or TEACHER,
            "Tier": one.tier or "",
            "Sparsity": one.sparsity,
            "Embeddings too": "yes" if one.embeddings else "no",
            "F1 kept %": round(one.kept, 2),
            "95% from": round(one.interval[0], 2) if one.interval else "",
            "95% to": round(one.interval[1], 2) if one.interval else "",
            "Data sets": one.sets,
        }
        for one in shown
    ]


def _interval_told(one: Kept) -> str:
    return f", 95% interval {between(*one.interval)}" if one.interval else ""
