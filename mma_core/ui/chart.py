"""Plotly's figures on the page.

For Gradio's own `Plot` a browser reads all of plotly.js, in one piece and when the first chart is wanted: half of what
that chart takes. Here it reads the kinds of traces that the charts have, while the page is laid out.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

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
    # No class of its own, beside whose source Gradio would write a file. `gr.update` of a chart would undo this.
    made.postprocess = _as_json
    return made


def _as_json(figure: "go.Figure | None") -> str | None:
    return None if figure is None else figure.to_json()


def head() -> str:
    """What the page's head needs for charts, as HTML; the page must be allowed to serve `LIBRARY`."""
    source = f"gradio_api/file={quote(LIBRARY.as_posix())}?{int(LIBRARY.stat().st_mtime)}"
    return f"""<script async id="mma-plotly" src="{source}" onerror="this.dataset.failed = ''"></script>"""
