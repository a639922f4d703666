"""The accordion that takes a recipe apart: its bytes and milliseconds as waterfalls, beside this processor's floor."""

import html
from dataclasses import asdict
from typing import Any

import gradio as gr

from ..charts import anatomy
from ..data import samples
from ..languages import LANGUAGES
from ..recipe import parse
from .notices import notices

ABOUT = (
    "Where a recipe's bytes and milliseconds go, on the sample sentences in bulk. The floor is what its matrix "
    "products alone would take at the rate that one large product reaches on this processor. A recipe that was never "
    "built is built first."
)


@notices
def take_apart(spelled: str, code: str, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
    """Profile a recipe.

    Returns:
        What stands out as HTML, and the figures of bytes and milliseconds.
    """
    from ..measure.profile import profile

    found = asdict(profile(parse(spelled), code=code, report=progress))
    said = html.escape(f"{found['recipe']}: {anatomy.takeaway(found)}")
    return [f'<p class="mma-takeaway">{said}</p>', anatomy.sizes(found), anatomy.times(found)]


def layout() -> None:
    """Lay out the accordion inside the open Blocks and wire its handler."""
    offered = [(LANGUAGES[corpus.language].name, corpus.language) for corpus in samples()]
    with gr.Accordion("Anatomy", open=False, elem_id="mma-anatomy"):
        gr.HTML(f'<p class="mma-note">{ABOUT}</p>')
        with gr.Row():
            recipe = gr.Textbox("int8", label="Recipe", elem_classes="mma-code")
            code = gr.Dropdown(offered, value="en", label="Language")
        run = gr.Button("Take apart", variant="primary")
        said = gr.HTML(min_height=60)
        with gr.Row(elem_id="mma-anatomy-charts"):
            plots = [gr.Plot(show_label=False, min_width=320), gr.Plot(show_label=False, min_width=320)]
    run.click(
        take_apart,
        [recipe, code],
        [said, *plots],
        api_name="profile",
        show_progress_on=said,
        concurrency_limit=1,
        concurrency_id="processor",
    )
