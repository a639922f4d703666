"""The accordion that takes a recipe apart: its bytes and milliseconds as waterfalls, beside this processor's floor."""

import html
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import gradio as gr

from ..charts import anatomy
from ..data import samples
from ..languages import LANGUAGES
from ..recipe import parse
from . import downloads
from .chart import chart
from .notices import notices

BYTES, TIMES = "mma-anatomy-bytes", "mma-anatomy-times"
ABOUT = (
    "Where a recipe's bytes and milliseconds go, on the sample sentences in bulk. The floor is what its matrix "
    "products alone would take at the rate that one large product reaches on this processor. A recipe that was never "
    "built is built first."
)


@notices
def take_apart(spelled: str, code: str, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
    """Profile a recipe.

    Returns:
        What stands out as HTML, the figures of bytes and milliseconds, and what both are drawn from.
    """
    from ..measure.profile import profile

    found = asdict(profile(parse(spelled), code=code, report=progress))
    said = html.escape(f"{found['recipe']}: {anatomy.takeaway(found)}")
    return [f'<p class="mma-takeaway">{said}</p>', anatomy.sizes(found), anatomy.times(found), found]


@notices
def bytes_file(found: Mapping[str, Any] | None) -> str:
    """Write the bytes for download.

    Raises:
        DataError: nothing was taken apart yet.
    """
    return downloads.write(BYTES, anatomy.size_records(found) if found else [])


@notices
def times_file(found: Mapping[str, Any] | None) -> str:
    """Write the milliseconds for download.

    Raises:
        DataError: nothing was taken apart yet.
    """
    return downloads.write(TIMES, anatomy.time_records(found) if found else [])


def layout() -> None:
    """Lay out the accordion inside the open Blocks and wire its handler."""
    offered = [(LANGUAGES[corpus.language].name, corpus.language) for corpus in samples()]
    with gr.Accordion("Anatomy", open=False, elem_id="mma-anatomy"):
        gr.HTML(f'<p class="mma-note">{ABOUT}</p>')
        with gr.Row():
            recipe = gr.Textbox("int8", label="Recipe", elem_classes="mma-code")
            code = gr.Dropdown(offered, value="en", label="Language")
        run = gr.Button("Take apart", variant="primary")
        said, found = gr.HTML(min_height=60), gr.State()
        with gr.Row(elem_id="mma-anatomy-charts"):
            plots = [_plot(BYTES, bytes_file, found), _plot(TIMES, times_file, found)]
    run.click(
        take_apart,
        [recipe, code],
        [said, *plots, found],
        api_name="profile",
        show_progress_on=said,
        concurrency_limit=1,
        concurrency_id="processor",
    )


def _plot(name: str, csv_file: Callable[..., str], found: gr.State) -> gr.HTML:
    with gr.Column(min_width=320):
        plot = chart(name)
        downloads.controls(name, name.removeprefix("mma-"), csv_file, [found])
    return plot
