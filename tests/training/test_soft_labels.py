"""A tagger comes to say what its teachers say together of text without labels."""

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from transformers import BertForTokenClassification

from mma_core.errors import DataError
from mma_core.training import encoder, masked_lm, ner, soft_labels
from mma_core.training.loop import Settings
from mma_core.training.ner import IGNORE
from mma_core.training.plans import Mixture, Stage
from mma_core.training.teacher import run_stages, write_checkpoint

TEXTS = ["Angela besuchte München", "Siemens in Berlin", "Merkel in München", "王在北京"] * 6


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "text").mkdir()
    for code in ("de", "zh"):
        (tmp_path / "text" / f"{code}.txt.xz").write_bytes(lzma.compress("\n".join(TEXTS).encode()))
    labelled = tmp_path / "ner" / "uner" / "da" / "train.conll"
    labelled.parent.mkdir(parents=True)
    labelled.write_text("Angela\tB-PER\nbesuchte\tO\n\n" * 4, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def tiny_encoder(tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the built-in one."""
    start, real = tiny_teacher("bert"), ner.initial_model
    monkeypatch.setattr(ner, "initial_model", lambda stage, folder: real(stage, folder or start))
    monkeypatch.setattr(encoder, "package_file", Path)
    monkeypatch.setattr(encoder, "read", lambda path: encoder.PackedEncoder({}, []))
    monkeypatch.setattr(encoder, "tokenizer", lambda pieces: tiny.tokenizer("bert"))
    monkeypatch.setattr(encoder, "MASK", "[MASK]")


def silent(fraction: float, desc: str) -> None:
    assert 0 <= fraction <= 1


def stage(steps: int, **keys: float) -> Stage:
    settings = Settings(steps=steps, batch_size=8, learning_rate=3e-2, warmup=0)
    return Stage("taught", settings, Mixture(**keys), task="soft-labels", taught_by=2)


def probabilities(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return BertForTokenClassification.from_pretrained(folder).eval()(ids).logits.softmax(-1)


@pytest.fixture
def teachers(tiny_teacher: Callable[[str], Path], tmp_path: Path) -> list[Path]:
    """Two that disagree, each sure of one tag."""
    made = []
    for tag in (1, 3):
        model = BertForTokenClassification.from_pretrained(tiny_teacher("bert"))
        with torch.no_grad():
            model.classifier.bias[tag] += 9
        made.append(write_checkpoint(model, tiny.tokenizer("bert"), tmp_path / f"teacher-{tag}"))
    return made


def test_it_learns_the_mean_of_its_teachers(data: Path, teachers: list[Path], tmp_path: Path) -> None:
    tokenizer = tiny.tokenizer("bert")
    labels = masked_lm.unlabelled(data, Mixture(), tokenizer)
    made = soft_labels.train(
        stage(40),
        start=None,
        teachers=teachers,
        tokenizer=tokenizer,
        labels=labels,
        folder=tmp_path / "run",
        report=silent,
    )
    ids = torch.tensor([tokenizer.encode(TEXTS[0]).ids])
    with torch.inference_mode():
        found = made.eval()(ids).logits.softmax(-1)[0, 1]
    wanted = torch.stack([probabilities(folder, ids) for folder in teachers]).mean(0)[0, 1]
    assert wanted[[1, 3]].min() > 0.4
    assert torch.allclose(found, wanted, atol=0.1)


def test_teachers_do_not_learn_and_see_what_is_hidden_from_the_student(data: Path, teachers: list[Path]) -> None:
    tokenizer = tiny.tokenizer("bert")
    labels = masked_lm.unlabelled(data, Mixture(), tokenizer)
    batch = soft_labels._Preparation(labels, stage(1, drop=1.0), tokenizer, pad=0).batch(0, np.arange(40, 46))
    mask = tokenizer.token_to_id("[MASK]")
    assert (batch["input_ids"] == mask)[batch["attention_mask"] == 1].all()
    assert (batch["input_ids"] == 0)[batch["attention_mask"] == 0].all()
    assert not (batch["plain_ids"] == mask).any()
    assert (batch["labels"] != IGNORE).any(dim=1).all()
    model = soft_labels._Taught(ner.initial_model(stage(1), None), teachers).train()
    assert not any(teacher.training or p.requires_grad for teacher in model.teachers for p in teacher.parameters())
    model(**batch).backward()
    assert model.tagger.classifier.weight.grad.abs().sum() > 0


def test_a_teacher_is_trained_from_several(data: Path, tmp_path: Path) -> None:
    settings = Settings(steps=2, batch_size=4, warmup=0)
    stages = [Stage("a", settings), Stage("b", settings, start="encoder"), stage(2)]
    made = run_stages("en", stages, data=data, work=tmp_path / "work", report=silent)
    assert len(made.folders) == 3
    assert made.record["seen"] == {"da": 4}, "text has no labels to see"
    with pytest.raises(DataError, match="stage b cannot start from 'c'; known: encoder, a, en, multi"):
        run_stages("en", [stages[0], Stage("b", settings, start="c")], data=data, work=tmp_path / "w", report=silent)


@pytest.mark.parametrize(("task", "by"), [("ner", 1), ("soft-labels", 0)])
def test_soft_labels_need_somebody(task: str, by: int) -> None:
    with pytest.raises(DataError, match="stage x: task soft-labels goes with taught_by"):
        Stage("x", Settings(steps=1), task=task, taught_by=by)
