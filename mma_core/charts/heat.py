"""What heat maps share: orange for less, blue for more, a dot where it is sure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .style import BLUE, GREY, ORANGE, faded, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

SURE_MARK = "○"
OUTLINE = "rgb(30, 41, 59)"
MARK_BELOW = 0.36
MOST_NUMBERED = 25
FRAME_PIXELS, CHARACTER_PIXELS = 100, 6


def colours(largest: float, columns: int) -> dict[str, Any]:
    """Options of a heat map of differences in points.

    Args:
        largest: colours end at ± so much.
        columns: so many there are: into too many no numbers fit.
    """
    scale = [[0, faded(ORANGE, 0.9)], [0.5, faded(GREY, 0.18)], [1, faded(BLUE, 0.9)]]
    bar = {"title": {"text": "points", "side": "top"}, "thickness": 10, "len": 0.5}
    return {
        "colorscale": scale,
        "zmin": -largest,
        "zmax": largest,
        "texttemplate": "%{text}" if columns <= MOST_NUMBERED else "",
        "textfont": {"size": 10},
        "hoverinfo": "text",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
        "colorbar": {**bar, "orientation": "h", "y": -0.01, "yanchor": "top", "tickvals": [-largest, 0, largest]},
    }


def add_marks(figure: "go.Figure", sure: Sequence[tuple[int, int]]) -> None:
    """Mark cells as surely different.

    Args:
        figure: of the heat map.
        sure: column and row of each such cell.
    """
    figure.add_scatter(
        x=[x for x, _ in sure],
        y=[y + MARK_BELOW for _, y in sure],
        mode="markers",
        marker={"size": 5, "color": "white", "line": {"width": 1, "color": OUTLINE}},
        name="surely different",
        showlegend=False,
        hoverinfo="skip",
    )


def framed(figure: "go.Figure", across: Sequence[str], down: Sequence[str], *, row_pixels: int) -> "go.Figure":
    """Name the columns, above, and the rows, from the top.

    Args:
        figure: of the heat map.
        across: the columns' names.
        down: the rows' names.
        row_pixels: the height of a row.
    """
    styled(figure)
    height = FRAME_PIXELS + CHARACTER_PIXELS * max(map(len, across)) + row_pixels * len(down)
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest")
    figure.update_xaxes(
        tickvals=list(range(len(across))),
        ticktext=list(across),
        tickangle=-90,
        tickfont={"size": 10},
        side="top",
        range=[-0.5, len(across) - 0.5],
        automargin=True,
        showgrid=False,
    )
    figure.update_yaxes(
        tickvals=list(range(len(down))),
        ticktext=list(down),
        tickfont={"size": 10},
        range=[len(down) - 0.5, -0.5],
        automargin=True,
        showgrid=False,
    )
    return figure
