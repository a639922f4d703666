"""Ladders: recipes that differ in one step's number."""

import pytest
from grids import LABELLED, ROWS, grid_of
from hypothesis import given
from hypothesis import strategies as st
from rows import scored

from mma_core.charts.ladder import ALWAYS, ladder, missing, patterns, records, steps, takeaway
from mma_core.languages import Tier

SPARSE = [
    scored(recipe, right, code)
    for recipe, rights in (("teacher", (90, 80)), ("sparse:0.5", (90, 80)), ("sparse:0.9", (80, 40)))
    for code, right in zip(("de", "sw"), rights, strict=True)
]


def test_every_step_with_one_number_is_a_ladder_and_sparsity_always() -> None:
    assert patterns([]) == [ALWAYS]
    assert patterns(["layers:6", "layers:10", "layers:6+int8", "int8", "vocab:de,en", "gone:3"]) == [
        *("layers:N", "gone:N", "layers:N+int8", "sparse:N")
    ]


def test_one_line_a_tier_by_number() -> None:
    found = ladder(grid_of(SPARSE), "sparse:N")
    figure = steps(found, retention=True)
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [
        ("high-resource", [0.5, 0.9]),
        ("mid-resource", [0.5, 0.9]),
    ]
    assert list(figure.data[0].y) == pytest.approx([100, 100 * (160 / 180) / (180 / 190)])
    assert [shape.y0 for shape in figure.layout.shapes] == pytest.approx([99.9, 99])
    plain = steps(found, retention=False)
    assert list(plain.data[0].y) == pytest.approx([18_000 / 190, 16_000 / 180])
    assert len(plain.layout.shapes) == 0


def test_a_rung_of_one_language_takes_none_from_the_others() -> None:
    codes = ("de", "sw", "yo")
    rows = [scored(recipe, 80, code) for recipe in ("teacher", "sparse:0.5", "sparse:0.7") for code in codes]
    found = ladder(grid_of([*rows, scored("sparse:0.9", 10, "de")]), "sparse:N")
    assert {rung.recipe for rung in found.rungs} == {"sparse:0.5", "sparse:0.7"}
    assert {place for rung in found.rungs for place in rung.places} == {(code, "uner") for code in codes}
    alone = ladder(grid_of([*rows[:3], scored("sparse:0.9", 10, "de")]), "sparse:N")
    assert [rung.recipe for rung in alone.rungs] == ["sparse:0.9"]


def test_takeaway_names_the_hardest_rung_by_tier_and_the_safe_ones() -> None:
    line = takeaway(ladder(grid_of(SPARSE), "sparse:N"))
    assert line.startswith("At sparse:0.9, the hardest rung, of the teacher's macro F1 is kept: mid-resource 64.3% [")
    assert "] over 1 data set, high-resource " in line
    assert line.endswith("Every tier keeps 99% at 0.5.")
    assert takeaway(ladder(grid_of(), "layers:N")).endswith("No rung keeps 99% in every tier.")


@pytest.mark.parametrize("rows", [[], ROWS, [row for row in SPARSE if row.recipe != "teacher"]])
def test_no_rungs_say_what_to_run(rows: list) -> None:
    found = ladder(grid_of(rows), "sparse:N")
    assert "python -m mma_core bench sparse:0.5" in takeaway(found) == missing("sparse:N")
    assert "sparse:0.5" in steps(found, retention=True).layout.annotations[0].text
    assert records(found) == []


def test_other_steps_may_stand_beside_and_unknown_tiers_are_one() -> None:
    found = ladder(grid_of(labelled={}), "layers:N+int8")
    assert [(rung.recipe, rung.number, rung.tier) for rung in found.rungs] == [("layers:6+int8", 6, None)]
    assert steps(found, retention=True).data[0].name == "tier not known"
    assert records(found)[0]["Tier"] == "tier not known"


@given(st.lists(st.tuples(st.sampled_from((0.5, 0.7, 0.9)), st.integers(0, 20)), max_size=4, unique_by=lambda r: r[0]))
def test_there_is_a_rung_for_every_recipe_and_tier(given_rungs: list[tuple[float, int]]) -> None:
    rows = [scored("teacher", 15, code, of=20) for code in LABELLED]
    rows += [scored(f"sparse:{number}", right, code, of=20) for number, right in given_rungs for code in LABELLED]
    found = ladder(grid_of(rows), "sparse:N")
    assert len(found.rungs) == 2 * len(given_rungs)
    assert {rung.tier for rung in found.rungs} <= {Tier.HIGH, Tier.MID}
    assert all(rung.f1[1] <= rung.f1[2] for rung in found.rungs)
