"""Who pays: markers over training sentences, macro differences by tier."""

import pytest
from grids import ROWS, grid_of
from rows import scored

from mma_core.charts.disparity import UNKNOWN, disparity, records, scatter, takeaway
from mma_core.charts.phrases import NONE_MEASURED
from mma_core.languages import Tier


def test_the_tier_that_pays_is_named_with_its_interval() -> None:
    found = disparity(grid_of(), "int8")
    assert found.tiers[Tier.MID].points == pytest.approx(200 * 50 / 150 - 200 * 80 / 180)
    line = takeaway(found)
    assert line.startswith("int8: mid-resource languages pay most, −22.2 [")
    assert "points, macro over 1 data set; zero-shot −0.9 [" in line
    assert "high-resource +0.0 [0.0, 0.0]." in line


def test_who_surely_pays_need_not_pay_most() -> None:
    rows = [scored("teacher", 90), scored("int8", 80), scored("teacher", 2, "am", of=4), scored("int8", 1, "am", of=4)]
    line = takeaway(disparity(grid_of(rows), "int8"))
    assert line.startswith("int8: high-resource languages surely pay, −5.8 [")
    assert "; zero-shot −26.7 [" in line


def test_when_nobody_surely_pays_it_says_so() -> None:
    rows = [scored("teacher", 80, "de"), scored("int8", 80, "de")]
    assert takeaway(disparity(grid_of(rows), "int8")) == (
        "No tier surely pays for int8: high-resource +0.0 [0.0, 0.0]."
    )


def test_zero_shot_stands_left_of_all_others() -> None:
    figure = scatter(disparity(grid_of([*ROWS, scored("teacher", 9, "fa"), scored("int8", 9, "fa")]), "int8"))
    points = {trace.name: list(trace.x) for trace in figure.data if trace.mode != "lines"}
    assert points["high-resource"] == [20_000]
    assert points["mid-resource"] == [5_000]
    assert len(set(points["zero-shot"])) == 2
    assert max(points["zero-shot"]) < 5_000
    assert figure.layout.xaxis.ticktext[0] == "none"
    assert figure.layout.xaxis.type == "log"


def test_only_zero_shot_languages_are_drawn_too() -> None:
    rows = [scored("teacher", 50, "am"), scored("int8", 30, "am")]
    assert len(scatter(disparity(grid_of(rows), "int8")).data) == 2


def test_unknown_training_and_no_rows_are_said() -> None:
    assert takeaway(disparity(grid_of(labelled={}), "int8")) == UNKNOWN
    assert takeaway(disparity(grid_of([]), "int8")) == NONE_MEASURED
    assert takeaway(disparity(grid_of(), "gone:3")) == NONE_MEASURED
    assert len(scatter(disparity(grid_of(labelled={}), "int8")).data) == 0


def test_hover_and_records() -> None:
    found = disparity(grid_of(), "int8")
    text = " ".join(text for trace in scatter(found).data for text in trace.hovertext)
    assert "20,000 labelled training sentences, 2,000 of them seen" in text
    assert [one["Data set"] for one in records(found)] == [
        *("high-resource, macro", "mid-resource, macro", "zero-shot, macro"),
        *("German, uner", "Swahili, uner", "Amharic, uner"),
    ]
