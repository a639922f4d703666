"""The Robustness tab: F1 under perturbation by strength, recipe by recipe, and by sparsity and tier."""

import html
from dataclasses import asdict, fields
from typing import Any

import gradio as gr

from .. import builtin, results
from ..charts import robustness as charts
from ..charts import sparsity
from ..charts.grid import FEW_SETS
from ..charts.speed import ALL_SETS
from ..languages import LANGUAGES
from ..measure.perturb import PERTURBATIONS
from ..results import Robustness
from . import downloads
from .chart import chart
from .notices import notices
from .teachers import FIRST_TEACHER
from .wiring import answering, first, wire

FIRST_PERTURBATION = "typos"
PLOT, SPARSE_PLOT = "mma-robustness", "mma-sparsity"
ALL = ("Average over data sets", ALL_SETS)
TABLE = ("Recipe", "Language", "Data set", "Strength", "F1 % [95%]", "Change", "Sentences changed %", "Sentences")
NOTE = (
    "Strength is the share of words, or of entities where entities are swapped, that change; what changes at one "
    "strength changes in the same way at every higher one, and the gold entities move along. Bands are 95% bootstrap "
    "intervals over sentences; of an average they assume that data sets err independently. An average is over the data "
    f"sets that all its recipes share; {FEW_SETS}"
)
SPARSITY = (
    "How much of its F1 without perturbation a recipe keeps at the greatest strength, by its share of zeros and by how "
    "much labelled text of the languages the teacher saw. All are one recipe with sparsity as its last step or not: "
    "of those that were made sparse, the one that was so to most degrees. Each tier is compared on the data sets that "
    f"its recipes share; {FEW_SETS} Error bars are 95% intervals of a paired bootstrap over sentences."
)


def read() -> list[Robustness]:
    """The table.

    Raises:
        DataError: it is damaged.
    """
    return results.rows(results.ROBUSTNESS, Robustness)


@notices
def choices(teacher: str | None, perturbation: str, view: str) -> list[Any]:
    """The teachers and data sets that have rows by now; what was chosen stays where it still exists.

    Returns:
        An update of each control.
    """
    rows = read()
    known = sorted({row.teacher for row in rows})
    teacher = first(teacher, known, otherwise=FIRST_TEACHER)
    views = _views(charts.cells(rows, teacher=teacher or "", perturbation=perturbation))
    return [
        gr.update(choices=known, value=teacher, visible=len(known) > 1),
        gr.update(),
        gr.update(choices=views, value=first(view, (value for _, value in views), otherwise=ALL_SETS)),
    ]


def _views(found: list[Robustness]) -> list[tuple[str, str]]:
    places = {charts.place_key(row): f"{LANGUAGES[row.language].name}, {row.dataset}" for row in found}
    return [ALL, *sorted((name, key) for key, name in places.items())]


@notices
def refresh(teacher: str | None, perturbation: str, view: str) -> list[Any]:
    """Read the table again.

    Returns:
        Takeaway and the perturbation's summary as HTML, figure, table rows, takeaway and figure by sparsity.
    """
    found = _found(teacher, perturbation, view)
    sparse = _sparse(teacher, perturbation)
    return [
        f"{_line(charts.takeaway(found, perturbation))}{_note(PERTURBATIONS[perturbation].summary)}",
        charts.lines(charts.curves(found)),
        {"headers": list(TABLE), "data": [_cells(row) for row in _ordered(found)]},
        _line(sparsity.takeaway(sparse, perturbation)),
        sparsity.lines(sparse),
    ]


@notices
def csv_file(teacher: str | None, perturbation: str, view: str) -> str:
    """Write the rows behind the curves, with every column but the sentences' counts, for download.

    Raises:
        DataError: there are none.
    """
    rows = [asdict(row) for row in _ordered(_found(teacher, perturbation, view))]
    return downloads.write(PLOT, rows, [column.name for column in fields(Robustness) if column.name != "counts"])


@notices
def sparse_csv_file(teacher: str | None, perturbation: str) -> str:
    """Write the points of the chart by sparsity for download.

    Raises:
        DataError: there are none.
    """
    return downloads.write(SPARSE_PLOT, sparsity.records(_sparse(teacher, perturbation)))


def _found(teacher: str | None, perturbation: str, view: str = ALL_SETS) -> list[Robustness]:
    return charts.cells(read(), teacher=teacher or "", perturbation=perturbation, view=view)


def _sparse(teacher: str | None, perturbation: str) -> list[sparsity.Kept]:
    return sparsity.kept(_found(teacher, perturbation), builtin.labelled(teacher or ""))


def _line(said: str) -> str:
    lines = html.escape(said).split("\n")
    lines[1:] = [f"<code>{line}</code>" for line in lines[1:]]
    return f'<p class="mma-takeaway">{"<br>".join(lines)}</p>'


def _note(text: str) -> str:
    return f'<p class="mma-note">{html.escape(text)}</p>'


def _ordered(found: list[Robustness]) -> list[Robustness]:
    return sorted(found, key=lambda row: (row.recipe, row.language, row.dataset, row.strength))


def _cells(row: Robustness) -> list[Any]:
    return [
        row.recipe,
        LANGUAGES[row.language].name,
        row.dataset,
        f"{row.strength:.0%}",
        f"{row.f1:.1f} [{row.f1_low:.1f}, {row.f1_high:.1f}]",
        round(row.change, 1),
        round(row.changed, 1),
        row.sentences,
    ]


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Robustness", id="robustness") as page:
        filters = _filters()
        said, figure = gr.HTML(), chart(PLOT)
        downloads.controls(PLOT, "robustness", csv_file, filters)
        table = _table()
        gr.HTML(_note(NOTE))
        with gr.Accordion("By sparsity and tier", open=False):
            outputs = [said, figure, table, gr.HTML(), chart(SPARSE_PLOT)]
            downloads.controls(SPARSE_PLOT, "sparsity", sparse_csv_file, filters[:2])
            gr.HTML(_note(SPARSITY))
    wire(page, answering(choices, refresh), filters, outputs)


def _table() -> Any:
    return gr.Dataframe(headers=list(TABLE), interactive=False, elem_id="mma-robustness-table", max_height=420)


def _filters() -> list[Any]:
    offered = [(one.title, name) for name, one in PERTURBATIONS.items()]
    with gr.Row(elem_id="mma-robustness-filters"):
        return [
            gr.Dropdown([], label="Teacher", visible=False, min_width=120),
            gr.Dropdown(offered, value=FIRST_PERTURBATION, label="Perturbation", scale=2, min_width=200),
            gr.Dropdown([ALL], value=ALL_SETS, label="Data sets", scale=2, min_width=200),
        ]
