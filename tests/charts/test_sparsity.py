"""Sparsity by tier: which recipes, on which data sets, and how sure."""

from typing import Any

import pytest
from robustness_rows import LABELLED, ROWS, SPARSE, STRENGTHS, row, rows

from mma_core.charts import robustness
from mma_core.charts import sparsity as charts
from mma_core.languages import Tier
from mma_core.results import Robustness


def cells(found: list[Robustness]) -> list[Robustness]:
    return robustness.cells(found, teacher="multi", perturbation="typos")


def counted(recipe: str, *right: int, **other: Any) -> list[Robustness]:
    """Rows with the F1 of their counts: 100 sentences of one entity each, so many of which are found."""
    return [
        row(recipe, strength, 200 * n / (n + 100), counts=[[1, 1, 1]] * n + [[0, 0, 1]] * (100 - n), **other)
        for strength, n in zip(STRENGTHS, right, strict=True)
    ]


def test_by_tier() -> None:
    found = charts.kept(cells(SPARSE), LABELLED)
    assert [(one.tier, one.embeddings, one.sparsity, round(one.kept, 6), one.sets) for one in found] == [
        (Tier.HIGH, False, 0, 50, 1),
        (Tier.HIGH, False, 0.9, 25, 1),
        (Tier.HIGH, True, 0, 50, 1),
        (Tier.HIGH, True, 0.5, 55, 1),
        (Tier.MID, False, 0, 50, 1),
        (Tier.MID, False, 0.9, 5, 1),
        (Tier.MID, True, 0, 50, 1),
        (Tier.MID, True, 0.5, 45, 1),
    ]
    assert charts.takeaway(found, "typos") == (
        "F1 that the teacher keeps under the perturbation, dense → 90% sparse: "
        "high-resource 50% → 25%, mid-resource 50% → 5%."
    )
    figure = charts.lines(found)
    assert [trace.name for trace in figure.data] == [
        "high-resource",
        "high-resource, embeddings too",
        "mid-resource",
        "mid-resource, embeddings too",
    ]
    assert list(figure.data[1].x) == [0, 0.5]
    assert figure.data[1].line.dash == "dash"
    assert figure.data[0].hovertext[0] == ("<b>onnx</b>, high-resource<br>dense<br>keeps 50.0% of its F1<br>1 data set")


def test_the_recipe_with_most_sparse_ones_is_shown() -> None:
    student = [*rows("minilm:4x256", 80, 60, 60), *rows("minilm:4x256+sparse:0.9", 80, 60, 40)]
    more = [*SPARSE, *student, *rows("minilm:4x256+sparse:0.5", 80, 60, 50), *rows("minilm:4x256+sparse:0.7", 8, 6, 5)]
    found = charts.kept(cells(more), LABELLED)
    assert {one.base for one in found} == {"minilm:4x256"}
    assert [(one.recipe, one.sparsity, one.kept) for one in found] == [
        ("minilm:4x256", 0, 75),
        ("minilm:4x256+sparse:0.5", 0.5, 62.5),
        ("minilm:4x256+sparse:0.7", 0.7, 62.5),
        ("minilm:4x256+sparse:0.9", 0.9, 50),
    ]
    assert charts.takeaway(found, "typos").startswith("F1 that minilm:4x256 keeps under the perturbation, dense → 90%")
    fewest = charts.kept(cells([*SPARSE, *student, *rows("layers:6+sparse:0.5", 1, 1, 1)]), LABELLED)
    assert {one.base for one in fewest} == {""}
    alike = [
        *rows("layers:6+sparse:0.5", 1, 1, 1),
        *rows("heads:6+sparse:0.5", 1, 1, 1),
        *rows("a+b+sparse:0.5", 1, 1, 1),
    ]
    assert {one.base for one in charts.kept(cells(alike), LABELLED)} == {"heads:6"}


def test_a_recipe_that_lacks_a_data_set_costs_its_tier_that_set_and_no_other_tier() -> None:
    more = [one for recipe in ("onnx", "sparse:0.9") for one in rows(recipe, 50, 40, 30, dataset="ncbi")]
    found = charts.kept(cells([*SPARSE, *more]), LABELLED)
    assert {(one.tier, one.sets) for one in found} == {(Tier.HIGH, 1), (Tier.MID, 1)}
    lacking = [one for one in SPARSE if (one.recipe, one.language) != ("sparse:0.9", "sw")]
    found = charts.kept(cells(lacking), LABELLED)
    assert [(one.tier, one.recipe) for one in found if one.tier is Tier.MID] == [
        (Tier.MID, "onnx"),
        (Tier.MID, "sparse:0.5,emb"),
    ]
    assert charts.takeaway(found, "typos").endswith("high-resource 50% → 25%, mid-resource 50% → 45% (at 50%).")


def test_many_data_sets_of_the_dense_model_leave_no_sparse_one_out() -> None:
    many = [one for number in range(5) for one in rows("onnx", 50, 40, 30, dataset=f"set{number}")]
    assert charts.kept(cells([*SPARSE, *many]), LABELLED) == charts.kept(cells(SPARSE), LABELLED)


def test_intervals_are_of_pairs_of_the_same_sentences() -> None:
    steady, falling = counted("sparse:0.5", 50, 50, 50), counted("sparse:0.9", 50, 40, 20)
    same, less = charts.kept(cells([*steady, *falling]), LABELLED)
    assert same.interval == pytest.approx((100, 100))
    assert less.interval is not None
    assert less.interval[0] < less.kept < less.interval[1]
    (line,) = charts.lines([same, less]).data
    assert list(line.error_y.array) == pytest.approx([0, less.interval[1] - less.kept])
    assert "95% interval [" in line.hovertext[1]


def test_rows_without_counts_have_no_interval() -> None:
    found = charts.kept(cells(SPARSE), LABELLED)
    assert {one.interval for one in found} == {None}
    assert set(charts.lines(found).data[0].error_y.array) == {0}


def test_a_teacher_of_unknown_training_and_no_dense_row() -> None:
    (one,) = charts.kept(cells(rows("sparse:0.9", 40, 30, 10)), {})
    assert (one.tier, one.kept) == (None, 25)
    assert charts.takeaway([one], "typos").endswith("90% sparse: tier not known 25%.")
    assert charts.lines([one]).data[0].name == "tier not known"


def test_no_sparse_recipes_yet() -> None:
    assert charts.kept(cells(ROWS), LABELLED) == []
    assert "\npython -m mma_core robustness onnx sparse:0.5 " in charts.takeaway([], "typos")
    assert charts.takeaway([], "typos").endswith("--perturbations typos")
    assert "No sparse recipes" in charts.lines([]).layout.annotations[0].text
