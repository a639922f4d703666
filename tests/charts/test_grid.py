"""Which rows may be compared with each other, and that the comparisons are those of the bootstrap."""

import numpy as np
import pytest
from grids import ROWS, grid_of
from hypothesis import given
from hypothesis import strategies as st
from rows import scored

from mma_core.bootstrap import RESAMPLES
from mma_core.charts.grid import GOLD_SETS, SILVER_SETS
from mma_core.languages import Tier


def test_rows_by_recipe_and_data_set() -> None:
    grid = grid_of()
    assert grid.recipes == ["int8", "layers:6", "layers:6+int8"]
    assert grid.places("teacher", "int8") == [("am", "uner"), ("de", "uner"), ("sw", "uner")]
    assert grid.places("teacher", "gone:3") == []
    assert grid.places() == []
    assert grid_of([]).recipes == []


def test_tiers_go_by_what_the_teacher_could_learn_from() -> None:
    tiers = grid_of().by_tier(grid_of().places("teacher"))
    assert tiers == {Tier.HIGH: [("de", "uner")], Tier.MID: [("sw", "uner")], Tier.ZERO: [("am", "uner")]}
    unknown = grid_of(labelled={})
    assert list(unknown.by_tier(unknown.places("teacher"))) == [None]


def test_gold_and_silver_stand_apart() -> None:
    rows = [*ROWS, scored("teacher", 95, "de", dataset="wikiann")]
    assert ("de", "wikiann") not in grid_of(rows, kind=GOLD_SETS).places("teacher")
    assert grid_of(rows, kind=SILVER_SETS).places("teacher") == [("de", "wikiann")]


def test_the_newest_row_stands() -> None:
    newer = scored("int8", 10, "de", date="2027-01-01")
    assert grid_of([newer, *ROWS]).rows["int8", ("de", "uner")] == newer


@pytest.mark.parametrize("other", [{"cpu": "another"}, {"threads": 1}])
def test_rows_are_of_the_machine_with_most_of_them(other: dict) -> None:
    elsewhere = [scored("int8", 10, code, date="2027-01-01", **other) for code in ("de", "sw")]
    grid = grid_of([*elsewhere, *ROWS])
    assert list(grid.rows.values()) == ROWS
    assert grid.left_out == 2


def test_of_two_machines_with_equally_many_rows_the_newer_is_taken() -> None:
    old, new = scored("int8", 20), scored("int8", 30, date="2027-01-01", cpu="another")
    assert list(grid_of([new, old]).rows.values()) == [new]


def test_rows_on_other_sentences_or_of_other_weights_are_left_out() -> None:
    fewer = scored("int8", 40, "de", of=50, date="2027-01-01")
    grid = grid_of([*ROWS, fewer])
    assert ("int8", ("de", "uner")) not in grid.rows
    assert grid.left_out == 1
    retrained = scored("teacher", 95, "de", date="2027-01-01", weights="ffff")
    assert list(grid_of([*ROWS, retrained]).rows.values()) == [retrained]
    assert grid_of([*ROWS, retrained]).left_out == len(ROWS)


def test_another_teacher_is_another_grid() -> None:
    assert grid_of([*ROWS, scored("int8", 1, "de", teacher="en")], teacher="en").left_out == 0
    assert grid_of(teacher="en").rows == {}


def test_macro_is_the_mean_as_measured_then_of_each_resample() -> None:
    grid = grid_of()
    found = grid.macro("int8", grid.places("int8"))
    assert found.shape == (1 + RESAMPLES,)
    assert found[0] == pytest.approx(np.mean([row.f1 for row in ROWS if row.recipe == "int8"]))


@given(st.integers(0, 40), st.integers(0, 40))
def test_differences_are_opposite_from_both_sides(ours: int, theirs: int) -> None:
    grid = grid_of([scored("int8", ours, of=40), scored("onnx", theirs, of=40)])
    one = grid.difference("int8", "onnx", grid.places("int8"))
    other = grid.difference("onnx", "int8", grid.places("int8"))
    assert (one.points, one.low, one.high, one.p) == pytest.approx((-other.points, -other.high, -other.low, other.p))
    assert one.low <= one.points + 1e-9 or ours != theirs
    assert (one.points > 0) == (ours > theirs)
