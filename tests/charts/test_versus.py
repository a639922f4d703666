"""A against B: verdicts follow the paired bootstrap of the rows' counts."""

import numpy as np
import pytest
from grids import ROWS, grid_of
from rows import scored

from mma_core import bootstrap
from mma_core.charts.versus import Duel, duel, forest, records, takeaway, verdict
from mma_core.results import Measurement

BETTER = [scored("int8", 90, "sw"), scored("onnx", 60, "sw")]


def duel_of(rows: list[Measurement] = ROWS, *, ours: str = "int8", theirs: str = "teacher") -> Duel:
    return duel(grid_of(rows), ours=ours, theirs=theirs)


def test_a_is_better_worse_or_not_surely_different() -> None:
    assert takeaway(duel_of(BETTER, ours="int8", theirs="onnx")).startswith(
        "int8 is better than onnx on Swahili, uner, +"
    )
    assert takeaway(duel_of(BETTER, ours="onnx", theirs="int8")).startswith(
        "onnx is worse than int8 on Swahili, uner, −"
    )
    same = [scored("int8", 60), scored("onnx", 60)]
    assert takeaway(duel_of(same, theirs="onnx")) == (
        "int8 is not surely different from onnx on German, uner, +0.0 [0.0, 0.0], p = 1.00."
    )


def test_takeaway_over_several_counts_and_names_the_largest() -> None:
    line = takeaway(duel_of())
    assert line.startswith("int8 is worse than teacher over 3 data sets, −7.7 [")
    assert "Surely better on 0, surely worse on 1. Most on Swahili, uner: −22.2 [" in line


def test_the_difference_is_the_one_of_the_paired_bootstrap() -> None:
    found = duel_of(BETTER, theirs="onnx").single["sw", "uner"]
    ours, theirs = (np.array(row.counts) for row in BETTER)
    expected = bootstrap.paired(ours, theirs, np.zeros(100, dtype=np.int64), 1)
    assert found.points == pytest.approx(expected.points)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1.5)
    assert found.p == expected.p == 0


def test_colours_say_who_wins() -> None:
    rows = [
        *BETTER,
        scored("int8", 20, "de"),
        scored("onnx", 70, "de"),
        scored("int8", 5, "am"),
        scored("onnx", 5, "am"),
    ]
    found = duel_of(rows, theirs="onnx")
    traces = forest(found).data
    assert len({trace.marker.color for trace in traces}) == 3
    assert sum(len(trace.x) for trace in traces) == 4
    assert list(forest(found).layout.yaxis.ticktext)[1:] == ["Swahili", "Amharic", "German"]
    assert "int8 is worse than onnx here" in " ".join(text for trace in traces for text in trace.hovertext)


def test_nothing_in_common_is_said() -> None:
    for rows in ([], [scored("int8", 90)]):
        found = duel_of(rows)
        assert takeaway(found) == "int8 and teacher were measured on no sentences in common."
        assert len(forest(found).data) == 0
        assert records(found) == []
    assert "same recipe" in takeaway(duel_of(ours="int8", theirs="int8"))


def test_records_hold_all_and_each() -> None:
    first, second, *_ = records(duel_of(BETTER, theirs="onnx"))
    assert (first["Data set"], second["Data set"], second["Sure"]) == ("All, macro", "Swahili, uner", "yes")
    assert second["A F1 %"] == pytest.approx(94.74)
    assert verdict(duel_of(), bootstrap.Difference(1.3, 0.2, 2.4, 0.02), "on Swahili") == (
        "int8 is better than teacher on Swahili, +1.3 [0.2, 2.4], p = 0.020."
    )
