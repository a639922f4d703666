"""The anatomy of a recipe as a picture: bytes and milliseconds as waterfalls, the least possible time beside them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .style import BLUE, GREY, ORANGE, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

PART, FLOOR = BLUE, ORANGE
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
    "normalising": "Normalising",
    "tokenising": "Tokenising",
    "padding": "Padding",
    "model": "Model",
    "decoding": "Decoding",
}


def sizes(found: Mapping[str, Any]) -> "go.Figure":
    """Draw where a recipe's bytes are.

    Args:
        found: the fields of a `measure.profile.Profile`.
    """
    figure = _waterfall(list(PARTS.values()), [found["bytes"][name] / MEGA for name in PARTS], unit="MB")
    figure.update_yaxes(title_text="MB on disk")
    return figure


def times(found: Mapping[str, Any]) -> "go.Figure":
    """Draw where a recipe's milliseconds go, and beside them what its products would take at this CPU's peaks."""
    figure = _waterfall(list(STAGES.values()), [found["milliseconds"][name] for name in STAGES], unit="ms")
    floors = {name: floor for name, floor in found["floor_ms"].items() if floor is not None}
    figure.add_bar(
        x=[f"Floor {name}" for name in floors],
        y=list(floors.values()),
        marker={"color": FLOOR},
        text=[_number(floor) for floor in floors.values()],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{found['operations']:,.1f} G operations at {found['peaks'][name]:,.0f} G/s" for name in floors],
        hoverinfo="text",
    )
    figure.update_yaxes(title_text=f"ms for {found['sentences']} sentences")
    return figure


def size_records(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The data of `sizes`, one row a part."""
    return [{"Recipe": found["recipe"], "Part": title, "Bytes": found["bytes"][name]} for name, title in PARTS.items()]


def time_records(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The data of `times`, one row a stage, then the floors of this CPU."""
    rows = [(title, found["milliseconds"][name]) for name, title in STAGES.items()]
    rows += [(f"Floor {name}", floor) for name, floor in found["floor_ms"].items() if floor is not None]
    return [
        {"Recipe": found["recipe"], "Stage": title, "Milliseconds": value, "Sentences": found["sentences"]}
        for title, value in rows
    ]


def _waterfall(names: Sequence[str], values: Sequence[float], *, unit: str) -> "go.Figure":
    import plotly.graph_objects as go

    total = sum(values)
    figure = go.Figure()
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
    )
    return _layout(figure)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _layout(figure: "go.Figure") -> "go.Figure":
    styled(figure).update_layout(height=380, margin={"l": 56, "r": 16, "t": 32, "b": 48}, showlegend=False)
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
