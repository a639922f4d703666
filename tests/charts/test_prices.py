"""The price list along the frontier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import row

from mma_core.charts import ALL_SETS, AXES, EMPTY, Series, series
from mma_core.charts.prices import purchases, records, staircase, takeaway
from mma_core.charts.speed import UNKNOWN

SIZE = AXES["size_mb"]
ROWS = [
    row("teacher", 90, 1, size_mb=400.0),
    row("int8", 89, 2, size_mb=100.0),
    row("layers:6", 60, 2, size_mb=300.0),
    row("layers:6+int8", 59, 4, size_mb=80.0),
]


def one(rows: list) -> Series:
    return series(rows, own=False, view=ALL_SETS)[0]


def test_the_frontier_is_bought_step_by_step() -> None:
    found = purchases(one(ROWS), SIZE)
    assert [(step.row.recipe, step.cost) for step in found] == [("layers:6+int8", 80), ("int8", 100), ("teacher", 400)]
    assert found[0].price is None
    assert [step.price for step in found[1:]] == pytest.approx([30 / 20, 1 / 300])


def test_takeaway_names_cheapest_best_buy_and_dearest() -> None:
    assert takeaway(purchases(one(ROWS), SIZE), SIZE) == (
        "80.0 MB buy 59.0 F1 (layers:6+int8); the best buy from there on is int8, 30.0 points for 20.0 MB more; "
        "the dearest is teacher, 1.0 points for 300 MB more."
    )


def test_a_single_recipe_is_all_one_can_buy() -> None:
    found = purchases(one(ROWS[:1]), SIZE)
    assert takeaway(found, SIZE) == (
        "400 MB buy 90.0 F1 (teacher), and nothing that costs more is better by a tenth of a point."
    )
    assert len(staircase(found, SIZE).data[0].x) == 1
    assert "best buy" in takeaway(purchases(one(ROWS[1:]), SIZE), SIZE)


def test_nothing_known_and_nothing_measured() -> None:
    energy = AXES["energy_j_per_1k_words"]
    found = purchases(one(ROWS), energy)
    assert takeaway(found, energy) == UNKNOWN
    assert takeaway([], energy, measured=False) == EMPTY
    assert len(staircase(found, energy).data) == 0
    assert records(found, energy) == []


def test_stairs_intervals_and_records() -> None:
    found = purchases(one(ROWS), SIZE)
    (line,) = staircase(found, SIZE).data
    assert line.line.shape == "hv"
    assert list(line.text) == ["layers:6+int8 ", "int8 ", "teacher "]
    assert "30.00 points for 20.0 MB more than layers:6+int8" in line.hovertext[1]
    assert [record["More cost"] for record in records(found, SIZE)] == ["", 20, 300]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8))
def test_costs_and_f1_rise_along_the_frontier(points: list[tuple[int, int]]) -> None:
    rows = [row(f"layers:{index + 1}", float(f1), size_mb=float(size)) for index, (size, f1) in enumerate(points)]
    found = purchases(one(rows), SIZE)
    assert all(step.more > 0 and step.points > 0 for step in found[1:])
    assert found[0].cost == min(size for size, _ in points)
    assert found[-1].row.f1 == max(f1 for _, f1 in points)


def test_points_that_round_to_none_are_not_called_a_buy() -> None:
    found = purchases(
        one([row("teacher", 90.03, 1, size_mb=400.0), *ROWS[1:2], row("onnx", 90, 2, size_mb=200.0)]), SIZE
    )
    assert takeaway(found, SIZE) == (
        "100 MB buy 89.0 F1 (int8); the best buy from there on is onnx, 1.0 points for 100 MB more; "
        "the dearest is teacher, 0.03 points for 200 MB more."
    )
