"""The teachers that come with the project, packed in `assets/` and unpacked at first use.

The word embeddings are those of the built-in encoder, kept once in its own 4-bit blocks; a teacher adds its body in
8-bit blocks. Unpacked, a teacher is a stock `BertForTokenClassification` folder, and that is what gets measured.
"""

import hashlib
import json
import lzma
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock
from safetensors.numpy import load_file, save_file

from .blocks import BLOCK, BYTES_4BIT, pack_8bit, unpack_4bit, unpack_8bit
from .errors import ArtifactError
from .folders import cache_root

ASSETS = Path(__file__).parents[1] / "assets"
EMBEDDINGS = ASSETS / "encoder" / "word_embeddings.safetensors"
TOKENIZER = ASSETS / "encoder" / "tokenizer.json.xz"
WORD_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
PLAIN = ("config.json", "tokenizer_config.json")
TRAINING = "training.json"


def names() -> list[str]:
    """The built-in teachers."""
    return sorted(path.parent.name for path in ASSETS.glob("*/pack.json"))


def sha256(name: str) -> str:
    """The hash that stands for a built-in teacher's weights and tokenizer."""
    return json.loads((ASSETS / name / "pack.json").read_text(encoding="utf-8"))["sha256"]


def config(name: str) -> SimpleNamespace:
    """The configuration of a built-in teacher."""
    return SimpleNamespace(**json.loads((ASSETS / name / "config.json").read_text(encoding="utf-8")))


def unpack(name: str) -> Path:
    """The stock checkpoint folder of a built-in teacher, written to the cache at first use.

    Raises:
        ArtifactError: the packed files are damaged.
    """
    digest = sha256(name)
    folder = cache_root() / "teachers" / f"{name}-{digest[:12]}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if folder.exists():
            return folder
        if _digest(name) != digest:
            raise ArtifactError(f"the packed teacher in {ASSETS / name} is damaged: check it out again")
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write(name, partial)
        partial.rename(folder)
    return folder


def _write(name: str, folder: Path) -> None:
    for plain in PLAIN:
        shutil.copy(ASSETS / name / plain, folder / plain)
    (folder / "tokenizer.json").write_bytes(lzma.decompress(TOKENIZER.read_bytes()))
    tensors = _unpack_body(load_file(ASSETS / name / "body.safetensors"))
    width = tensors["bert.embeddings.position_embeddings.weight"].shape[1]
    packed = load_file(EMBEDDINGS)["blocks"]
    tensors[WORD_EMBEDDINGS] = unpack_4bit(packed.reshape(-1)).reshape(-1, width)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _unpack_body(packed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    tensors = {}
    for key, value in packed.items():
        if key.endswith(".codes"):
            name = key.removesuffix(".codes")
            shape = tuple(packed[f"{name}.shape"].tolist())
            tensors[name] = unpack_8bit(value, packed[f"{name}.scale"]).reshape(shape)
        elif not key.endswith((".scale", ".shape")):
            tensors[key] = value
    return tensors


def training(name: str) -> dict[str, Any]:
    """How a built-in teacher was trained: command, stages, files, labelled sentences, hardware, date."""
    return json.loads((ASSETS / name / TRAINING).read_text(encoding="utf-8"))


class Labelled(NamedTuple):
    """Labelled sentences of a language: how many a teacher's training files hold, and how many of them it drew."""

    available: int
    seen: int


def labelled(teacher: str) -> dict[str, Labelled]:
    """What a built-in teacher was trained on, by language; empty for any other teacher."""
    if teacher not in names():
        return {}
    record = training(teacher)
    return {code: Labelled(count, record["seen"].get(code, 0)) for code, count in record["available"].items()}


def pack(checkpoint: Path, name: str, record: dict[str, Any]) -> Path:
    """Pack a trained checkpoint folder as the built-in teacher `name` (its word embeddings must be the encoder's).

    Matrices go to 8-bit blocks; vectors and the head stay fp32.

    Args:
        checkpoint: the folder.
        name: of the teacher.
        record: how it was trained, for `training`.

    Returns:
        The folder in `assets/`.

    Raises:
        ArtifactError: the word embeddings are not those of the built-in encoder.
    """
    tensors = load_file(checkpoint / "model.safetensors")
    shared = unpack_4bit(load_file(EMBEDDINGS)["blocks"].reshape(-1))
    if not np.array_equal(tensors.pop(WORD_EMBEDDINGS).reshape(-1), shared):
        raise ArtifactError(f"{checkpoint}: its word embeddings are not the built-in encoder's; train with them frozen")
    packed: dict[str, np.ndarray] = {}
    for key, value in tensors.items():
        if value.ndim == 2 and not key.startswith("classifier") and value.size % BLOCK == 0:
            codes, scale = pack_8bit(value)
            packed |= {f"{key}.codes": codes, f"{key}.scale": scale, f"{key}.shape": np.array(value.shape)}
        else:
            packed[key] = value
    folder = ASSETS / name
    folder.mkdir(parents=True, exist_ok=True)
    _save(packed, folder / "body.safetensors")
    for plain in PLAIN:
        shutil.copy(checkpoint / plain, folder / plain)
    (folder / TRAINING).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "pack.json").write_text(json.dumps({"sha256": _digest(name)}) + "\n", encoding="utf-8")
    return folder


def store_encoder(blocks: np.ndarray, tokenizer: str) -> None:
    """Keep the encoder's word embeddings (raw 4-bit blocks, uint8) and its tokenizer in `assets/`."""
    EMBEDDINGS.parent.mkdir(parents=True, exist_ok=True)
    _save({"blocks": np.ascontiguousarray(blocks.reshape(-1, BYTES_4BIT))}, EMBEDDINGS)
    TOKENIZER.write_bytes(lzma.compress(tokenizer.encode(), preset=9 | lzma.PRESET_EXTREME))


def _save(tensors: dict[str, np.ndarray], path: Path) -> None:
    save_file(tensors, path)
    path.chmod(0o644)


def _digest(name: str) -> str:
    total = hashlib.sha256()
    for path in (EMBEDDINGS, TOKENIZER, ASSETS / name / "body.safetensors", *(ASSETS / name / p for p in PLAIN)):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
