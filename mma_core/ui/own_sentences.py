"""The accordion that measures recipes on the user's own labelled sentences, and says how little a few of them prove."""

import html
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
import numpy as np

from .. import bootstrap
from ..charts import phrases
from ..data import Corpus, open_text, parse_conll
from ..errors import DataError
from ..languages import LANGUAGES, language
from ..recipe import Recipe
from ..results import Measurement
from . import format
from .notices import notices
from .recipe_list import read_recipes
from .teachers import FIRST_TEACHER, teacher_choice

NAME = "your text"
MOST_SENTENCES = 1000
# An .xz of some kilobytes can hold gigabytes.
MOST_CHARACTERS = 2_000_000
SAMPLE = "Angela\tB-PER\nMerkel\tI-PER\nbesuchte\tO\nSiemens\tB-ORG\nin\tO\nMünchen\tB-LOC\n.\tO\n"
ABOUT = (
    "A word and its tag (B-PER, I-PER, B-ORG, I-ORG, B-LOC, I-LOC or O) a line, a blank line between sentences. The "
    f"recipes are measured on them beside the teacher, up to {MOST_SENTENCES:,} sentences; nothing is stored."
)
TABLE = (
    "Recipe",
    "F1 % [95%]",
    "Against the teacher [95%]",
    "By chance",
    "Right",
    "Missed",
    "Invented",
    "Type",
    "Border",
)


@notices
def load(path: str | None) -> str:
    """The text of an uploaded file.

    Raises:
        DataError: it is not UTF-8 text, or longer than `MOST_SENTENCES` can be.
    """
    if path is None:
        return ""
    with open_text(Path(path)) as lines:
        text = lines.read(MOST_CHARACTERS + 1)
    if len(text) > MOST_CHARACTERS:
        raise DataError(f"the file has over {MOST_CHARACTERS:,} characters: upload up to {MOST_SENTENCES:,} sentences")
    return text


@notices
def measure(
    text: str,
    code: str,
    spelled: str,
    teacher: str | None = FIRST_TEACHER,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> list[Any]:
    """Measure recipes on pasted sentences.

    Returns:
        What they prove, as HTML, and the table's rows.

    Raises:
        DataError: there are no sentences or too many, or a line is not a word and a tag.
        RecipeError: as `read_recipes`.
    """
    rows = _rows(text, language(code).code, read_recipes(spelled), teacher or FIRST_TEACHER, progress)
    return [f'<p class="mma-takeaway">{"<br>".join(html.escape(line) for line in verdicts(rows))}</p>', cells(rows)]


def _rows(text: str, code: str, recipes: Sequence[Recipe], teacher: str, progress: gr.Progress) -> list[Measurement]:
    from ..measure.bench import bench

    sentences = list(parse_conll(io.StringIO(text or "", newline=None), NAME))
    if not 1 <= len(sentences) <= MOST_SENTENCES:
        raise DataError(f"{NAME} has {len(sentences):,} sentences: paste from 1 to {MOST_SENTENCES:,}")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "own.conll"
        path.write_text(text, encoding="utf-8")
        corpora = [Corpus("yours", code, "test", path)]
        found = bench(
            recipes,
            corpora,
            teacher=teacher,
            sentences=MOST_SENTENCES,
            command="app, own sentences",
            report=progress,
        )
        return [_cautious(row) for row in found]


def against(row: Measurement, teacher: Measurement) -> bootstrap.Difference:
    """How a recipe differs from the teacher on the same few sentences."""
    return bootstrap.cautious_paired(np.array(row.counts), np.array(teacher.counts), row.seed)


def _cautious(row: Measurement) -> Measurement:
    """A row with the interval that few sentences prove."""
    low, high = bootstrap.cautious_interval(np.array(row.counts), row.seed)
    return replace(row, f1_low=round(low, 2), f1_high=round(high, 2))


def verdicts(rows: Sequence[Measurement]) -> list[str]:
    """What the sentences prove of each recipe, a line each; the teacher's row comes first."""
    teacher, *others = rows
    gold = sum(there for _, _, there in teacher.counts)
    sentences = "1 sentence" if teacher.sentences == 1 else f"{teacher.sentences:,} sentences"
    scored = f"{teacher.f1:.1f}, true value likely between {teacher.f1_low:.0f} and {teacher.f1_high:.0f}"
    return [
        f"{sentences} with {gold:,} {'entity' if gold == 1 else 'entities'}: the teacher's F1 is {scored}.",
        *(f"{row.recipe}: {_verdict(against(row, teacher))}" for row in others),
    ]


def _verdict(found: bootstrap.Difference) -> str:
    points = f"{phrases.change(found)} points, {phrases.probability(found.p)}"
    if found.sure:
        return f"surely {'better' if found.low > 0 else 'worse'} than the teacher, {points}."
    return f"these sentences do not tell it from the teacher, {points}."


def cells(rows: Sequence[Measurement]) -> dict[str, Any]:
    """The table: headers and rows."""
    return {"headers": list(TABLE), "data": [_cells(row, rows[0]) for row in rows]}


def _cells(row: Measurement, teacher: Measurement) -> list[Any]:
    if row is teacher:
        return [row.recipe, format.interval(row), "", "", *row.errors.values()]
    found = against(row, teacher)
    return [
        row.recipe,
        format.interval(row),
        phrases.change(found),
        phrases.probability(found.p),
        *row.errors.values(),
    ]


def layout() -> None:
    """Lay out the accordion inside the open Blocks and wire its handlers."""
    offered = [(one.name, code) for code, one in LANGUAGES.items()]
    with gr.Accordion("Measure on your own sentences", open=False, elem_id="mma-own-sentences"):
        gr.HTML(f'<p class="mma-note">{ABOUT}</p>')
        text = gr.Textbox(SAMPLE, label="Labelled sentences", lines=8, max_lines=16, elem_classes="mma-code")
        upload = gr.UploadButton("Load a CoNLL file", size="sm", file_count="single")
        with gr.Row():
            recipes = gr.Textbox("int8", label="Recipes, with spaces between", elem_classes="mma-code")
            code = gr.Dropdown(offered, value="de", label="Language")
            teacher = teacher_choice()
        run = gr.Button("Measure on these sentences", variant="primary")
        said = gr.HTML(min_height=60)
        rows = gr.Dataframe(headers=list(TABLE), interactive=False, max_height=320)
    upload.upload(load, upload, text, api_visibility="private")
    run.click(
        measure,
        [text, code, recipes, teacher],
        [said, rows],
        api_name="measure_own",
        show_progress_on=said,
        concurrency_limit=1,
        concurrency_id="processor",
    )
