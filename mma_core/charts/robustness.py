"""F1 under perturbation: a curve a recipe by strength."""

import html
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import attrgetter
from typing import TYPE_CHECKING

from ..languages import LANGUAGES
from ..results import UNPERTURBED, Place, Robustness, comparable
from .by_language import short, signed
from .speed import ALL_SETS, COLOURS
from .style import nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

EMPTY = (
    "No measurements of this perturbation yet. Make some:\npython -m mma_core robustness int8 onnx --perturbations {}"
)
INCOMPLETE = "No recipe was measured at all these strengths on any of these data sets."
_PALETTE = [colour for name, colour in COLOURS.items() if name not in ("teacher, export", "other")]
_DASHES = ("solid", "dash", "dot")
BAND = 0.15
COSTLIEST = 2


@dataclass(frozen=True)
class Point:
    """F1 at one strength: the mean over data sets in percent, with its 95% interval.

    Attributes:
        strength: from 0 to 1.
        f1: the mean.
        low: lower end of the interval, as the data sets' own intervals make it if they err independently.
        high: upper end.
        changed: sentences that changed, in percent, the mean over data sets.
        sets: data sets.
        sentences: all their sentences.
    """

    strength: float
    f1: float
    low: float
    high: float
    changed: float
    sets: int
    sentences: int


@dataclass(frozen=True)
class Curve:
    """A recipe's points by rising strength; the first is of text as it is."""

    recipe: str
    points: tuple[Point, ...]

    @property
    def kept(self) -> float:
        """F1 at the greatest strength, in percent of that at none."""
        return self._of_plain(self.points[-1].f1)

    @property
    def kept_between(self) -> tuple[float, float]:
        """The ends of its 95% interval, as that of F1 at the greatest strength makes them."""
        return self._of_plain(self.points[-1].low), self._of_plain(self.points[-1].high)

    def _of_plain(self, f1: float) -> float:
        first = self.points[0].f1
        return 100 * f1 / first if first else 0.0


def place_key(row: Robustness) -> str:
    """What a view shows together: a language's data set."""
    return f"{row.language}/{row.dataset}"


def cells(rows: Iterable[Robustness], *, teacher: str, perturbation: str, view: str = ALL_SETS) -> list[Robustness]:
    """The rows of a teacher's recipes under a perturbation and without it, the newest of what was measured twice.

    Under the perturbation only rows count that are of the same sentences, weights, processor and build as the one
    without it.

    Args:
        rows: of any teacher and perturbation.
        teacher: whose recipes.
        perturbation: its name.
        view: `ALL_SETS`, or a data set's key.
    """
    mine = [
        row
        for row in sorted(rows, key=attrgetter("date"))
        if row.teacher == teacher
        and row.perturbation in (perturbation, UNPERTURBED)
        and view in (ALL_SETS, place_key(row))
    ]
    plain = {_measured(row): _sample(row) for row in mine if row.perturbation == UNPERTURBED}
    alike = [row for row in mine if plain.get(_measured(row)) == _sample(row)]
    newest = {(_measured(row), row.strength): row for row in alike}
    under = {measured for measured, strength in newest if strength}
    return [row for (measured, _), row in newest.items() if measured in under]


def _measured(row: Robustness) -> tuple[str, Place]:
    return row.recipe, (row.language, row.dataset)


def _sample(row: Robustness) -> tuple[int, int, str, str, str, int]:
    return row.sentences, row.seed, row.weights, row.budget, row.cpu, row.revision


def measured_at(rows: Iterable[Robustness], strengths: Collection[float]) -> dict[str, list[Place]]:
    """The data sets on which each recipe has every one of these strengths; recipes without any are absent."""
    there: dict[tuple[str, Place], set[float]] = {}
    for row in rows:
        there.setdefault(_measured(row), set()).add(row.strength)
    found: dict[str, list[Place]] = {}
    for (recipe, place), known in there.items():
        if known.issuperset(strengths):
            found.setdefault(recipe, []).append(place)
    return found


def curves(found: Sequence[Robustness]) -> list[Curve]:
    """One curve a recipe, the sturdiest first, of those that are `results.comparable`, over the data sets they share.

    A data set is a recipe's if all strengths were measured on it.

    Args:
        found: what `cells` gives.
    """
    shared = _shared(found)
    strengths = sorted({row.strength for row in shared})
    made = [
        Curve(recipe, tuple(_point([r for r in shared if (r.recipe, r.strength) == (recipe, s)]) for s in strengths))
        for recipe in dict.fromkeys(row.recipe for row in shared)
    ]
    return sorted(made, key=lambda curve: -curve.kept)


def _shared(found: Sequence[Robustness]) -> list[Robustness]:
    """The rows of the recipes to compare, on the data sets that these share."""
    recipes, places = comparable(measured_at(found, {row.strength for row in found}))
    return [row for row in found if row.recipe in recipes and (row.language, row.dataset) in places]


