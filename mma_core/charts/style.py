"""What all figures share: transparent and grey, so that they read in both modes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

GREY = "rgb(120, 130, 146)"
# Each colour has at least 3 : 1 against white and against the dark background.
BLUE, GREEN, ORANGE = "rgb(47, 128, 190)", "rgb(38, 145, 104)", "rgb(201, 116, 28)"
PINK, VIOLET, BROWN = "rgb(196, 72, 128)", "rgb(134, 106, 205)", "rgb(150, 110, 90)"
HOVER = {"align": "left", "bgcolor": "rgb(30, 41, 59)", "bordercolor": GREY, "font": {"color": "white"}}
# Nothing can be dragged, so nothing of the tool bar is of use but saving the picture.
USELESS = ("zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d")


def faded(colour: str, opacity: float) -> str:
    """A colour of this file, so opaque from 0 to 1."""
    return f"rgba{colour[3:-1]}, {opacity:g})"


def styled(figure: "go.Figure") -> "go.Figure":
    """The figure without background, in grey lines; the style sheet sets the text's colour."""
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": GREY},
        margin={"l": 56, "r": 16, "t": 16, "b": 48},
        height=520,
        legend={"orientation": "h", "y": -0.18, "x": 0, "yanchor": "top", "xanchor": "left"},
        hoverlabel=HOVER,
        dragmode=False,
        modebar={"remove": list(USELESS), "bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": GREY},
    )
    grid = {"gridcolor": "rgba(128,138,150,0.25)", "zeroline": False}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    return figure


def bars(values: Sequence[float], ends: Sequence[tuple[float, float]], colour: str) -> dict[str, Any]:
    """Error bars.

    Args:
        values: where the markers are.
        ends: the lower and upper end of each bar.
        colour: of all.
    """
    return {
        "type": "data",
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
        "color": colour,
        "thickness": 1,
        "width": 3,
    }


def nothing(text: str) -> "go.Figure":
    """A figure that says why it is empty."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_annotation(text=text.replace("\n", "<br>"), showarrow=False, font={"size": 14})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return styled(figure)
