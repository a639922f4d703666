"""A page of Gradio's with one chart of one point, in a tab of its own: `python -m benchmarks.bare --port 7860`.

What a browser takes for a chart that is drawn by Gradio's own Plot, on a page with next to nothing else.
"""

from argparse import ArgumentParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

TAB, PLOT = "Bare", "bare-chart"


def build() -> "gr.Blocks":
    """Lay out the page; as in the app, the chart is drawn when its tab is opened."""
    import gradio as gr
    import plotly.graph_objects as go

    with gr.Blocks(analytics_enabled=False) as page:
        with gr.Tab("Other"):
            gr.Textbox()
        with gr.Tab(TAB) as tab:
            plot = gr.Plot(elem_id=PLOT)
        tab.select(lambda: go.Figure(go.Scatter(x=[1], y=[1])), None, plot)
    return page


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    build().launch(server_port=parser.parse_args().port, quiet=True)
