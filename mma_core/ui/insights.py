"""The Insights tab: one question at a time, its answer in a line, a chart and a table."""

from dataclasses import astuple
from typing import Any

import gradio as gr

from ..charts import grid, phrases
from ..charts.axes import COSTS
from . import downloads, filters, format, questions
from .chart import chart
from .notices import notices
from .questions import QUESTIONS, Asked, Offered
from .wiring import answering, wire

PLOT = "mma-insight"
RECIPE_COLUMNS = ("Recipe", "A", "B", "First", "Second")
KINDS = [("Gold", grid.GOLD_SETS), ("Silver", grid.SILVER_SETS), ("Both", grid.EVERY_SET)]
UNITS = [("Retention", questions.RETENTION), ("F1", questions.F1)]
ERRORS = [("Change against the teacher", questions.CHANGE), ("All errors", questions.WHOLE)]
START = Asked(
    question=next(iter(QUESTIONS)),
    teacher=None,
    kind=grid.GOLD_SETS,
    machine=filters.ANY,
    recipe=None,
    ours=None,
    theirs=None,
    pattern=None,
    unit=questions.RETENTION,
    cost=COSTS[0].name,
    errors=questions.CHANGE,
)


@notices
def choices(*given: Any) -> list[Any]:
    """What can be chosen by now, and which controls the question needs.

    Args:
        given: the controls' values, the fields of `Asked`.

    Returns:
        An update of each control.
    """
    settled, offered = questions.offered(Asked(*given))
    found = _choices(offered)
    return [
        gr.update(
            value=value,
            visible=visible(name, settled.question, offered),
            **({"choices": found[name]} if name in found else {}),
        )
        for name, value in zip(Asked.__dataclass_fields__, astuple(settled), strict=True)
    ]


def _choices(offered: Offered) -> dict[str, list[Any]]:
    both = [*offered.recipes, ("teacher", "teacher")]
    return {
        "teacher": offered.teachers,
        "machine": offered.machines,
        "recipe": offered.recipes,
        "ours": both,
        "theirs": both,
        "pattern": offered.patterns,
        "cost": offered.costs,
    }


def visible(name: str, question: str, offered: Offered) -> bool:
    """Whether a question needs a control."""
    if name == "teacher":
        return len(offered.teachers) > 1
    if name == "machine":
        return len(offered.machines) > 2
    return name in ("question", "kind", *QUESTIONS[question].controls)


@notices
def refresh(*given: Any) -> list[Any]:
    """Answer a question from the tables as they are now.

    Args:
        given: the controls' values, the fields of `Asked`.

    Returns:
        Takeaway and note as HTML, figure, table rows.
    """
    asked = Asked(*given)
    answer = questions.answer(asked)
    figure = answer.draw()
    figure.update_layout(meta=f"mma-{asked.question}")
    headers = list(answer.records[0]) if answer.records else []
    cells = [[_cell(name, value) for name, value in record.items()] for record in answer.records]
    table = {"headers": headers, "data": cells}
    return [format.takeaway(answer.takeaway), format.note(answer.note), figure, table]


def _cell(column: str, value: Any) -> Any:
    """Recipes are long: the table counts their languages, the CSV file names them."""
    return phrases.brief(value) if column in RECIPE_COLUMNS else value


@notices
def csv_file(*given: Any) -> str:
    """Write the data of the chart for download.

    Args:
        given: the controls' values, the fields of `Asked`.

    Raises:
        DataError: there are none.
    """
    asked = Asked(*given)
    return downloads.write(f"mma-{asked.question}", questions.answer(asked).records)


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Insights", id="insights") as page:
        controls = _controls()
        headline = gr.HTML()
        plot = chart(PLOT)
        note = gr.HTML()
        downloads.controls(PLOT, "insights", csv_file, controls)
        rows = gr.Dataframe(interactive=False, elem_id="mma-insight-table", max_height=420, max_chars=56)
    wire(page, answering(choices, refresh), controls, [headline, note, plot, rows])


def _controls() -> list[Any]:
    """The controls in the order of the fields of `Asked`; their choices are read when the tab is opened."""
    titles = [(question.title, key) for key, question in QUESTIONS.items()]
    question = gr.Radio(titles, value=START.question, label="Question", elem_id="mma-question")
    with gr.Row(elem_id="mma-insight-filters"):
        return [
            question,
            gr.Dropdown([], label="Teacher", visible=False, min_width=120),
            gr.Radio(KINDS, value=START.kind, label="Labels of the test sets", min_width=240),
            gr.Dropdown([], label="Machine", visible=False, min_width=240, elem_id="mma-insight-machine"),
            gr.Dropdown([], label="Recipe", min_width=240),
            gr.Dropdown([], label="A", visible=False, min_width=240, elem_id="mma-a"),
            gr.Dropdown([], label="B", visible=False, min_width=240, elem_id="mma-b"),
            gr.Dropdown([], label="Step", visible=False, min_width=200),
            gr.Radio(UNITS, value=START.unit, label="Show", visible=False, min_width=200),
            gr.Dropdown(
                [(axis.title, axis.name) for axis in COSTS],
                value=START.cost,
                label="Cost",
                visible=False,
                min_width=200,
            ),
            gr.Radio(ERRORS, value=START.errors, label="Show", visible=False, min_width=300),
        ]
