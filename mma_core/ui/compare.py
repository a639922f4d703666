"""The Compare tab: accuracy against speed of every recipe that was measured, and a way to measure more."""

import html
from dataclasses import asdict
from typing import Any

import gradio as gr

from .. import builtin, charts, results
from ..charts import ALL_SETS, AXES, SPEEDUP, Series, grid, phrases
from ..languages import LANGUAGES, Tier
from ..results import COLUMNS, Average, Measurement
from . import anatomy, downloads, filters, format, measuring, own_sentences
from .chart import chart
from .notices import laid_out, notices
from .wiring import answering, first, wire

BOTH, SHIPPED, OWN = "both", "precomputed", "yours"
SOURCES = [("Precomputed and yours", BOTH), ("Precomputed", SHIPPED), ("Your own builds", OWN)]
TIER_VIEW = "tier/"
PLOT = "mma-chart"
TABLE = (
    "Recipe",
    "Data set",
    "F1 % [95%]",
    "Retention %",
    "Speed-up ×",
    "Words/s",
    "Latency ms",
    "Size MB",
    "Memory MB",
    "Energy J/1000 words",
    "From",
    "CPU",
    "In full",
)


def read(source: str) -> dict[bool, list[Measurement]]:
    """Rows by origin: under False those shipped, under True the user's own; empty where the filter leaves one out.

    Raises:
        DataError: a table is damaged.
    """
    return {
        False: results.read(results.PRECOMPUTED) if source != OWN else [],
        True: results.read(results.own_path()) if source != SHIPPED else [],
    }


def select(view: str, *choice: str) -> list[list[Series]]:
    """For each origin its groups of comparable rows, the largest first; the arguments are `chosen`'s."""
    whole = ALL_SETS if view.startswith(TIER_VIEW) else view
    groups = [charts.series(rows, own=own, view=whole) for own, rows in chosen(view, *choice).items()]
    return [group for group in groups if group]


def chosen(
    view: str,
    source: str,
    teacher: str,
    work: str = filters.ANY,
    kind: str = filters.ANY,
    machine: str = filters.ANY,
) -> dict[bool, list[Measurement]]:
    """Rows by origin that the filters leave, and of those the ones of a view: of all sets, of a tier's, of one."""

    def passes(row: Measurement) -> bool:
        there = teacher in (filters.ANY, row.teacher) and machine in (filters.ANY, charts.machine(row))
        return there and filters.passes(row.recipe, work, kind)

    found = {own: [row for row in rows if passes(row)] for own, rows in read(source).items()}
    if not view.startswith(TIER_VIEW):
        return {own: [row for row in rows if view in (ALL_SETS, charts.set_key(row))] for own, rows in found.items()}
    return {own: _of_tier(rows, view.removeprefix(TIER_VIEW)) for own, rows in found.items()}


def _of_tier(rows: list[Measurement], wanted: str) -> list[Measurement]:
    return [row for row, tier in zip(rows, tiers(rows), strict=True) if tier == wanted]


def tiers(rows: list[Measurement]) -> list[Tier | None]:
    """Each row's tier by what its teacher could learn from; None where nobody knows."""
    labelled = {teacher: builtin.labelled(teacher) for teacher in {row.teacher for row in rows}}
    return [grid.tier(labelled[row.teacher], row.language) for row in rows]


def all_rows() -> list[Measurement]:
    """Those shipped and the user's own.

    Raises:
        DataError: a table is damaged.
    """
    return [row for part in read(BOTH).values() for row in part]


def views(rows: list[Measurement]) -> list[tuple[str, str]]:
    """Choices of what to look at: the average, that of each tier, then each language's data sets that have rows."""
    found = {(f"{LANGUAGES[row.language].name}, {row.dataset}", charts.set_key(row)) for row in rows}
    there = set(tiers(rows))
    averages = [(f"{tier} languages (average)".capitalize(), f"{TIER_VIEW}{tier}") for tier in Tier if tier in there]
    return [("Shared languages (average)", ALL_SETS), *averages, *sorted(found)]


def axes(rows: list[Measurement]) -> list[tuple[str, str]]:
    """Choices of what F1 is set against: what some of the rows have a value of."""
    known = [(axis.title, axis.name) for axis in AXES.values() if axis.known(rows)]
    return known or [(SPEEDUP.title, SPEEDUP.name)]


def teachers(rows: list[Measurement]) -> list[tuple[str, str]]:
    """Choices of teacher."""
    names = sorted({row.teacher for row in rows})
    return [("Any", filters.ANY), *((name, name) for name in names)]


@notices
def refresh(against: str, *choice: str) -> list[Any]:
    """Read the tables again.

    Args:
        against: the axis that F1 is set against.
        choice: the arguments of `chosen`.

    Returns:
        Takeaway and note as HTML, figure, table rows.
    """
    groups = select(*choice)
    shown = [group[0] for group in groups]
    axis = AXES[against]
    figure = charts.scatter(shown, axis)
    return [headline(charts.takeaway(shown, axis), empty=not shown), note(groups), figure, table(shown)]


def headline(takeaway: str, *, empty: bool) -> str:
    """The takeaway as HTML, one line an origin; without rows the last line is what to do about it."""
    lines = html.escape(takeaway).split("\n")
    if empty:
        lines[-1] = f"<code>{lines[-1]}</code>"
    return f'<p class="mma-takeaway">{"<br>".join(lines)}</p>'


def note(groups: list[list[Series]]) -> str:
    """Which machines the rows come from, as HTML."""
    return format.note(charts.left_out(groups))


