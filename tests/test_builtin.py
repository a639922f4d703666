"""Packing and unpacking built-in teachers, on assets that were made here."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from safetensors.numpy import load_file, save_file

from mma_core import builtin, checkpoint, sources
from mma_core.blocks import BLOCK, BYTES_4BIT, unpack_4bit
from mma_core.errors import ArtifactError

RECORD = {"teacher": "tiny", "seen": {"de": 3, "sw": 1}, "available": {"de": 30, "sw": 10}}


@pytest.fixture
def trained(tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Assets and a cache of their own, and a checkpoint that was trained over the encoder's word embeddings."""
    assets = tmp_path / "assets"
    monkeypatch.setenv("MMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(builtin, "ASSETS", assets)
    monkeypatch.setattr(builtin, "EMBEDDINGS", assets / "encoder" / "word_embeddings.safetensors")
    monkeypatch.setattr(builtin, "TOKENIZER", assets / "encoder" / "tokenizer.json.xz")
    teacher = checkpoint.load(str(tiny_teacher("bert")))
    rows, width = teacher.model.get_input_embeddings().weight.shape
    rng = np.random.default_rng(3)
    blocks = rng.integers(256, size=(rows * width // BLOCK, BYTES_4BIT), dtype=np.uint8)
    blocks[:, :2] = rng.uniform(0.001, 0.1, size=(len(blocks), 1)).astype(np.float16).view(np.uint8)
    builtin.store_encoder(blocks.reshape(-1), teacher.tokenizer.to_str())
    with torch.no_grad():
        weights = unpack_4bit(blocks.reshape(-1)).reshape(rows, width)
        teacher.model.get_input_embeddings().weight.copy_(torch.from_numpy(weights))
    folder = tmp_path / "trained"
    teacher.model.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    return folder


def test_round_trip(trained: Path) -> None:
    assert builtin.names() == []
    builtin.pack(trained, "tiny", RECORD)
    assert builtin.names() == ["tiny"]
    before, after = load_file(trained / "model.safetensors"), load_file(builtin.unpack("tiny") / "model.safetensors")
    assert before.keys() == after.keys()
    coarse = [name for name, tensor in before.items() if not np.array_equal(tensor, after[name])]
    assert coarse
    assert builtin.WORD_EMBEDDINGS not in coarse
    for name in coarse:
        assert before[name].ndim == 2
        assert not name.startswith("classifier")
        blocks, error = before[name].reshape(-1, BLOCK), np.abs(before[name] - after[name]).reshape(-1, BLOCK)
        # Half a step, and a little more because the scale itself is rounded to fp16.
        assert (error <= 0.57 * np.abs(blocks).max(axis=1, keepdims=True) / 127 + 1e-7).all()


def test_unpacked_teacher_is_a_stock_checkpoint(trained: Path) -> None:
    builtin.pack(trained, "tiny", RECORD)
    loaded = checkpoint.load("tiny")
    assert (loaded.name, loaded.sha256) == ("tiny", builtin.sha256("tiny"))
    assert loaded.tokenizer.to_str() == tiny.tokenizer("bert").to_str()
    assert sources.locate("tiny").folder == builtin.unpack("tiny")


def test_what_a_teacher_saw_is_kept_beside_it(trained: Path) -> None:
    builtin.pack(trained, "tiny", RECORD)
    assert builtin.training("tiny") == RECORD
    assert builtin.labelled("tiny") == {"de": (30, 3), "sw": (10, 1)}
    assert builtin.labelled("another") == {}


def test_unpacked_once(trained: Path) -> None:
    builtin.pack(trained, "tiny", RECORD)
    first = (builtin.unpack("tiny") / "model.safetensors").stat()
    second = (builtin.unpack("tiny") / "model.safetensors").stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)


def test_another_teacher_is_unpacked_beside_it(trained: Path) -> None:
    builtin.pack(trained, "tiny", RECORD)
    first = builtin.unpack("tiny")
    tensors = load_file(trained / "model.safetensors")
    save_file({**tensors, "classifier.bias": tensors["classifier.bias"] + 1}, trained / "model.safetensors")
    builtin.pack(trained, "tiny", RECORD)
    second = builtin.unpack("tiny")
    assert second != first
    assert np.array_equal(load_file(second / "model.safetensors")["classifier.bias"], tensors["classifier.bias"] + 1)


@pytest.mark.parametrize("file", ["tiny/body.safetensors", "tiny/config.json", "encoder/word_embeddings.safetensors"])
def test_damaged_assets_are_refused(trained: Path, file: str) -> None:
    builtin.pack(trained, "tiny", RECORD)
    path = builtin.ASSETS / file
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="is damaged: check it out again"):
        builtin.unpack("tiny")
    assert [p for p in (trained.parent / "cache" / "teachers").iterdir() if p.is_dir()] == []


def test_a_cut_off_unpacking_leaves_no_teacher(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builtin.pack(trained, "tiny", RECORD)
    with monkeypatch.context() as patch:

        def full(*_arguments: object, **_settings: object) -> None:
            raise OSError("no space left on device")

        patch.setattr(builtin, "save_file", full)
        with pytest.raises(OSError, match="no space"):
            builtin.unpack("tiny")
    assert not list((trained.parent / "cache" / "teachers").glob("tiny-*[0-9a-f]"))
    assert (builtin.unpack("tiny") / "model.safetensors").exists()


def test_two_at_once(trained: Path) -> None:
    builtin.pack(trained, "tiny", RECORD)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(builtin.unpack("tiny"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert len(load_file(found[0] / "model.safetensors")) == len(load_file(trained / "model.safetensors"))


def test_other_word_embeddings_cannot_be_packed(trained: Path) -> None:
    tensors = load_file(trained / "model.safetensors")
    tensors[builtin.WORD_EMBEDDINGS][3, 3] += 0.01
    save_file(tensors, trained / "model.safetensors")
    with pytest.raises(ArtifactError, match="train with them frozen"):
        builtin.pack(trained, "tiny", RECORD)
    assert builtin.names() == []
