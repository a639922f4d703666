"""Kinds of error against the teacher's."""

import pytest
from grids import ROWS, grid_of
from hypothesis import given
from hypothesis import strategies as st
from rows import scored

from mma_core.charts.mistakes import KINDS, bars, mistakes, records, takeaway
from mma_core.charts.phrases import NONE_MEASURED


def errors(missed: int, invented: int, types: int = 0, borders: int = 0) -> dict[str, int]:
    return {"right": 50, "missed": missed, "invented": invented, "wrong type": types, "wrong border": borders}


ROWS_OF_ERRORS = [
    scored("teacher", 80, errors=errors(10, 5, 3, 2)),
    scored("int8", 79, errors=errors(10, 6, 3, 2)),
    scored("layers:6", 40, errors=errors(40, 10, 3, 2)),
]


def test_rates_are_for_100_entities_of_the_shared_data_sets() -> None:
    rows = [*ROWS_OF_ERRORS, scored("teacher", 1, "sw")]
    teacher, int8, layers = mistakes(grid_of(rows))
    assert [one.recipe for one in (teacher, int8, layers)] == ["teacher", "int8", "layers:6"]
    assert teacher.places == (("de", "uner"),)
    assert (teacher.entities, teacher.rate("missed"), teacher.total) == (100, 10, 20)


def test_a_recipe_for_one_language_costs_the_others_none() -> None:
    found = mistakes(grid_of([*ROWS, scored("time:sw,s", 80, "sw")]))
    assert [(one.recipe, len(one.places)) for one in found] == [
        *(("teacher", 3), ("int8", 3), ("layers:6", 3), ("layers:6+int8", 3))
    ]


def test_takeaway_names_who_adds_most_and_of_which_kind() -> None:
    assert takeaway(mistakes(grid_of(ROWS_OF_ERRORS))) == (
        "The teacher makes 20.0 errors for 100 entities of 1 data set; layers:6 makes 35.0 more, above all missed "
        "(+30.0). Nearest is int8 (+1.0)."
    )
    same = [scored("teacher", 80), scored("int8", 80)]
    assert takeaway(mistakes(grid_of(same))).endswith("no recipe makes more.")


def test_bars_show_the_change_or_the_whole() -> None:
    found = mistakes(grid_of(ROWS_OF_ERRORS))
    change = {trace.name: list(trace.x) for trace in bars(found, change=True).data}
    assert change == {"missed": [0, 30], "invented": [1, 5], "wrong type": [0, 0], "wrong border": [0, 0]}
    whole = bars(found, change=False)
    assert list(whole.layout.yaxis.ticktext) == ["teacher", "int8", "layers:6"]
    assert list(whole.data[0].x) == [10, 10, 40]
    assert "teacher 10.00, +30.0" in bars(found, change=True).data[0].hovertext[1]


def test_without_the_teacher_the_whole_is_shown() -> None:
    found = mistakes(grid_of(ROWS_OF_ERRORS[1:]))
    assert len(bars(found, change=True).data[0].x) == 2
    assert takeaway(found) == ("int8 makes fewest: 21.0 errors for 100 entities of 1 data set; no row of the teacher.")


def test_nothing_and_the_teacher_alone() -> None:
    assert takeaway(mistakes(grid_of([]))) == NONE_MEASURED
    assert len(bars([], change=True).data) == 0
    alone = mistakes(grid_of(ROWS_OF_ERRORS[:1]))
    assert takeaway(alone) == "Only the teacher so far: 20.0 errors for 100 entities of 1 data set."
    assert len(bars(alone, change=True).data) == 0
    assert records(mistakes(grid_of(ROWS)))[0]["Data sets"] == 3


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_kinds_add_up_to_the_total(counts: list[int]) -> None:
    (one,) = mistakes(grid_of([scored("int8", 10, errors=errors(*counts))]))
    assert one.total == pytest.approx(sum(one.rate(kind) for kind in KINDS)) == pytest.approx(sum(counts))
