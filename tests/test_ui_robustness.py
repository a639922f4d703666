"""The Robustness tab's handlers called as plain functions."""

import csv
import html
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import robustness_rows as given

from mma_core import builtin, results
from mma_core.charts.speed import ALL_SETS
from mma_core.measure.perturb import PERTURBATIONS
from mma_core.ui import robustness

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A table of its own, and a teacher that saw German and Swahili."""
    monkeypatch.setattr(results, "ROBUSTNESS", tmp_path / "robustness.jsonl")
    monkeypatch.setattr(builtin, "labelled", lambda teacher: given.LABELLED if teacher == "multi" else {})
    results.append(results.ROBUSTNESS, given.ROWS)


def refreshed(teacher: str | None = "multi", perturbation: str = "typos", view: str = ALL_SETS) -> list[Any]:
    return robustness.refresh(teacher, perturbation, view)


def test_curves_table_and_what_is_said(table: None) -> None:
    said, figure, cells, sparse, sparse_figure = refreshed()
    assert "At 100%, onnx keeps 50% of its F1" in html.unescape(said)
    assert html.escape(PERTURBATIONS["typos"].summary) in said
    assert [trace.name for trace in figure.data if trace.name] == ["onnx", "int8"]
    assert len(cells["data"]) == len(given.ROWS)
    assert all(len(row) == len(cells["headers"]) for row in cells["data"])
    assert cells["data"][0] == ["int8", "German", "uner", "0%", "80.0 [77.0, 84.0]", 0.0, 0.0, 200]
    assert "No sparse recipe" in sparse
    assert "No sparse recipe" in sparse_figure.layout.annotations[0].text


def test_one_data_set(table: None) -> None:
    _, figure, cells, *_ = refreshed(view="sw/uner")
    assert {row[1] for row in cells["data"]} == {"Swahili"}
    assert list(figure.data[1].y) == [60, 50, 30]


def test_sparse_recipes_are_drawn_over_all_data_sets(table: None) -> None:
    results.append(results.ROBUSTNESS, given.SPARSE)
    *_, sparse, figure = refreshed(view="de/uner")
    assert "mid-resource 50% → 5%" in sparse
    assert len(figure.data) == 4


def test_the_rows_behind_both_charts_can_be_fetched(table: None) -> None:
    results.append(results.ROBUSTNESS, given.SPARSE)
    with Path(robustness.csv_file("multi", "typos", "de/uner")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["recipe"], row["strength"], row["f1"]) for row in rows[:3]] == [
        ("int8", "0.0", "80"),
        ("int8", "0.5", "50"),
        ("int8", "1.0", "20"),
    ]
    assert {row["language"] for row in rows} == {"de"}
    assert "counts" not in rows[0]
    with Path(robustness.sparse_csv_file("multi", "typos")).open(encoding="utf-8", newline="") as file:
        points = list(csv.DictReader(file))
    assert (points[1]["Recipe"], points[1]["Tier"], points[1]["F1 kept %"]) == ("sparse:0.9", "high-resource", "25.0")
    with pytest.raises(gr.Error, match="no measurements"):
        robustness.csv_file("multi", "caps", ALL_SETS)
    with pytest.raises(gr.Error, match="no measurements"):
        robustness.sparse_csv_file(None, "typos")


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_perturbation_has_a_view_or_says_what_to_run(table: None, name: str) -> None:
    said, figure, cells, *_ = refreshed(perturbation=name)
    if name != "typos":
        assert f"<code>python -m mma_core robustness int8 onnx --perturbations {name}</code>" in said
        assert "Nothing to draw" in figure.layout.annotations[0].text
        assert cells["data"] == []


def test_no_table_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "ROBUSTNESS", tmp_path / "none.jsonl")
    assert "<code>python -m mma_core robustness" in refreshed(teacher=None)[0]
    teacher, _, view = robustness.choices(None, "typos", ALL_SETS)
    assert (teacher["value"], teacher["visible"], view["value"]) == (None, False, ALL_SETS)


def test_choices_are_what_has_rows_and_stay_chosen(table: None) -> None:
    teacher, _, view = robustness.choices(None, "typos", "sw/uner")
    assert (teacher["value"], teacher["visible"], view["value"]) == ("multi", False, "sw/uner")
    assert view["choices"] == [robustness.ALL, ("German, uner", "de/uner"), ("Swahili, uner", "sw/uner")]
    assert robustness.choices("multi", "caps", "sw/uner")[-1]["value"] == ALL_SETS
    results.append(results.ROBUSTNESS, given.rows("onnx", 1, 1, 1, teacher="mine"))
    assert robustness.choices("mine", "typos", ALL_SETS)[0]["visible"] is True


def test_names_from_tables_are_escaped(table: None) -> None:
    results.append(results.ROBUSTNESS, given.rows("a<b>", 80, 0, 0) + given.rows("a<b>", 80, 0, 0, language="sw"))
    assert "<b>" not in refreshed()[0]


def test_a_damaged_table_is_a_notice(table: None) -> None:
    results.ROBUSTNESS.write_text("not json\n", encoding="utf-8")
    with pytest.raises(gr.Error, match="not a measurement"):
        refreshed()
    with pytest.raises(gr.Error, match="not a measurement"):
        robustness.choices("multi", "typos", ALL_SETS)