def _point(rows: Sequence[Robustness]) -> Point:
    count = len(rows)
    f1 = sum(row.f1 for row in rows) / count
    return Point(
        strength=rows[0].strength,
        f1=f1,
        low=f1 - sqrt(sum((row.f1 - row.f1_low) ** 2 for row in rows)) / count,
        high=f1 + sqrt(sum((row.f1_high - row.f1) ** 2 for row in rows)) / count,
        changed=sum(row.changed for row in rows) / count,
        sets=count,
        sentences=sum(row.sentences for row in rows),
    )


def takeaway(found: Sequence[Robustness], perturbation: str) -> str:
    """What the data say in one line: what the sturdiest and the weakest recipe keep, and which languages pay most."""
    shown = curves(found)
    if not shown:
        return INCOMPLETE if found else EMPTY.format(perturbation)
    best, worst = shown[0], shown[-1]
    last = best.points[-1]
    said = f"At {last.strength:.0%}, {_kept(best)}"
    if worst is not best:
        apart = best.kept_between[0] > worst.kept_between[1]
        said += f"; {_kept(worst)}{'' if apart else ', with overlapping intervals'}"
    said += f" ({last.sets} data set{'s' if last.sets > 1 else ''})."
    return f"{said}{_payers(_shared(found), best.recipe)}{_absent(len({row.recipe for row in found}) - len(shown))}"


def _kept(curve: Curve) -> str:
    first, last = curve.points[0].f1, curve.points[-1].f1
    return f"{short(curve.recipe)} keeps {curve.kept:.0f}% of its F1 ({first:.1f} → {last:.1f})"


def _payers(found: Sequence[Robustness], recipe: str) -> str:
    strongest = max(row.strength for row in found)
    rows = sorted((r for r in found if (r.recipe, r.strength) == (recipe, strongest)), key=attrgetter("change"))
    paying = [row for row in rows if row.change < 0][:COSTLIEST]
    if len(rows) < 2 or not paying:
        return ""
    names = [f"{LANGUAGES[row.language].name} ({signed(row.change)})" for row in paying]
    return f" {short(recipe)} loses most in {' and '.join(names)}."


def _absent(count: int) -> str:
    """What is said of the recipes that were measured on too few of the data sets to have a curve."""
    if not count:
        return ""
    recipes = "1 recipe is" if count == 1 else f"{count} recipes are"
    return f" {recipes} left out, measured on too few of the data sets."


def lines(shown: Sequence[Curve]) -> "go.Figure":
    """F1 by strength: a line a recipe, its 95% interval as a band."""
    import plotly.graph_objects as go

    if not shown:
        return nothing("Nothing to draw yet")
    figure = go.Figure()
    for number, curve in enumerate(shown):
        _add(figure, curve, colour=_PALETTE[number % len(_PALETTE)], dash=_DASHES[number // len(_PALETTE) % 3])
    styled(figure)
    strengths = [point.strength for point in shown[0].points]
    figure.update_xaxes(title_text="Strength: share of what can change", tickvals=strengths, tickformat=".0%")
    figure.update_yaxes(title_text="F1 (%)", rangemode="tozero")
    return figure.update_layout(height=440, showlegend=True, hovermode="closest")


def _add(figure: "go.Figure", curve: Curve, *, colour: str, dash: str) -> None:
    strengths = [point.strength for point in curve.points]
    figure.add_scatter(
        x=[*strengths, *reversed(strengths)],
        y=[*(point.high for point in curve.points), *(point.low for point in reversed(curve.points))],
        fill="toself",
        fillcolor=colour.replace("rgb(", "rgba(").replace(")", f", {BAND})"),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        legendgroup=curve.recipe,
        showlegend=False,
    )
    figure.add_scatter(
        x=strengths,
        y=[point.f1 for point in curve.points],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"color": colour, "size": 8},
        name=html.escape(short(curve.recipe)),
        legendgroup=curve.recipe,
        hovertext=[hover(curve, point) for point in curve.points],
        hoverinfo="text",
    )


def hover(curve: Curve, point: Point) -> str:
    """All that is known of a point, one fact a line; as the little HTML that hover boxes take."""
    facts = [
        f"<b>{html.escape(short(curve.recipe))}</b>, strength {point.strength:.0%}",
        f"F1 {point.f1:.1f}%, 95% interval {point.low:.1f} to {point.high:.1f}",
        f"{signed(point.f1 - curve.points[0].f1)} against the text as it is",
        f"{point.changed:.0f}% of the sentences changed",
        f"{point.sentences:,} sentences of {point.sets} data set{'s' if point.sets > 1 else ''}",
    ]
    return "<br>".join(facts)
