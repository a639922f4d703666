"""Accuracy against speed or a cost: every recipe of a view, its frontier, and what they say in one line."""

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import results
from ..errors import RecipeError
from ..recipe import Kind, parse
from ..results import COLUMNS, Average, Measurement, averages, frontier
from .axes import SPEEDUP, Axis, Row, ticks
from .naming import SIDES, names, reach
from .phrases import brief, sets
from .style import BLUE, BROWN, GREEN, GREY, ORANGE, PINK, VIOLET, bars, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

TEACHER = results.TEACHER
NEARLY = 0.99
# Lines below the teacher, as MLPerf draws them; so near each other that one label serves both.
NEAR_LINES = (0.999, NEARLY)
NEAR_LABEL = "99% and 99.9% of the teacher"
ALL_SETS = "all"
EMPTY = "No measurements yet. Make some here below, or run\npython -m mma_core bench int8 --languages de,en"
UNKNOWN = "Nothing here has this value: energy, for one, is not known on every machine."

COLOURS = {
    "teacher, export": GREY,
    "student": BLUE,
    "prune": PINK,
    "vocabulary": GREEN,
    "precision": ORANGE,
    "combination": VIOLET,
    "other": BROWN,
}
KINDS = dict(zip(Kind, COLOURS, strict=False))
OUTLINE = {"width": 1, "color": "white"}
DETAILS = ("latency_ms_p95", "cold_start_s", "model_share", "sentences", "threads")
COSTS = ("words_per_s", "latency_ms_p50", "size_mb", "peak_rss_mb")
MARKS = {False: "●", True: "◆"}
SYMBOLS = {False: "circle", True: "diamond"}
DIFFER = "Machines or threads differ: compare speeds only between markers of one shape."


@dataclass(frozen=True)
class Series:
    """Rows that may be compared with each other: of one origin, CPU, number of threads and teacher.

    Attributes:
        own: measured here by the user, not shipped.
        cpu: where, and on how many threads.
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


def machine(row: Measurement) -> str:
    """Where a row was measured: the processor, and how many threads."""
    return f"{row.cpu}, {'1 thread' if row.threads == 1 else f'{row.threads} threads'}"


def brief_machines(machines: Iterable[str]) -> dict[str, str]:
    """Each machine's name without its instruction sets; in full where two would be named alike."""
    parts = {name: name.rsplit(", ", 2) for name in machines}
    brief = {name: ", ".join([part[0], *part[1:][-1:]]) for name, part in parts.items()}
    often = Counter(brief.values())
    return {name: name if often[short] > 1 else short for name, short in brief.items()}


def series(rows: Sequence[Measurement], *, own: bool, view: str) -> list[Series]:
    """Group rows by CPU, threads and teacher, the largest group first.

    Args:
        rows: of one origin.
        own: that origin.
        view: `ALL_SETS` for the average over data sets, else a data set's key.
    """
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for row in rows:
        if view in (ALL_SETS, set_key(row)):
            groups.setdefault((machine(row), row.teacher), []).append(row)
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


def best(one: Series, axis: Axis) -> list[tuple[Row, float]]:
    """The rows of the frontier of F1 against an axis, from the worst on that axis to the best, with their values."""
    known = axis.known(one.rows)
    return [known[index] for index in frontier([(axis.merit(value), row.f1) for row, value in known])]


def takeaway(shown: Sequence[Series], axis: Axis = SPEEDUP) -> str:
    """What the data say in one line, for each origin: the best recipe near the teacher's F1, and the best of all."""
    if not shown:
        return EMPTY
    return "\n".join(f"{one.origin.capitalize()}: {_takeaway(one, axis)}" for one in shown)


def _takeaway(one: Series, axis: Axis) -> str:
    known = [(row, axis.merit(value)) for row, value in axis.known(one.rows) if row.recipe != TEACHER]
    if not known:
        return "only the teacher so far." if len(one.rows) == 1 and one.teacher_row else UNKNOWN
    first = max(known, key=lambda pair: pair[1])[0]
    near = max((pair for pair in known if pair[0].retention >= 100 * NEARLY), key=lambda pair: pair[1], default=None)
    closest = near[0] if near else max(known, key=lambda pair: pair[0].retention)[0]
    what = f"{axis.best} within 1% of the teacher's F1 is" if near else "closest to the teacher is"
    said = f"{what} {_gain(closest, axis)}"
    return f"{said}." if first is closest else f"{said}; {axis.best} of all is {_gain(first, axis)}."


