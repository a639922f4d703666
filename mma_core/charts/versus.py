"""Is A better than B: the paired difference on each data set and over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..bootstrap import Difference
from ..results import Measurement, Place
from .grid import Grid
from .phrases import NONE_MEASURED, between, brief, columns, lines, probability, sets, signed, title, titles
from .style import BLUE, GREY, ORANGE, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW_PIXELS, FRAME_PIXELS = 24, 110
NOTE = (
    "Points of F1 by which A is better, with 95% intervals: both are scored on the same 1,000 resamples of the "
    "sentences. Blue: A is surely better; orange: B is; grey: may be chance. Among twenty data sets without a "
    "difference, one seems sure."
)


@dataclass(frozen=True)
class Duel:
    """Two recipes on the data sets that both were measured on.

    Attributes:
        ours: A.
        theirs: B.
        macro: by how much A is better, macro over the data sets; None where they share none.
        single: data set → by how much A is better there.
        rows: data set → the rows of A and of B.
    """

    ours: str
    theirs: str
    macro: Difference | None
    single: dict[Place, Difference]
    rows: dict[Place, tuple[Measurement, Measurement]]


def duel(grid: Grid, *, ours: str, theirs: str) -> Duel:
    """Compare two recipes, the teacher among them, in pairs of rows; the data sets in the order of the difference."""
    places = grid.places(ours, theirs)
    single = {place: grid.difference(ours, theirs, [place]) for place in places}
    ordered = dict(sorted(single.items(), key=lambda pair: -pair[1].points))
    macro = grid.difference(ours, theirs, places) if places else None
    return Duel(ours, theirs, macro, ordered, {p: (grid.rows[ours, p], grid.rows[theirs, p]) for p in places})


def takeaway(found: Duel) -> str:
    """What the data say in one line: the verdict over all, where each is surely better, and the surest language."""
    if found.macro is None:
        return f"{brief(found.ours)} and {brief(found.theirs)} were measured on no sentences in common."
    if found.ours == found.theirs:
        return "A and B are the same recipe: choose another."
    count = len(found.single)
    said = verdict(found, found.macro, f"over {sets(count)}" if count > 1 else f"on {title(next(iter(found.single)))}")
    if count == 1:
        return said
    better = sum(one.low > 0 for one in found.single.values())
    worse = sum(one.high < 0 for one in found.single.values())
    said += f" Surely better on {better}, surely worse on {worse}."
    place, largest = max(found.single.items(), key=lambda pair: (pair[1].sure, abs(pair[1].points)))
    return f"{said} Most on {title(place)}: {_amount(largest)}." if largest.sure else said


def verdict(found: Duel, difference: Difference, where: str) -> str:
    """One comparison in words, such as `A is better than B on Swahili, +1.3 [0.2, 2.4], p = 0.02.`."""
    relation = "is not surely different from"
    if difference.sure:
        relation = "is better than" if difference.low > 0 else "is worse than"
    return f"{brief(found.ours)} {relation} {brief(found.theirs)} {where}, {_amount(difference)}."


def _amount(found: Difference) -> str:
    return f"{signed(found.points)} {between(found.low, found.high)}, {probability(found.p)}"


def forest(found: Duel) -> "go.Figure":
    """One row a data set under the macro mean: the difference with its interval beside the line of none."""
    import plotly.graph_objects as go

    if found.macro is None:
        return nothing(takeaway(found) if found.ours else NONE_MEASURED)
    all_of_them = [("All, macro", found.macro, ""), *_single(found)]
    figure = go.Figure()
    for colour, wanted in ((BLUE, "A"), (ORANGE, "B"), (GREY, "")):
        rows = [(index, one) for index, one in enumerate(all_of_them) if _winner(one[1]) == wanted]
        if rows:
            _add(figure, rows, colour)
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    styled(figure)
    figure.update_layout(
        height=FRAME_PIXELS + ROW_PIXELS * len(all_of_them), margin={"l": 8, "r": 12, "t": 48, "b": 16}
    )
    figure.update_yaxes(
        tickvals=list(range(len(all_of_them))),
        ticktext=[f"<b>{name}</b>" if index == 0 else name for index, (name, *_) in enumerate(all_of_them)],
        tickfont={"size": 11},
        range=[len(all_of_them) - 0.5, -0.5],
        automargin=True,
    )
    figure.update_xaxes(title_text="A less B (points of F1)", title_font_size=12, side="top")
    return figure


def _single(found: Duel) -> list[tuple[str, Difference, str]]:
    names = titles(list(found.single))
    return [(name, one, _hover(found, place)) for name, (place, one) in zip(names, found.single.items(), strict=True)]


def _winner(found: Difference) -> str:
    return ("A" if found.low > 0 else "B") if found.sure else ""


def _add(figure: "go.Figure", rows: Sequence[tuple[int, tuple[str, Difference, str]]], colour: str) -> None:
    differences = [one for _, (_, one, _) in rows]
    figure.add_scatter(
        x=[one.points for one in differences],
        y=[index for index, _ in rows],
        error_x={
            "type": "data",
            "array": [one.high - one.points for one in differences],
            "arrayminus": [one.points - one.low for one in differences],
            "thickness": 1.5,
            "width": 0,
        },
        mode="markers",
        marker={"color": colour, "opacity": 1, "size": [11 if index == 0 else 8 for index, _ in rows]},
        hovertext=[text or lines([name, f"{_amount(one)}"]) for _, (name, one, text) in rows],
        hoverinfo="text",
        showlegend=False,
    )


def _hover(found: Duel, place: Place) -> str:
    ours, theirs = found.rows[place]
    return lines(
        [
            title(place),
            verdict(found, found.single[place], "here"),
            f"A: F1 {ours.f1:.1f}%, 95% interval {ours.f1_low:.1f} to {ours.f1_high:.1f}",
            f"B: F1 {theirs.f1:.1f}%, 95% interval {theirs.f1_low:.1f} to {theirs.f1_high:.1f}",
            f"{ours.sentences:,} test sentences",
        ]
    )


def records(found: Duel) -> list[dict[str, Any]]:
    """The figure's data, one row a data set under the macro mean."""
    if found.macro is None:
        return []
    both = {"A": found.ours, "B": found.theirs}
    return [
        {**both, "Data set": "All, macro", "A F1 %": "", "B F1 %": "", **columns(found.macro)},
        *(
            {
                **both,
                "Data set": title(place),
                "A F1 %": round(found.rows[place][0].f1, 2),
                "B F1 %": round(found.rows[place][1].f1, 2),
                **columns(one),
            }
            for place, one in found.single.items()
        ),
    ]
