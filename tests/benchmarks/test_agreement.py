"""What builds found out about their precision, gathered into a table and told in README.md."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import readme_aims
import readme_tables

from benchmarks import agreement
from mma_core import build
from mma_core.folders import cache_root
from mma_core.recipe import Recipe

MANIFEST = {
    "recipe": "int8",
    "teacher": "multi",
    "command": "python -m mma_core build int8",
    "created": "2026-11-29T00:00:00+00:00",
    "agreement": {"de": 99.9, "th": 99.2},
    "span_agreement": {"de": 100.0, "th": 96.5},
    "kept": [{"matrix": "a", "precision": "32 bits", "error": 0.1}],
    "guard": {"limit": 0.99, "held": False, "sentences": 84, "matrices": 40},
}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Gathered from one artifact in 8 bits and one in 32; another was built elsewhere, and one never."""
    shipped = tmp_path / "shipped"

    def cached(recipe: Recipe, *, teacher: str) -> Any:
        assert teacher == "multi"
        made = {"int8": MANIFEST, "onnx": {"recipe": "onnx"}, "bf16": MANIFEST}
        place = shipped if str(recipe) == "bf16" else cache_root() / "artifacts"
        return SimpleNamespace(manifest=made[str(recipe)], folder=place / "a") if str(recipe) in made else None

    monkeypatch.setattr(build, "cached", cached)
    recipes, table = tmp_path / "recipes.txt", tmp_path / "agreement.jsonl"
    recipes.write_text("teacher\nonnx\nint8\nbf16\nlayers:6+int8\n", encoding="utf-8")
    agreement.main(["--recipes", str(recipes), "--table", str(table)])
    return table


def test_what_the_builds_found_is_gathered(table: Path) -> None:
    (row,) = agreement.read(table)
    assert (row.recipe, row.entities, row.tags) == ("int8", MANIFEST["span_agreement"], MANIFEST["agreement"])
    assert (row.limit, row.held, row.kept, row.matrices) == (99, False, 1, 40)
    assert json.loads(table.read_text(encoding="utf-8"))["command"] == "python -m mma_core build int8"
    assert agreement.read(table.with_name("none.jsonl")) == []


def test_the_readme_tells_where_it_is_least(table: Path) -> None:
    told = readme_tables.agreement_table(table)
    assert "| `int8` | 96.5 (Thai) | 1 of 2 | 1 of 40 |" in told
    assert "Not gathered yet" in readme_tables.agreement_table(table.with_name("none.jsonl"))


def test_a_table_is_not_emptied_where_nothing_was_built(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "cached", lambda _recipe, *, teacher: None)
    before = table.read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        agreement.main(["--recipes", str(table.with_name("recipes.txt")), "--table", str(table)])
    assert "was built here; " in capsys.readouterr().err
    assert table.read_text(encoding="utf-8") == before


def test_the_aim_counts_those_that_hold_everywhere(table: Path) -> None:
    (aim,) = readme_aims.precisions(table)
    assert (aim.wanted, aim.reached, aim.met) == ("all of 1", "0", False)
    assert list(readme_aims.precisions(table.with_name("none.jsonl"))) == []
