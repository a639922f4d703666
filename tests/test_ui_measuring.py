"""The accordion that measures recipes here, and what Compare puts into it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import gradio as gr
import pytest
from rows import row

from mma_core import builtin, results
from mma_core.charts import ALL_SETS
from mma_core.measure import bench
from mma_core.results import Measurement
from mma_core.ui import build_app, compare, filters, measuring
from mma_core.ui.recipe_list import legal

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning")


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tables of their own: shipped rows, and none of the user's."""
    monkeypatch.setattr(results, "PRECOMPUTED", tmp_path / "shipped.jsonl")
    monkeypatch.setattr(results, "own_path", lambda: tmp_path / "own.jsonl")
    rows = [row("teacher", 90, 1), row("int8", 89, 2.5), row("layers:6+int8", 59, 4), row("of an older grammar", 1, 9)]
    results.append(results.PRECOMPUTED, rows)


def test_rows_are_appended_to_the_users_own(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def measured(recipes: list[Any], corpora: list[Any], **settings: Any) -> Iterator[Measurement]:
        asked.append(settings)
        assert [corpus.language for corpus in corpora] == ["de"]
        for recipe in recipes:
            yield row(str(recipe), 80, 2, dataset="samples")

    monkeypatch.setattr(bench, "bench", measured)
    assert "2 rows" in measuring.measure("int8", ["de"], progress=MagicMock())
    assert [one.recipe for one in results.read(results.own_path())] == ["teacher", "int8"]
    measuring.measure("int8", ["de"], 1, "en", MagicMock())
    assert [(one["teacher"], one["threads"]) for one in asked] == [("multi", None), ("en", 1)]


@pytest.mark.parametrize(
    ("recipes", "codes"),
    [("", ["de"]), ("int9", ["de"]), ("int8", [])],
)
def test_bad_input_is_refused(tables: None, recipes: str, codes: list[str]) -> None:
    with pytest.raises(gr.Error):
        measuring.measure(recipes, codes, progress=MagicMock())


def test_what_is_shown_can_be_measured_here(tables: None) -> None:
    accordion, recipes, teacher, said = compare.remeasure(ALL_SETS, compare.BOTH, filters.ANY)
    assert accordion["open"] is True
    assert recipes["value"] == "layers:6+int8 int8"
    assert teacher["value"] == "multi"
    assert "2 recipes" in said
    _, recipes, *_ = compare.remeasure(ALL_SETS, compare.BOTH, filters.ANY, filters.ANY, filters.COMBINED)
    assert recipes["value"] == "layers:6+int8"
    assert not legal("teacher")


def test_many_can_be_measured_again_if_of_one_teacher(tables: None) -> None:
    many = [row(f"sparse:0.{number}", 50, number / 10, teacher="mine", cpu="own") for number in range(50, 66)]
    results.append(results.own_path(), many)
    _, recipes, teacher, said = compare.remeasure(ALL_SETS, compare.OWN, "mine")
    assert recipes["value"].split() == [f"sparse:0.{number}" for number in range(65, 49, -1)]
    assert "value" not in teacher, "a teacher that is not built in is not offered"
    assert "16 recipes" in said
    _, recipes, *_ = compare.remeasure(ALL_SETS, compare.BOTH, filters.ANY)
    assert recipes["value"] == "layers:6+int8 int8"


def test_nothing_shown_is_a_notice(tables: None) -> None:
    with pytest.raises(gr.Error, match="No recipe is shown"):
        compare.remeasure(ALL_SETS, compare.OWN, filters.ANY)


@pytest.mark.parametrize(("known", "visible"), [([], False), (["multi"], False), (["en", "multi"], True)])
def test_a_teacher_is_chosen_where_there_are_several(
    tables: None, monkeypatch: pytest.MonkeyPatch, known: list[str], visible: bool
) -> None:
    monkeypatch.setattr(builtin, "names", lambda: known)
    with gr.Blocks():
        teachers = measuring.layout().inputs[-1]
    assert (teachers.visible, teachers.value) == (visible, "multi" if known else None)


def test_it_stands_in_the_compare_tab() -> None:
    ids = {one["props"].get("elem_id") for one in build_app().get_config_file()["components"]}
    assert {"mma-measure", "mma-remeasure"} <= ids
