"""A learning curve has a row for every stage, in their order."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from mma_core.measure import curve
from mma_core.training import teacher
from mma_core.training.loop import Settings
from mma_core.training.plans import Stage
from mma_core.training.teacher import Trained

STAGES = [Stage("first", Settings(steps=10, until=4, batch_size=3)), Stage("second", Settings(steps=2, batch_size=5))]


@pytest.fixture
def data(tmp_path: Path, tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    for where in ("uner/da", "uner/ar", "wikiann/de"):
        path = tmp_path / "data" / "ner" / where / "dev.conll"
        path.parent.mkdir(parents=True)
        path.write_text("Ada\tB-PER\nspoke\tO\n\nHere\tO\nis\tO\nOslo\tB-LOC\n", encoding="utf-8")
    folders = (tiny_teacher("bert"),) * 2
    trained = Trained(folders, {"stages": [asdict(stage) for stage in STAGES], "seen": {"da": 2, "de": 1}})
    monkeypatch.setattr(teacher, "train", lambda name, **places: trained)
    monkeypatch.setattr(curve, "TABLE", tmp_path / "curves.jsonl")
    return tmp_path / "data"


def test_a_curve_has_a_row_a_stage(data: Path, tmp_path: Path) -> None:
    for name in ("multi", "en", "multi"):
        rows = curve.curve(name, data=data, work=tmp_path, report=lambda fraction, desc: None)
        assert [(row["teacher"], row["stage"], row["sentences"]) for row in rows] == [
            (name, "first", 12),
            (name, "second", 22),
        ]
    assert all(row["dev_sentences"] == 6 for row in rows)
    assert all(list(row["f1"]) == ["uner", "uner, zero-shot", "wikiann"] for row in rows)
    kept = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text("utf-8").splitlines()]
    assert [row["teacher"] for row in kept] == ["en", "en", "multi", "multi"]
