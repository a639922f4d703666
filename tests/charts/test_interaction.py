"""Combinations against the product of their halves."""

import pytest
from grids import ROWS, grid_of
from hypothesis import given
from hypothesis import strategies as st
from rows import scored

from mma_core.charts.interaction import EMPTY, Interaction, interactions, matrix, records, takeaway


def test_expected_is_the_product_and_the_mean_is_geometric() -> None:
    (found,) = interactions(grid_of())
    f1 = {(row.recipe, row.language): row.f1 for row in ROWS}
    product = 1.0
    for code in ("de", "sw", "am"):
        for part in ("int8", "layers:6"):
            product *= (f1[part, code] / f1["teacher", code]) ** (1 / 3)
    assert found.expected.value == pytest.approx(100 * product)
    assert found.surplus.value == pytest.approx(found.measured.value - found.expected.value)
    assert found.surplus.high < 0
    assert found.measured.low < found.measured.value < found.measured.high
    line = takeaway([found])
    assert line.startswith(
        "Of 1 pair of techniques, 1 keeps surely less than the product of the halves; most of all layers:6 with int8: "
    )


def test_equal_to_the_product_is_no_surprise() -> None:
    rows = [scored(recipe, 80) for recipe in ("teacher", "int8", "layers:6", "layers:6+int8")]
    assert takeaway(interactions(grid_of(rows))).startswith("Techniques multiply")


def test_better_than_the_product_is_said() -> None:
    rows = [scored("teacher", 90), scored("int8", 50), scored("layers:6", 50), scored("layers:6+int8", 50)]
    assert "1 keeps surely more than" in takeaway(interactions(grid_of(rows)))


@pytest.mark.parametrize("missing", ["teacher", "int8", "layers:6", "layers:6+int8"])
def test_what_lacks_a_part_is_left_out(missing: str) -> None:
    found = interactions(grid_of([row for row in ROWS if row.recipe != missing]))
    assert found == []
    assert takeaway(found) == EMPTY
    assert "mma_core bench" in matrix(found).layout.annotations[0].text


def test_steps_that_are_gone_from_the_grammar_count_too() -> None:
    rows = [scored("teacher", 90), scored("gone:3", 80), scored("int8", 85), scored("gone:3+int8", 70)]
    (found,) = interactions(grid_of(rows))
    assert (found.first, found.second) == ("gone:3", "int8")
    assert records([found])[0]["First"] == "gone:3"


def test_a_combination_of_three_is_cut_wherever_both_halves_were_measured() -> None:
    recipes = {"layers:6": 60, "vocab:de": 80, "int8": 75, "layers:6+vocab:de": 50, "layers:6+vocab:de+int8": 40}
    rows = [scored("teacher", 90), *(scored(recipe, right) for recipe, right in recipes.items())]
    found = interactions(grid_of(rows))
    assert {(one.first, one.second) for one in found} == {("layers:6", "vocab:de"), ("layers:6+vocab:de", "int8")}


def test_a_cell_a_pair_marked_where_it_is_sure() -> None:
    sure = interactions(grid_of())
    rows = [scored(recipe, 80, "de") for recipe in ("teacher", "vocab:de", "bf16", "vocab:de+bf16")]
    heat, marks = matrix([*sure, *interactions(grid_of(rows))]).data
    assert [[text.split("<br>")[-1] for text in row] for row in heat.text] == [
        ["", f"({_expected(sure)})"],
        ["(100.0)", ""],
    ]
    assert list(marks.x) == [1]
    assert "layers:6 alone keeps" in heat.hovertext[0][1]


@pytest.mark.parametrize(("both", "end"), [(81, 5), (73, 10), (60, 20), (20, 20)])
def test_colours_end_at_a_round_number_beyond_the_differences(both: int, end: int) -> None:
    alone = {"teacher": 90, "int8": 85, "layers:6": 85, "layers:6+int8": both}
    rows = [scored(recipe, right) for recipe, right in alone.items()]
    heat, _ = matrix(interactions(grid_of(rows))).data
    assert (heat.zmin, heat.zmax) == (-end, end)


def _expected(found: list[Interaction]) -> str:
    return f"{found[0].expected.value:.1f}"


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 30), st.integers(0, 30))
def test_shares_lie_in_their_intervals_ends(teacher: int, one: int, other: int, both: int) -> None:
    rows = [
        *(scored("teacher", teacher, of=30), scored("int8", one, of=30)),
        *(scored("layers:6", other, of=30), scored("layers:6+int8", both, of=30)),
    ]
    (found,) = interactions(grid_of(rows))
    for share in (found.expected, found.measured, found.surplus):
        assert share.low <= share.high
    assert found.expected.value > 0
