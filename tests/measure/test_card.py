"""The model card says what was measured."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from mma_core import builtin
from mma_core.measure import card
from mma_core.runtime import Tagged
from mma_core.training.loop import Settings
from mma_core.training.plans import Mixture, Stage


class Echo:
    """Tags every word O but the first, which it calls a person."""

    def tag(self, sentences: list[tuple[str, ...]]) -> list[Tagged]:
        return [Tagged(["B-PER", *["O"] * (len(words) - 1)], [1.0] * len(words)) for words in sentences]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and the record of a teacher in `assets/`."""
    data = tmp_path / "data"
    text = "Ada\tB-PER\nspoke\tO\n\nHere\tO\nis\tO\nOslo\tB-LOC\n"
    for where in ("uner/da", "transfer/ar"):
        for split in ("train", "test"):
            path = data / "ner" / where / f"{split}.conll"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    stage = Stage("all", Settings(steps=7, until=5), Mixture(languages=("en",)))
    record = {
        "command": "python -m mma_core train teacher multi --data DIR --pack",
        "stages": json.loads(json.dumps([asdict(stage)])),
        "files": {"uner": 1, "wikiann": 2},
        "available": {"da": 2000, "de": 40},
        "seen": {"da": 1200, "de": 30},
        "hardware": "a machine",
        "date": "2026-01-01",
    }
    (tmp_path / "assets" / "multi").mkdir(parents=True)
    (tmp_path / "assets" / "multi" / "pack.json").write_text("{}", encoding="utf-8")
    (tmp_path / "assets" / "multi" / "training.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(builtin, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(builtin, "unpack", Path)
    monkeypatch.setattr(card, "tagger", lambda checkpoint: Echo())
    return data


def test_the_card_holds_every_file_what_was_seen_and_the_stages(data: Path) -> None:
    text = card.write_card("multi", data=data, report=lambda fraction, desc: None).read_text("utf-8")
    # one of two entities found, one of two findings right
    assert "| da | uner | 1,200 | 2 | 50.0 | 0.0 to 100.0 | 66.7 [0, 100] |" in text
    assert "| ar | transfer | zero-shot | 2 | 50.0 |" in text
    assert "3 training files, 1,230 distinct sentences of 2 languages seen" in text
    assert "Universal NER (CC BY-SA 4.0): 1 file; WikiANN: 2 files." in text
    assert "  - all: 7 steps of 32 sentences, learning rate 0.0001 (head × 5), seed 13; until 5; languages en" in text
    assert "| transfer, zero-shot languages | 1 | 50.0 |" in text
