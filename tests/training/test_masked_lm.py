"""What is hidden can be guessed, and only the encoder learns from it."""

import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertForTokenClassification

from mma_core.errors import DataError
from mma_core.training import encoder, masked_lm, ner
from mma_core.training.loop import Settings
from mma_core.training.masked_lm import HIDDEN, SHARE, SPECIALS
from mma_core.training.ner import IGNORE
from mma_core.training.plans import Mixture, Stage
from mma_core.training.teacher import run_stages

TEXTS = ["Angela besuchte München", "Siemens in Berlin", "Merkel in München"] * 6
EMBEDDINGS = "bert.embeddings.word_embeddings.weight"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "text").mkdir()
    for code in ("de", "bm"):
        (tmp_path / "text" / f"{code}.txt.xz").write_bytes(lzma.compress("\n".join(TEXTS).encode()))
    labelled = tmp_path / "ner" / "uner" / "da" / "train.conll"
    labelled.parent.mkdir(parents=True)
    labelled.write_text("Angela\tB-PER\nbesuchte\tO\n\n" * 4, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def tiny_encoder(tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of the built-in one."""
    start, real = tiny_teacher("bert"), ner.initial_model
    monkeypatch.setattr(ner, "initial_model", lambda stage, folder: real(stage, folder or start))
    monkeypatch.setattr(encoder, "package_file", Path)
    monkeypatch.setattr(encoder, "read", lambda path: encoder.PackedEncoder({}, []))
    monkeypatch.setattr(encoder, "tokenizer", lambda pieces: tiny.tokenizer("bert"))
    monkeypatch.setattr(encoder, "MASK", "[MASK]")
    return start


def silent(fraction: float, desc: str) -> None:
    assert 0 <= fraction <= 1


def preparation(texts: list[str], seed: int = 1) -> masked_lm._Preparation:
    stage = Stage("x", Settings(steps=1, seed=seed), task="masked-lm")
    sentences = [ner.Sentence((text,), ("O",)) for text in texts]
    labels = ner.Labelled([], sentences, np.zeros(len(texts)), np.ones(len(texts)))
    return masked_lm._Preparation(labels, stage, tiny.tokenizer("bert"), pad=0)


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4), st.integers(0, 99))
def test_what_is_to_be_guessed_was_there(texts: list[str], step: int) -> None:
    indices = np.arange(len(texts))
    batch, again = (preparation(texts).batch(step, indices) for _ in range(2))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    plain = ner.collate([(np.array(e.ids), np.array(e.ids)) for e in tiny.tokenizer("bert").encode_batch(texts)], 0)
    wanted = batch["labels"] != IGNORE
    assert torch.equal(batch["labels"][wanted], plain["input_ids"][wanted])
    assert torch.equal(batch["input_ids"][~wanted], plain["input_ids"][~wanted])
    assert (wanted.sum(dim=1) >= 1).all()
    assert not wanted[:, 0].any()
    assert (batch["input_ids"] >= 0).all()


def test_the_shares_are_those_of_the_paper() -> None:
    rng, draw = np.random.default_rng(1), preparation(["x"])
    pieces = np.full(20_002, 7)
    changed, target = draw._hide(pieces, rng)
    wanted = target != IGNORE
    assert wanted.mean() == pytest.approx(SHARE, abs=0.01)
    mask = tiny.tokenizer("bert").token_to_id("[MASK]")
    assert (changed[wanted] == mask).mean() == pytest.approx(HIDDEN, abs=0.02)
    other = changed[wanted & (changed != mask) & (changed != 7)]
    assert len(other) / wanted.sum() == pytest.approx(0.1, abs=0.02)
    assert other.min() >= SPECIALS


def test_the_encoder_learns_and_nothing_else_of_the_tagger(tmp_path: Path, data: Path, tiny_encoder: Path) -> None:
    settings = Settings(steps=30, batch_size=6, learning_rate=3e-3)
    stage = Stage("text", settings, Mixture(languages=("de", "bm")), task="masked-lm")
    made = run_stages("x", [stage], data=data, work=tmp_path / "work", report=silent)
    before, after = (BertForTokenClassification.from_pretrained(f).state_dict() for f in (tiny_encoder, made.folder))
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert any(".layer.0." in name for name in changed)
    assert not changed & {EMBEDDINGS, "classifier.weight", "classifier.bias"}
    losses = [json.loads(line)["loss"] for line in (made.folder.parent / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert (made.record["files"], made.record["seen"]) == ({}, {})


def test_labelled_text_may_follow(tmp_path: Path, data: Path) -> None:
    settings = Settings(steps=2, batch_size=2)
    stages = [Stage("text", settings, Mixture(languages=("bm",)), task="masked-lm"), Stage("labels", settings)]
    made = run_stages("x", stages, data=data, work=tmp_path / "work", report=silent)
    assert [folder.parent.name.split("-")[1] for folder in made.folders] == ["text", "labels"]
    assert made.record["seen"].keys() == {"da"}


def test_text_that_is_not_there_is_named(data: Path) -> None:
    with pytest.raises(DataError, match=r"no text/<language>\.txt\.xz of fr, it"):
        masked_lm.unlabelled(data, Mixture(languages=("fr", "it")), tiny.tokenizer("bert"))


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(DataError, match="stage a: unknown task 'lm'; known: ner, masked-lm"):
        Stage("a", Settings(steps=1), task="lm")
