"""F1 by entity type."""

import pytest
from grids import grid_of
from rows import scored

from mma_core.charts.entity_types import dots, records, takeaway, typed
from mma_core.charts.phrases import NONE_MEASURED

ROWS = [
    scored("teacher", 80, "de", per_type={"PER": 90.0, "ORG": 70.0, "LOC": 80.0}),
    scored("teacher", 80, "sw", per_type={"PER": 70.0, "ORG": 50.0}),
    scored("int8", 80, "de", per_type={"PER": 90.0, "ORG": 60.0, "LOC": 79.0}),
    scored("int8", 80, "sw", per_type={"PER": 70.0, "ORG": 48.0, "LOC": 0.0}),
]


def test_macro_over_the_data_sets_where_all_have_the_type() -> None:
    teacher, int8 = typed(grid_of(ROWS))
    assert teacher.f1 == pytest.approx({"PER": 80, "ORG": 60, "LOC": 80})
    assert int8.f1 == pytest.approx({"PER": 80, "ORG": 54, "LOC": 79})
    assert int8.sets == {"PER": 2, "ORG": 2, "LOC": 1}


def test_takeaway_names_the_type_that_loses_most() -> None:
    assert takeaway(typed(grid_of(ROWS))) == (
        "Over 1 recipe and 1 to 2 data sets organisations lose most: organisations −6.0, locations −1.0, "
        "persons +0.0 points on average; "
        "the deepest loss is organisations under int8: −6.0."
    )


def test_a_recipe_for_one_language_costs_the_others_none() -> None:
    codes = ("de", "sw", "am")
    rows = [scored(recipe, 80, code) for recipe in ("teacher", "int8") for code in codes]
    found = typed(grid_of([*rows, scored("time:sw,s", 80, "sw")]))
    assert [(one.recipe, one.sets["PER"]) for one in found] == [("teacher", 3), ("int8", 3)]


def test_no_loss_no_teacher_and_nothing() -> None:
    same = [scored(recipe, 80, per_type={"PER": 90.0}) for recipe in ("teacher", "int8")]
    assert takeaway(typed(grid_of(same))) == (
        "No type loses under any recipe over 1 data set; the teacher has persons 90.0."
    )
    assert takeaway(typed(grid_of(ROWS[2:]))) == (
        "int8 is best at persons: persons 80.0, organisations 54.0, locations 39.5, over 2 data sets."
    )
    assert takeaway(typed(grid_of([]))) == NONE_MEASURED
    assert len(dots([]).data) == 0
    assert typed(grid_of([scored("int8", 0, per_type={})])) == []


def test_one_marker_a_type_in_shapes_and_colours_of_their_own() -> None:
    figure = dots(typed(grid_of(ROWS)))
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.data}) == 3
    assert list(figure.layout.yaxis.ticktext) == ["teacher", "int8"]
    assert "teacher 60.0%, −6.0 points" in figure.data[1].hovertext[1]
    assert len(records(typed(grid_of(ROWS)))) == 6


def test_intervals_of_one_data_set_and_of_a_mean() -> None:
    bounds = {"PER": [87.0, 94.0], "ORG": [64.0, 75.0]}
    rows = [
        scored("teacher", 80, "de", per_type={"PER": 90.0, "ORG": 70.0}, per_type_bounds=bounds),
        scored("teacher", 80, "sw", per_type={"PER": 70.0}, per_type_bounds={"PER": [66.0, 73.0]}),
        scored("int8", 80, "de", per_type={"PER": 90.0, "ORG": 60.0}),
        scored("int8", 80, "sw", per_type={"PER": 70.0}),
    ]
    teacher, old = found = typed(grid_of(rows))
    assert teacher.bounds == {"PER": pytest.approx((80 - 5 / 2, 80 + 5 / 2)), "ORG": pytest.approx((64, 75))}
    assert old.bounds == {}
    persons = dots(found).data[0]
    assert list(persons.error_x.array) == list(persons.error_x.arrayminus) == pytest.approx([2.5, 0])
    assert "95% interval [77.5, 82.5]" in persons.hovertext[0]
    assert "interval" not in persons.hovertext[1]
    table = records(found)
    assert [(row["95% from"], row["95% to"]) for row in table] == [(77.5, 82.5), (64, 75), ("", ""), ("", "")]