def table(shown: list[Series]) -> dict[str, Any]:
    """The table beneath the chart, fastest first: headers and rows."""
    pairs = [(row, one) for one in shown for row in one.rows]
    pairs.sort(key=lambda pair: -pair[0].speedup)
    rows = [_cells(row, one) for row, one in pairs]
    headers = list(rows[0]) if rows else list(TABLE)
    return {"headers": headers, "data": [list(row.values()) for row in rows]}


def _cells(row: charts.Row, one: Series) -> dict[str, Any]:
    energy = row.energy_j_per_1k_words
    values = {
        "Recipe": phrases.brief(row.recipe),
        "Data set": _where(row),
        "F1 % [95%]": format.interval(row),
        "Retention %": round(row.retention, 1),
        "Speed-up ×": round(row.speedup, 2),
        "Words/s": round(row.words_per_s),
        "Latency ms": round(row.latency_ms_p50, 1),
        "Size MB": round(row.size_mb, 1),
        "Memory MB": round(row.peak_rss_mb),
        "Energy J/1000 words": round(energy, 1) if energy else "",
        "From": one.origin,
        "CPU": one.cpu,
        "In full": row.recipe,
    }
    return {name: values[name] for name in TABLE}


def _where(row: charts.Row) -> str:
    if isinstance(row, Average):
        return f"average of {row.sets}"
    return f"{LANGUAGES[row.language].name}, {row.dataset}"


@notices
def csv_file(*choice: str) -> str:
    """Write the rows behind the chart, with every column but the sentences' counts, for download.

    Args:
        choice: the arguments of `chosen`.

    Raises:
        DataError: there are none.
    """
    rows = [asdict(row) for part in chosen(*choice).values() for row in part]
    return downloads.write("measurements", rows, [name for name in COLUMNS if name != "counts"])


@notices
def remeasure(*choice: str) -> list[Any]:
    """Put the recipes that are shown where they can be measured here; the arguments are `select`'s.

    Returns:
        As `measuring.filled`.

    Raises:
        DataError: no recipe is shown that could be measured.
    """
    return measuring.filled([group[0] for group in select(*choice)])


@notices
def choices(against: str, view: str, source: str, *others: str) -> list[Any]:
    """The axes, views, teachers, works, kinds and machines that have rows by now.

    A choice stays where it still exists; the arguments are `refresh`'s.

    Returns:
        An update of each control.

    Raises:
        DataError: a table is damaged.
    """
    rows = all_rows()
    recipes = [row.recipe for row in rows]
    teacher, work, kind, machine = others
    offered = [
        _offer(view, views(rows), ALL_SETS),
        gr.update(value=source),
        _offer(teacher, teachers(rows), filters.ANY, least=3),
        _offer(work, filters.works(recipes), filters.ANY),
        _offer(kind, filters.kinds(recipes), filters.ANY),
        _offer(machine, filters.machines(rows), filters.ANY, least=3),
    ]
    left = [row for part in chosen(*(update["value"] for update in offered)).values() for row in part]
    return [_offer(against, axes(left), SPEEDUP.name), *offered]


def _offer(value: str, offered: list[tuple[str, str]], otherwise: str, *, least: int = 1) -> dict[str, Any]:
    """An update of a control, which is seen where it has so many choices at least."""
    kept = first(value, (key for _, key in offered), otherwise=otherwise)
    return gr.update(choices=offered, value=kept, visible=len(offered) >= least)


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Compare", id="compare") as page:
        controls, again, shown = _page()
        here = measuring.layout()
        own_sentences.layout()
        anatomy.layout()
    again.click(remeasure, controls[1:], here.filled, show_progress="hidden", api_visibility="private").success(
        None, js=measuring.SCROLL, api_visibility="private"
    )
    measured = here.run.click(
        measuring.measure,
        here.inputs,
        here.done,
        api_name="measure",
        concurrency_limit=1,
        concurrency_id="processor",
    )
    wire(page, answering(choices, refresh), controls, shown, measured.success)


def _page() -> tuple[list[Any], gr.Button, list[Any]]:
    found = laid_out(all_rows)
    offered, recipes, places = teachers(found), [row.recipe for row in found], filters.machines(found)
    with gr.Row(elem_id="mma-filters"):
        view = gr.Dropdown(
            views(found), value=ALL_SETS, label="Language and data set", elem_id="mma-view", min_width=280
        )
        source = gr.Dropdown(SOURCES, value=BOTH, label="Measurements", min_width=240)
        teacher = gr.Dropdown(offered, value=filters.ANY, label="Teacher", visible=len(offered) > 2)
        work = gr.Dropdown(filters.works(recipes), value=filters.ANY, label="Work", elem_id="mma-work", min_width=240)
        kind = gr.Dropdown(filters.kinds(recipes), value=filters.ANY, label="Kind", elem_id="mma-kind", min_width=180)
        machine = gr.Dropdown(
            places, value=filters.ANY, label="Machine", elem_id="mma-machine", visible=len(places) > 2, min_width=280
        )
        known = axes(found)
        against = gr.Dropdown(known, value=known[0][1], label="F1 against", elem_id="mma-axis", min_width=240)
    headline_html = gr.HTML()
    plot = chart(PLOT)
    note_html = gr.HTML()
    controls = [view, source, teacher, work, kind, machine]
    downloads.controls(PLOT, "compare", csv_file, controls)
    rows = gr.Dataframe(headers=list(TABLE), interactive=False, elem_id="mma-table", max_height=420, max_chars=56)
    again = gr.Button("Re-measure here", size="sm", elem_id="mma-remeasure")
    return [against, *controls], again, [headline_html, note_html, plot, rows]