def _gain(row: Row, axis: Axis) -> str:
    return f"{brief(row.recipe)} ({axis.text(getattr(row, axis.name))}, {row.retention:.1f}% of F1)"


def scatter(shown: Sequence[Series], axis: Axis = SPEEDUP) -> "go.Figure":
    """F1 against an axis: a marker a recipe, the frontier as a line, each teacher as a star.

    Vertical bars are 95% intervals of F1, horizontal ones what most rounds' speed-ups lie within.
    """
    import plotly.graph_objects as go

    values = [value for one in shown for _, value in axis.known(one.rows)]
    if not values:
        return nothing(UNKNOWN if shown else EMPTY)
    figure = go.Figure()
    for one in shown:
        _add_frontier(figure, one, axis=axis, shown=shown)
    for one in shown:
        _add_markers(figure, one, axis)
        _add_teacher(figure, one, axis)
    marks = ticks(values)
    # In the figure itself, so that a downloaded picture says it too.
    title = f"{axis.title}<br><sup>{DIFFER}</sup>" if _differ(shown) else axis.title
    figure.update_xaxes(title_text=title, type="log", ticksuffix="×" if axis.gain else "")
    figure.update_xaxes(
        tickvals=marks, ticktext=[f"{mark:,g}" for mark in marks], range=reach(_placed(shown, axis), axis)
    )
    figure.update_yaxes(title_text="F1 (%)")
    return styled(figure)


def _placed(shown: Sequence[Series], axis: Axis) -> list[tuple[str, float]]:
    """Every recipe with its value; the teacher, to which all gains compare, is on the axis of a gain in any case."""
    found = [(row.recipe, value) for one in shown for row, value in axis.known(one.rows)]
    return [*found, (TEACHER, 1.0)] if axis.gain else found


def _add_frontier(figure: "go.Figure", one: Series, *, axis: Axis, shown: Sequence[Series]) -> None:
    unbeaten = best(one, axis)
    figure.add_scatter(
        x=[value for _, value in unbeaten],
        y=[row.f1 for row, _ in unbeaten],
        text=names(unbeaten, axis, beside=[row for other in shown for row in other.rows], silent=TEACHER),
        textposition=SIDES[axis.gain],
        textfont={"size": 11},
        mode="lines+text",
        line={"color": GREY, "width": 1.5, "dash": "dot" if one.own else "solid"},
        name=f"frontier, {one.origin} ({MARKS[one.own]})" if len(shown) > 1 else "Pareto frontier",
        hoverinfo="skip",
    )


def _add_markers(figure: "go.Figure", one: Series, axis: Axis) -> None:
    listed = {trace.name for trace in figure.data}
    known = [pair for pair in axis.known(one.rows) if pair[0].recipe != TEACHER]
    for kind, colour in COLOURS.items():
        pairs = [(row, value) for row, value in known if kind_of(row.recipe) == kind]
        if pairs:
            figure.add_scatter(
                x=[value for _, value in pairs],
                y=[row.f1 for row, _ in pairs],
                error_y=_intervals([row for row, _ in pairs], colour),
                error_x=_rounds([row for row, _ in pairs], colour) if axis is SPEEDUP else None,
                mode="markers",
                marker={"color": colour, "size": 11, "symbol": SYMBOLS[one.own], "line": OUTLINE},
                name=kind,
                legendgroup=kind,
                showlegend=kind not in listed,
                hovertext=[hover(row, one) for row, _ in pairs],
                hoverinfo="text",
            )


def _intervals(rows: Sequence[Row], colour: str) -> dict[str, Any]:
    return bars([row.f1 for row in rows], [(row.f1_low, row.f1_high) for row in rows], colour)


