"""The Languages tab's handlers called as plain functions."""

import html
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from test_charts import row

from mma_core import builtin, results
from mma_core.charts.by_language import ALL_TYPES
from mma_core.ui import languages

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PER_TYPE = {"PER": 91.0, "ORG": 70.0, "LOC": 80.5}
ROWS = [
    row("teacher", 80, 1, language="sw", dataset="masakhaner2", per_type=PER_TYPE),
    row("int8", 76, 2, language="sw", dataset="masakhaner2", per_type={"PER": 90.0}),
    row("teacher", 50, 1, language="am", dataset="transfer"),
    row("layers:6<b>", 40, 1, language="am", dataset="transfer"),
    row("teacher", 90, 1, language="de", dataset="wikiann"),
]


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two tables of their own, and a teacher that saw Swahili only."""
    monkeypatch.setattr(results, "PRECOMPUTED", tmp_path / "shipped.jsonl")
    monkeypatch.setattr(results, "own_path", lambda: tmp_path / "own.jsonl")
    labelled = {"sw": builtin.Labelled(5_000, 1_000)}
    monkeypatch.setattr(builtin, "labelled", lambda teacher: labelled if teacher == "multi" else {})
    results.append(results.PRECOMPUTED, ROWS)


def refreshed(**other: Any) -> list[Any]:
    given = {"teacher": "multi", "recipe": "int8", "kind": languages.GOLD, "label": ALL_TYPES}
    return languages.refresh(**(given | other))


def test_gold_rows_of_teacher_and_recipe(tables: None) -> None:
    headline, legend, figure, table = refreshed()
    assert "int8 keeps 95.0% of the teacher's macro F1 where it was trained" in html.unescape(headline)
    assert "◆ int8" in legend
    assert "zero-shot" in legend
    assert "high-resource" not in legend
    assert len(figure.data) == 3
    first, second = table["data"]
    assert len(first) == len(second) == len(table["headers"])
    assert first == [
        *("Swahili", "masakhaner2", "80.0 [78.0, 81.0]", "76.0 [74.0, 77.0]", -4.0, "mid-resource", 1_000),
        *(91.0, 70.0, 80.5, 90.0, "", "", 42),
    ]
    assert second[:7] == ["Amharic", "transfer", "50.0 [48.0, 51.0]", "", "", "zero-shot", 0]


def test_one_type_changes_scores_and_drops_rows_that_lack_it(tables: None) -> None:
    *_, table = refreshed(label="LOC")
    assert [cells[0] for cells in table["data"]] == ["Swahili"]
    assert table["data"][0][2:5] == ["80.5", "", ""]


def test_silver_and_a_teacher_of_unknown_training(tables: None) -> None:
    *_, table = refreshed(kind=languages.SILVER)
    assert [cells[0] for cells in table["data"]] == ["German"]
    results.append(results.own_path(), [row("teacher", 30, 1, teacher="mine", language="am", dataset="transfer")])
    _, legend, _, table = refreshed(teacher="mine")
    assert table["data"][0][5:7] == ["not known", "not known"]
    assert "tier not known" in legend


def test_own_rows_count_too_and_the_newer_stands(tables: None) -> None:
    newer = row("int8", 60, 2, language="sw", dataset="masakhaner2", date="2027-01-01", cpu="another")
    results.append(results.own_path(), [newer])
    *_, table = refreshed()
    assert table["data"][0][3].startswith("60.0")


def test_no_rows_say_what_to_run(tables: None) -> None:
    headline, legend, _, table = refreshed(teacher=None, recipe=None)
    assert "<code>python -m mma_core sweep" in headline
    assert (legend, table["data"]) == ("", [])


def test_names_from_tables_are_escaped(tables: None) -> None:
    headline, legend, *_ = refreshed(recipe="layers:6<b>")
    assert "<b>" not in headline
    assert "layers:6&lt;b&gt;" in legend


def test_choices_are_what_has_rows_and_stay_chosen(tables: None) -> None:
    teacher, recipe = languages.choices("multi", "layers:6<b>")
    assert (teacher["value"], teacher["visible"], recipe["value"]) == ("multi", False, "layers:6<b>")
    assert recipe["choices"] == [("int8", "int8"), ("layers:6<b>", "layers:6<b>")] or recipe["choices"] == [
        "int8",
        "layers:6<b>",
    ]
    results.append(results.own_path(), [row("teacher", 30, 1, teacher="mine", language="am", dataset="transfer")])
    teacher, recipe = languages.choices("mine", "int8")
    assert (teacher["visible"], recipe["choices"], recipe["value"]) == (True, [], None)
    assert languages.choices("gone", "gone")[0]["value"] == "multi"
    assert languages.choices("gone", "gone")[1]["value"] == "int8"


def test_the_table_can_be_downloaded(tables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    lines = (
        Path(languages.csv_file("multi", "int8", languages.GOLD, ALL_TYPES)).read_text(encoding="utf-8").splitlines()
    )
    assert lines[0].startswith("Language,Data set,")
    assert lines[1].startswith("Swahili,masakhaner2,")
    with pytest.raises(gr.Error, match="no measurements"):
        languages.csv_file("gone", None, languages.GOLD, ALL_TYPES)


def test_damaged_tables_are_a_notice(tables: None) -> None:
    results.own_path().write_text("not json\n", encoding="utf-8")
    with pytest.raises(gr.Error, match="not a measurement"):
        refreshed()
    with pytest.raises(gr.Error, match="not a measurement"):
        languages.choices("multi", "int8")
