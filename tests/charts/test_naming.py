"""Of names above a frontier's points: which are printed, and that an axis has room for the last."""

import pytest
from rows import row

from mma_core.charts import AXES, SPEEDUP
from mma_core.charts.naming import names, reach

SIZE = AXES["size_mb"]


def points(**values: tuple[float, float]) -> list[tuple[object, float]]:
    return [(row(name, f1), value) for name, (value, f1) in values.items()]


def test_a_name_that_would_run_into_the_next_is_left_out() -> None:
    near = points(teacher=(1.0, 80), onnx=(1.05, 80), int8=(4.0, 80))
    assert names(near, SPEEDUP) == ["", " onnx", " int8"]
    assert names(near, SPEEDUP, silent="teacher") == ["", " onnx", " int8"]
    assert names([near[0], near[2]], SPEEDUP) == [" teacher", " int8"]
    assert names([near[0], near[2]], SPEEDUP, silent="teacher") == ["", " int8"]
    assert names([], SPEEDUP) == []


def test_names_on_other_levels_do_not_meet() -> None:
    assert names(points(teacher=(1.0, 90), onnx=(1.05, 85), int8=(4.0, 40)), SPEEDUP) == [" teacher", " onnx", " int8"]
    assert names(points(teacher=(1.0, 90), onnx=(1.05, 89), int8=(4.0, 40)), SPEEDUP) == ["", " onnx", " int8"]


def test_names_stand_on_the_better_side_of_a_cost_too() -> None:
    assert names(points(teacher=(400.0, 80), int8=(390.0, 80), bf16=(9.0, 80)), SIZE) == ["", "int8 ", "bf16 "]


def test_an_axis_has_room_for_the_name_of_the_best() -> None:
    short = reach([("teacher", 1.0), ("a", 10.0)], SPEEDUP)
    long = reach([("teacher", 1.0), ("a" * 60, 10.0)], SPEEDUP)
    assert short[0] == long[0] == pytest.approx(-0.06)
    assert 1 < short[1] < long[1]
    # The axis of a cost is turned round, so the room is at its lower end.
    low, high = reach([("teacher", 100.0), ("a" * 60, 10.0)], SIZE)
    assert low < 0.7
    assert high == pytest.approx(2.06)