def _rounds(rows: Sequence[Row], colour: str) -> dict[str, Any]:
    return bars([row.speedup for row in rows], [(row.speedup_low, row.speedup_high) for row in rows], colour)


def _add_teacher(figure: "go.Figure", one: Series, axis: Axis) -> None:
    for row, value in axis.known(row for row in one.rows if row.recipe == TEACHER):
        figure.add_scatter(
            x=[value],
            y=[row.f1],
            error_y=_intervals([row], GREY),
            mode="markers",
            marker={"color": GREY, "size": 16, "symbol": "star-diamond" if one.own else "star"},
            name=f"teacher {one.teacher}, {one.origin}",
            hovertext=[hover(row, one)],
            hoverinfo="text",
        )
        near_lines(figure, row.f1, f"{NEAR_LABEL}, {one.origin}", left=axis.gain != one.own)


def near_lines(figure: "go.Figure", whole: float, label: str, *, left: bool) -> None:
    """Draw the lines at 99% and 99.9% of the teacher.

    Args:
        figure: where.
        whole: the teacher's value.
        label: of both lines.
        left: whether it stands at the left end, not the right.
    """
    for share in NEAR_LINES:
        figure.add_hline(
            y=share * whole, line={"color": GREY, "width": 1, "dash": "dash" if share == NEARLY else "dot"}
        )
    figure.add_annotation(
        text=label,
        font={"size": 10},
        showarrow=False,
        x=0 if left else 1,
        xref="paper",
        xanchor="left" if left else "right",
        y=NEARLY * whole,
        yanchor="top",
    )


def hover(row: Row, one: Series) -> str:
    """All that is known of a point, one fact a line; as the little HTML that hover boxes take."""
    facts = [
        f"<b>{html.escape(brief(row.recipe))}</b> ({one.origin})",
        f"F1 {row.f1:.1f}%, 95% interval {row.f1_low:.1f} to {row.f1_high:.1f}",
        f"Retention {row.retention:.1f}%",
        _speedup(row),
        *[_fact(row, name) for name in COSTS],
        _energy(row),
        *_details(row),
    ]
    return "<br>".join([*(fact for fact in facts if fact), f"CPU {html.escape(one.cpu)}"])


def _details(row: Row) -> list[str]:
    if isinstance(row, Average):
        return [f"Average of {row.sets} data sets"]
    return [_fact(row, name) for name in DETAILS]


def _speedup(row: Row) -> str:
    return f"Speed-up {row.speedup:.2f}×, rounds {row.speedup_low:.2f} to {row.speedup_high:.2f}"


def _energy(row: Row) -> str:
    """Nothing where the work was too short to tell."""
    fact = _fact(row, "energy_j_per_1k_words")
    return f"{fact}, {html.escape(row.energy_source)}" if row.energy_j_per_1k_words else ""


def _fact(row: Row, name: str) -> str:
    return f"{COLUMNS[name]['label']} {getattr(row, name):,.4g} {COLUMNS[name]['unit']}".rstrip()


def left_out(groups: Iterable[Sequence[Series]]) -> str:
    """Name the machines and teachers whose rows are not shown, and say when what is shown is of two machines."""
    kept = list(groups)
    named = brief_machines({one.cpu for group in kept for one in group})
    shown = [group[0] for group in kept if group]
    hidden = [
        f"{one.teacher} on {named[one.cpu]} ({one.origin}, {len(one.rows)} rows)" for group in kept for one in group[1:]
    ]
    said = []
    if shown:
        places = [f"{named[one.cpu]} ({one.origin}{_over(one)})" for one in shown]
        said.append(f"Measured on {'; '.join(places)}.")
    if _differ(shown):
        said.append(DIFFER)
    if hidden:
        said.append("Not shown, because another CPU or teacher has more rows: " + "; ".join(hidden) + ".")
    return " ".join(said)


def _differ(shown: Sequence[Series]) -> bool:
    return len({one.cpu for one in shown}) > 1


def _over(one: Series) -> str:
    first = one.rows[0]
    if not isinstance(first, Average):
        return ""
    return f", over {sets(first.sets)}{' that all of these share' if first.sets > 1 else ''}"
