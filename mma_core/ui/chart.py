"""Plotly's figures on the page.

For Gradio's own `Plot` a browser reads all of plotly.js, in one piece and when the first chart is wanted: half of what
that chart takes. Here it reads the kinds of traces that the charts have, while the page is laid out.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ASSETS = Path(__file__).parents[2] / "assets"
LIBRARY, SCRIPT = _ASSETS / "plotly" / "plotly.min.js", _ASSETS / "chart.js"


def chart(elem_id: str) -> gr.HTML:
    """A component whose values are figures; none is drawn as long as it has none.

    Args:
        elem_id: id of the element around it.
    """
    made = gr.HTML(
        elem_id=elem_id,
        html_template='<div class="mma-plot"></div>',
        js_on_load=SCRIPT.read_text(encoding="utf-8"),
        apply_default_css=False,
        container=True,
    )
    made.postprocess = _as_json  # Gradio writes a file beside the source of each class of components
    return made


def _as_json(figure: "go.Figure | None") -> str | None:
    return None if figure is None else figure.to_json()


def head() -> str:
    """What the page's head needs for charts, as HTML."""
    gr.set_static_paths([LIBRARY])
    return f'<script async id="mma-plotly" src="gradio_api/file={LIBRARY}"></script>'
