"""Accuracy against speed: every recipe of a view, its frontier, and what they say in one line."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import Kind, parse
from ..results import COLUMNS, Average, Measurement, averages, frontier
from .style import GREY, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

TEACHER = "teacher"
NEARLY = 0.99
ALL_SETS = "all"
EMPTY = "No measurements yet. Make some here below, or run\npython -m mma_core bench int8 --languages de,en"

# Each colour has at least 3 : 1 against white and against the dark background.
COLOURS = {
    "teacher, export": GREY,
    "student": "rgb(47, 128, 190)",
    "prune": "rgb(190, 84, 150)",
    "vocabulary": "rgb(38, 145, 104)",
    "precision": "rgb(201, 116, 28)",
    "combination": "rgb(134, 106, 205)",
    "other": "rgb(150, 110, 90)",
}
KINDS = dict(zip(Kind, COLOURS, strict=False))
OUTLINE = {"width": 1, "color": "white"}
DETAILS = ("latency_ms_p50", "latency_ms_p95", "peak_rss_mb", "sentences", "threads")
CHARACTERS_ACROSS = 110
SLOWEST = 0.01
MARKS = {False: "●", True: "◆"}
SYMBOLS = {False: "circle", True: "diamond"}
TICKS = (0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)

Row = Measurement | Average


@dataclass(frozen=True)
class Series:
    """Rows that may be compared with each other: of one origin, CPU and teacher.

    Attributes:
        own: measured here by the user, not shipped.
        cpu: where.
        teacher: whose compression.
        rows: one a recipe.
    """

    own: bool
    cpu: str
    teacher: str
    rows: tuple[Row, ...]

    @property
    def origin(self) -> str:
        """`precomputed` or `yours`."""
        return "yours" if self.own else "precomputed"

    @property
    def teacher_row(self) -> Row | None:
        """The baseline's own row, if it was measured."""
        return next((row for row in self.rows if row.recipe == TEACHER), None)


def set_key(row: Measurement) -> str:
    """What a view shows together: a language's data set."""
    return f"{row.language}/{row.dataset}"


