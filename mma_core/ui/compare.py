"""The Compare tab: accuracy against speed of every recipe that was measured, and a way to measure more."""

import csv
import html
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from .. import charts, results
from ..charts import ALL_SETS, Series
from ..data import samples
from ..errors import DataError, RecipeError
from ..languages import LANGUAGES
from ..recipe import Recipe, parse
from ..results import COLUMNS, Average, Measurement
from . import anatomy, format
from .notices import notices
from .tag import CLICK_DOWNLOAD

BOTH, SHIPPED, OWN = "both", "precomputed", "yours"
SOURCES = [("Precomputed and your own", BOTH), ("Precomputed", SHIPPED), ("Your own builds", OWN)]
ANY_TEACHER = "any"
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
    "From",
    "CPU",
)
MOST_RECIPES = 8
ABOUT_MEASURING = (
    "Accuracy and speed on the built-in sample sentences, beside the teacher, on this machine. "
    "A recipe that was never built is built first."
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


def select(view: str, source: str, teacher: str) -> list[list[Series]]:
    """For each origin its groups of comparable rows, the largest first."""
    found = {own: [row for row in rows if teacher in (ANY_TEACHER, row.teacher)] for own, rows in read(source).items()}
    groups = [charts.series(rows, own=own, view=view) for own, rows in found.items()]
    return [group for group in groups if group]


def views() -> list[tuple[str, str]]:
    """Choices of what to look at: the average, then each language's data sets that have rows."""
    rows = [row for part in read(BOTH).values() for row in part]
    found = {(f"{LANGUAGES[row.language].name}, {row.dataset}", charts.set_key(row)) for row in rows}
    return [("All languages (average)", ALL_SETS), *sorted(found)]


def teachers() -> list[tuple[str, str]]:
    """Choices of teacher."""
    names = sorted({row.teacher for part in read(BOTH).values() for row in part})
    return [("Any", ANY_TEACHER), *((name, name) for name in names)]


@notices
def refresh(view: str, source: str, teacher: str) -> list[Any]:
    """Read the tables again.

    Returns:
        Takeaway and note as HTML, figure, table rows.
    """
    groups = select(view, source, teacher)
    shown = [group[0] for group in groups]
    return [headline(shown), note(groups), charts.scatter(shown), table(shown)]


def headline(shown: list[Series]) -> str:
    """The one-line takeaway as HTML; without rows, what to do about it."""
    lines = html.escape(charts.takeaway(shown)).split("\n")
    if not shown:
        lines[-1] = f"<code>{lines[-1]}</code>"
    return f'<p class="mma-takeaway">{"<br>".join(lines)}</p>'


def note(groups: list[list[Series]]) -> str:
    """Which machines the rows come from, as HTML."""
    return f'<p class="mma-note">{html.escape(charts.left_out(groups))}</p>'


def table(shown: list[Series]) -> dict[str, Any]:
    """The table beneath the chart, fastest first: headers and rows."""
    pairs = [(row, one) for one in shown for row in one.rows]
    pairs.sort(key=lambda pair: -pair[0].speedup)
    rows = [_cells(row, one) for row, one in pairs]
    headers = list(rows[0]) if rows else list(TABLE)
    return {"headers": headers, "data": [list(row.values()) for row in rows]}


def _cells(row: charts.Row, one: Series) -> dict[str, Any]:
    if isinstance(row, Average):
        where, single = f"average of {row.sets}", {}
    else:
        where = f"{LANGUAGES[row.language].name}, {row.dataset}"
        single = {"Latency ms": round(row.latency_ms_p50, 1), "Memory MB": round(row.peak_rss_mb)}
    values = {
        "Recipe": row.recipe,
        "Data set": where,
        "F1 % [95%]": format.interval(row),
        "Retention %": round(row.retention, 1),
        "Speed-up ×": round(row.speedup, 2),
        "Words/s": round(row.words_per_s),
        "Size MB": round(row.size_mb, 1),
        "From": one.origin,
        "CPU": one.cpu,
        **single,
    }
    return {name: values[name] for name in TABLE if name in values}


@notices
def csv_file(view: str, source: str, teacher: str) -> str:
    """Write the rows behind the chart, with every column, for download.

    Raises:
        DataError: there are none.
    """
    chosen = [
        row
        for rows in read(source).values()
        for row in rows
        if view in (ALL_SETS, charts.set_key(row)) and teacher in (ANY_TEACHER, row.teacher)
    ]
    if not chosen:
        raise DataError("there are no measurements to download yet")
    path = Path(get_upload_folder()) / "tables" / "measurements.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        writer.writerows(asdict(row) for row in chosen)
    return str(path)


@notices
def measure(spelled: str, codes: list[str], progress: gr.Progress = gr.Progress()) -> str:  # noqa: B008
    """Measure recipes beside the teacher on the sample sentences, and keep the rows among the user's own.

    Returns:
        What was done, as HTML.

    Raises:
        DataError: no language is chosen.
    """
    from ..measure.bench import bench

    recipes = read_recipes(spelled)
    corpora = [corpus for corpus in samples() if corpus.language in codes]
    if not corpora:
        known = ", ".join(corpus.language for corpus in samples())
        raise DataError(f"choose at least one language; there are samples in {known}")
    count = 0
    for row in bench(recipes, corpora, command="app, Compare", report=progress):
        results.append(results.own_path(), [row])
        count += 1
    return f'<p class="mma-note">{count} rows added to your own measurements.</p>'


def read_recipes(spelled: str) -> list[Recipe]:
    """Recipes separated by white space, the teacher before them.

    Raises:
        RecipeError: one is not legal, or there are none or too many.
    """
    given = spelled.split()
    if not 1 <= len(given) <= MOST_RECIPES:
        raise RecipeError(f"type from 1 to {MOST_RECIPES} recipes with spaces between, for example: int8 layers:6+int8")
    recipes = [parse(text) for text in ["teacher", *given]]
    return list(dict.fromkeys(recipes))


def choices(view: str) -> list[Any]:
    """The views and teachers that have rows by now; the view stays where it still exists."""
    offered = views()
    kept = view if view in {key for _, key in offered} else ALL_SETS
    known = teachers()
    return [gr.update(choices=offered, value=kept), gr.update(choices=known, visible=len(known) > 2)]


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Compare", id="compare") as page:
        filters, shown = _page()
        with gr.Accordion("Measure a recipe here", open=False, elem_id="mma-measure"):
            run, inputs, done = _measuring()
        anatomy.layout()
    view, _, teacher = filters
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    page.select(choices, view, [view, teacher], **quiet).then(refresh, filters, shown, **quiet)
    for control in filters:
        control.input(refresh, filters, shown, **quiet)
    run.click(measure, inputs, done, api_name="measure", concurrency_limit=1, concurrency_id="processor").success(
        choices, view, [view, teacher], **quiet
    ).then(refresh, filters, shown, **quiet)


def _page() -> tuple[list[Any], list[Any]]:
    with gr.Row(elem_id="mma-filters"):
        view = gr.Dropdown(views(), value=ALL_SETS, label="Language and data set", elem_id="mma-view", min_width=280)
        source = gr.Dropdown(SOURCES, value=BOTH, label="Measurements", min_width=280)
        teacher = gr.Dropdown(teachers(), value=ANY_TEACHER, label="Teacher", visible=len(teachers()) > 2)
    headline_html = gr.HTML()
    plot = gr.Plot(show_label=False, elem_id="mma-chart")
    note_html = gr.HTML()
    rows = gr.Dataframe(headers=list(TABLE), interactive=False, elem_id="mma-table", max_height=420, max_chars=40)
    fetch = gr.Button("Download the rows (.csv)", size="sm", elem_id="mma-fetch-csv")
    file = gr.DownloadButton("Download", visible="hidden", elem_id="mma-csv")
    filters = [view, source, teacher]
    fetch.click(csv_file, filters, file, api_visibility="private").success(
        None, js=CLICK_DOWNLOAD.format("mma-csv"), api_visibility="private"
    )
    return filters, [headline_html, note_html, plot, rows]


def _measuring() -> tuple[gr.Button, list[Any], gr.HTML]:
    offered = [(LANGUAGES[corpus.language].name, corpus.language) for corpus in samples()]
    gr.HTML(f'<p class="mma-note">{ABOUT_MEASURING}</p>')
    with gr.Row():
        recipes = gr.Textbox("int8", label="Recipes, with spaces between", elem_classes="mma-code")
        codes = gr.Dropdown(offered, value=["de", "en"], multiselect=True, label="Languages")
    run = gr.Button("Measure", variant="primary")
    return run, [recipes, codes], gr.HTML(min_height=60)
