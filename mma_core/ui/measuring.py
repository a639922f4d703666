"""The accordion that measures recipes on the sample sentences on this machine, those that Compare shows among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .. import builtin, results
from ..charts import Series
from ..data import samples
from ..errors import DataError
from ..languages import LANGUAGES
from ..machine import available_threads
from . import format
from .notices import notices
from .recipe_list import legal, read_recipes
from .teachers import FIRST_TEACHER, teacher_choice

ALL_THREADS = 0
SCROLL = "() => document.querySelector('#mma-measure')?.scrollIntoView({behavior: 'smooth'})"
ABOUT = (
    "Accuracy and speed on the built-in sample sentences, beside the teacher, on this machine. "
    "A recipe that was never built is built first."
)


@dataclass(frozen=True)
class Controls:
    """The accordion's parts.

    Attributes:
        accordion: the whole.
        run: the button.
        inputs: of `measure`.
        done: where it says what it did.
    """

    accordion: gr.Accordion
    run: gr.Button
    inputs: list[Any]
    done: gr.HTML

    @property
    def filled(self) -> list[Any]:
        """What `filled` gives updates of."""
        recipes, _, _, teacher = self.inputs
        return [self.accordion, recipes, teacher, self.done]


@notices
def measure(
    spelled: str,
    codes: list[str],
    threads: int = ALL_THREADS,
    teacher: str | None = FIRST_TEACHER,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> str:
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
    for row in bench(
        recipes,
        corpora,
        teacher=teacher or FIRST_TEACHER,
        threads=threads or None,
        command="app, Compare",
        report=progress,
    ):
        results.append(results.own_path(), [row])
        count += 1
    return format.note(f"{count} rows added to your own measurements.")


def filled(shown: Sequence[Series]) -> list[Any]:
    """Open the accordion with the recipes of a chart: those of one teacher, the fastest first.

    Args:
        shown: what the chart draws.

    Returns:
        Updates of the accordion, the recipes, the teacher, and what is said of them.

    Raises:
        DataError: the chart shows no recipe that can be measured.
    """
    teacher = shown[0].teacher if shown else ""
    rows = [row for one in shown if one.teacher == teacher for row in one.rows if legal(row.recipe)]
    recipes = list(dict.fromkeys(row.recipe for row in sorted(rows, key=lambda row: -row.speedup)))
    if not recipes:
        raise DataError("no recipe is shown that could be measured here")
    said = f"{len(recipes)} recipes; for fewer, use the filters above." if len(recipes) > 1 else ""
    known = {"value": teacher} if teacher in builtin.names() else {}
    return [gr.update(open=True), gr.update(value=" ".join(recipes)), gr.update(**known), format.note(said)]


def layout() -> Controls:
    """Lay out the accordion inside the open Blocks."""
    offered = [(LANGUAGES[corpus.language].name, corpus.language) for corpus in samples()]
    threads = available_threads()
    with gr.Accordion("Measure a recipe here", open=False, elem_id="mma-measure") as accordion:
        gr.HTML(format.note(ABOUT))
        with gr.Row():
            recipes = gr.Textbox("int8", label="Recipes, with spaces between", elem_classes="mma-code")
            codes = gr.Dropdown(offered, value=["de", "en"], multiselect=True, label="Languages")
            count = gr.Radio(
                [(f"All ({threads})", ALL_THREADS), ("1", 1)],
                value=ALL_THREADS,
                label="Threads",
                visible=threads > 1,
                min_width=160,
            )
            teacher = teacher_choice()
        run = gr.Button("Measure", variant="primary")
        done = gr.HTML(min_height=60)
    return Controls(accordion, run, [recipes, codes, count, teacher], done)