def series(rows: Sequence[Measurement], *, own: bool, view: str) -> list[Series]:
    """Group rows by CPU and teacher, the largest group first.

    Args:
        rows: of one origin.
        own: that origin.
        view: `ALL_SETS` for the average over data sets, else a data set's key.
    """
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for row in rows:
        if view in (ALL_SETS, set_key(row)):
            groups.setdefault((row.cpu, row.teacher), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    made = [
        Series(own, cpu, teacher, tuple(averages(group) if view == ALL_SETS else group))
        for (cpu, teacher), group in ordered
    ]
    return [one for one in made if one.rows]


def kind_of(recipe: str) -> str:
    """The colour group of a recipe: its step's kind, or `combination`."""
    try:
        steps = parse(recipe).steps
    except RecipeError:
        return "other"
    return KINDS[steps[0].kind] if len(steps) == 1 else "combination"


def takeaway(shown: Sequence[Series]) -> str:
    """What the data say in one line, for each origin: the fastest recipe near the teacher's F1, and the fastest."""
    if not shown:
        return EMPTY
    return "\n".join(f"{one.origin.capitalize()}: {_takeaway(one)}" for one in shown)


def _takeaway(one: Series) -> str:
    rows = [row for row in one.rows if row.recipe != TEACHER]
    if not rows:
        return "only the teacher so far."
    fastest = max(rows, key=lambda row: row.speedup)
    best = max((row for row in rows if row.retention >= 100 * NEARLY), key=lambda row: row.speedup, default=None)
    closest = max(rows, key=lambda row: row.retention)
    near = (
        f"fastest within 1% of the teacher's F1 is {_gain(best)}"
        if best
        else f"closest to the teacher is {_gain(closest)}"
    )
    return f"{near}." if fastest is (best or closest) else f"{near}; fastest of all is {_gain(fastest)}."


def _gain(row: Row) -> str:
    return f"{row.recipe} ({row.speedup:.1f}×, {row.retention:.1f}% of F1)"


def scatter(shown: Sequence[Series]) -> "go.Figure":
    """Accuracy against speed: one marker a recipe, the frontier as a line, each teacher as a star."""
    import plotly.graph_objects as go

    if not shown:
        return nothing(EMPTY)
    figure = go.Figure()
    for one in shown:
        _add_frontier(figure, one, of_many=len(shown) > 1)
    for one in shown:
        _add_markers(figure, one)
        _add_teacher(figure, one)
    figure.update_xaxes(title_text="Speed-up (× the teacher)", type="log", ticksuffix="×")
    figure.update_xaxes(tickvals=TICKS, ticktext=[f"{tick:g}" for tick in TICKS], range=_log_range(shown))
    figure.update_yaxes(title_text="F1 (%)")
    return styled(figure)


def _log_range(shown: Sequence[Series]) -> list[float]:
    speeds = [row.speedup for one in shown for row in one.rows] + [1.0]
    low, high = log10(max(min(speeds), SLOWEST)), log10(max(speeds))
    fastest = max((row for one in shown for row in one.rows), key=lambda row: row.speedup)
    margin = max(0.06, 0.06 * (high - low))
    return [low - margin, high + max(margin, _width(fastest.recipe, high - low))]


def _add_frontier(figure: "go.Figure", one: Series, *, of_many: bool) -> None:
    best = [one.rows[index] for index in frontier([(row.speedup, row.f1) for row in one.rows])]
    figure.add_scatter(
        x=[row.speedup for row in best],
        y=[row.f1 for row in best],
        text=_names(best),
        textposition="top right",
        textfont={"size": 11},
        mode="lines+text",
        line={"color": GREY, "width": 1.5, "dash": "dot" if one.own else "solid"},
        name=f"frontier, {one.origin} ({MARKS[one.own]})" if of_many else "Pareto frontier",
        hoverinfo="skip",
    )


def _names(best: Sequence[Row]) -> list[str]:
    """Names to print above and right of the points, where a frontier leaves room.

    Args:
        best: the frontier's rows, by rising speed.

    Returns:
        One name a row; empty where it would run into the next.
    """
    places = [log10(max(row.speedup, SLOWEST)) for row in best]
    names, free = [], float("inf")
    for row, place in zip(reversed(best), reversed(places), strict=True):
        fits = row.recipe != TEACHER and place + _width(row.recipe, places[-1] - places[0]) < free
        names.append(f" {row.recipe}" if fits else "")
        free = place if fits or row.recipe == TEACHER else free
    return names[::-1]


def _width(name: str, across: float) -> float:
    """Room for a name, in units of log10, on an axis of that length."""
    return (len(name) + 2) * max(across, 0.5) / CHARACTERS_ACROSS


def _add_markers(figure: "go.Figure", one: Series) -> None:
    listed = {trace.name for trace in figure.data}
    for kind, colour in COLOURS.items():
        rows = [row for row in one.rows if kind_of(row.recipe) == kind and row.recipe != TEACHER]
        if rows:
            figure.add_scatter(
                x=[row.speedup for row in rows],
                y=[row.f1 for row in rows],
                error_y=_intervals(rows, colour),
                mode="markers",
                marker={"color": colour, "size": 11, "symbol": SYMBOLS[one.own], "line": OUTLINE},
                name=kind,
                legendgroup=kind,
                showlegend=kind not in listed,
                hovertext=[hover(row, one) for row in rows],
                hoverinfo="text",
            )


def _intervals(rows: Sequence[Row], colour: str) -> dict[str, Any] | None:
    measured = [row for row in rows if isinstance(row, Measurement)]
    if len(measured) < len(rows):
        return None
    return {
        "type": "data",
        "array": [row.f1_high - row.f1 for row in measured],
        "arrayminus": [row.f1 - row.f1_low for row in measured],
        "color": colour,
        "thickness": 1,
        "width": 3,
    }


def _add_teacher(figure: "go.Figure", one: Series) -> None:
    row = one.teacher_row
    if row is None:
        return
    figure.add_scatter(
        x=[row.speedup],
        y=[row.f1],
        mode="markers",
        marker={"color": GREY, "size": 16, "symbol": "star-diamond" if one.own else "star"},
        name=f"teacher {one.teacher}, {one.origin}",
        hovertext=[hover(row, one)],
        hoverinfo="text",
    )
    figure.add_hline(
        y=NEARLY * row.f1,
        line={"color": GREY, "width": 1, "dash": "dash"},
        annotation={"text": f"99% of the teacher, {one.origin}", "font": {"size": 10}},
        annotation_position="bottom right",
    )


def hover(row: Row, one: Series) -> str:
    """All that is known of a point, one fact a line; as the little HTML that hover boxes take."""
    facts = [f"<b>{html.escape(row.recipe)}</b> ({one.origin})", f"F1 {row.f1:.1f}%", f"Retention {row.retention:.1f}%"]
    if isinstance(row, Measurement):
        facts[1] += f", 95% interval {row.f1_low:.1f} to {row.f1_high:.1f}"
        facts += [_fact(row, name) for name in DETAILS]
    else:
        facts.append(f"Average of {row.sets} data sets")
    facts += [f"Speed-up {row.speedup:.2f}×", _fact(row, "words_per_s"), _fact(row, "size_mb")]
    return "<br>".join([*facts, f"CPU {html.escape(one.cpu)}"])


def _fact(row: Row, name: str) -> str:
    return f"{COLUMNS[name]['label']} {getattr(row, name):,.4g} {COLUMNS[name]['unit']}".rstrip()


def left_out(groups: Iterable[Sequence[Series]]) -> str:
    """Name the CPUs and teachers whose rows are not shown, and say when what is shown comes from two CPUs."""
    kept = list(groups)
    shown = [group[0] for group in kept if group]
    hidden = [f"{one.teacher} on {one.cpu} ({one.origin}, {len(one.rows)} rows)" for group in kept for one in group[1:]]
    said = []
    if shown:
        said.append("Measured on " + "; ".join(f"{one.cpu} ({one.origin})" for one in shown) + ".")
    if len({one.cpu for one in shown}) > 1:
        said.append("These are different CPUs: compare speeds only between markers of one shape.")
    if hidden:
        said.append("Not shown, because another CPU or teacher has more rows: " + "; ".join(hidden) + ".")
    return " ".join(said)
