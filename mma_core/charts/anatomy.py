"""The anatomy of a recipe as a picture: bytes and milliseconds as waterfalls, the least possible time beside them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .style import GREY, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

PART, FLOOR = "rgb(47, 128, 190)", "rgb(201, 116, 28)"
MEGA = 1e6
PARTS = {
    "embeddings": "Embeddings",
    "layers": "Layers",
    "head": "Head",
    "tokenizer": "Tokenizer",
    "rest": "Rest",
}
STAGES = {
    "splitting": "Splitting",
    "tokenising": "Tokenising",
    "padding": "Padding",
    "model": "Model",
    "decoding": "Decoding",
}


def waterfalls(found: Mapping[str, Any]) -> "go.Figure":
    """Draw a profile.

    Args:
        found: the fields of a `measure.profile.Profile`.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, column_widths=[0.4, 0.6], horizontal_spacing=0.1)
    megabytes = [found["bytes"][name] / MEGA for name in PARTS]
    _waterfall(figure, 1, names=list(PARTS.values()), values=megabytes, unit="MB")
    _waterfall(figure, 2, names=list(STAGES.values()), values=[found["milliseconds"][s] for s in STAGES], unit="ms")
    floors = {name: floor for name, floor in found["floor_ms"].items() if floor is not None}
    figure.add_bar(
        x=[f"Floor {name}" for name in floors],
        y=list(floors.values()),
        marker={"color": FLOOR},
        text=[_number(floor) for floor in floors.values()],
        textposition="outside",
        hovertext=[f"{found['operations']:,.1f} G operations at {found['peaks'][name]:,.0f} G/s" for name in floors],
        hoverinfo="text",
        row=1,
        col=2,
    )
    figure.update_yaxes(title_text="MB on disk", row=1, col=1)
    figure.update_yaxes(title_text=f"ms for {found['sentences']} sentences", row=1, col=2)
    return _layout(figure)


def _waterfall(figure: "go.Figure", column: int, *, names: Sequence[str], values: Sequence[float], unit: str) -> None:
    total = sum(values)
    figure.add_waterfall(
        x=[*names, "All"],
        y=[*values, total],
        measure=["relative"] * len(values) + ["total"],
        text=[_number(value) for value in (*values, total)],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": PART}},
        totals={"marker": {"color": GREY}},
        connector={"line": {"color": GREY, "width": 1}},
        hovertext=[
            f"{name}: {_number(value)} {unit}, {100 * value / total if total else 0:.1f}%"
            for name, value in zip([*names, "All"], (*values, total), strict=True)
        ],
        hoverinfo="text",
        row=1,
        col=column,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _layout(figure: "go.Figure") -> "go.Figure":
    styled(figure).update_layout(height=380, margin={"l": 56, "r": 16, "t": 24, "b": 48}, showlegend=False)
    figure.update_xaxes(showgrid=False, tickangle=-35)
    figure.update_yaxes(rangemode="tozero")
    return figure


def takeaway(found: Mapping[str, Any]) -> str:
    """Where the time goes, where the bytes are, and how near the model comes to this CPU's peak, in one line."""
    times, sizes = found["milliseconds"], found["bytes"]
    slowest, largest = max(times, key=times.__getitem__), max(sizes, key=sizes.__getitem__)
    said = (
        f"{STAGES[slowest]} takes {_share(times, slowest)} of the time, "
        f"{PARTS[largest].lower()} {_share(sizes, largest)} of the bytes"
    )
    floor = found["floor_ms"][found["precision"]]
    if not floor or not times["model"]:
        return f"{said}."
    return f"{said}; the model runs at {100 * floor / times['model']:.0f}% of this CPU's {found['precision']} peak."


def _share(values: Mapping[str, float], name: str) -> str:
    return f"{100 * values[name] / (sum(values.values()) or 1):.0f}%"
