"""The model card says what was measured."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mma_core import builtin
from mma_core.measure import card
from mma_core.runtime import Tagged


class Echo:
    """Tags every word O but the first, which it calls a person."""

    def tag(self, sentences: list[tuple[str, ...]]) -> list[Tagged]:
        return [Tagged(["B-PER", *["O"] * (len(words) - 1)], [1.0] * len(words)) for words in sentences]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    data, work = tmp_path / "data", tmp_path / "work"
    text = "Ada\tB-PER\nspoke\tO\n\nHere\tO\nis\tO\nOslo\tB-LOC\n"
    for where in ("uner/da", "transfer/ar"):
        for split in ("train", "test"):
            path = data / "ner" / where / f"{split}.conll"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    work.mkdir()
    settings = {"steps": 7, "batch_size": 32, "learning_rate": 1e-4, "head_factor": 5.0, "seed": 13}
    save_file({"x": np.zeros(1)}, work / "state.safetensors", metadata={"settings": json.dumps(settings)})
    (tmp_path / "assets" / "multi").mkdir(parents=True)
    monkeypatch.setattr(builtin, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(card.build, "tagger", lambda recipe, teacher: Echo())
    return data, work


def test_the_card_holds_every_file_its_tier_and_the_command(world: tuple[Path, Path]) -> None:
    data, work = world
    text = card.write_card("multi", data=data, work=work, report=lambda fraction, desc: None).read_text("utf-8")
    # one of two entities found, one of two findings right
    assert "| da | uner | mid-resource | 2 | 50.0 |" in text
    assert "| ar | transfer | zero-shot | 2 | 50.0 |" in text
    assert "train teacher --data DIR --steps 7 --pack" in text
    assert "1 training files, 2 sentences" in text
    assert "| transfer, zero-shot languages | 1 | 50.0 |" in text
