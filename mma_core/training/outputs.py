"""What a teacher says of a student's sentences: its logits, and its hidden states where a loss needs them.

They are reckoned once and kept in memory-mapped files, so that every student of a teacher reads them; a student's
cost otherwise is mostly its teacher's forward pass. Where they would take too much room, as the states of many layers
do, the teacher answers anew at each step.
"""

import copy
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from filelock import FileLock

from ..checkpoint import Checkpoint
from ..folders import lock_of, make_room
from ..progress import Report
from .loop import Batch, accelerator
from .material import Material
from .ner import collate

# What is kept of one student's sentences, and of one teacher in all.
MOST_OF_ONE, MOST_BYTES = 4 << 30, 16 << 30
CHUNK, BATCH = 1024, 32
LOGITS = "logits"
_DONE = "done.json"
_LARGEST = float(np.finfo(np.float16).max)


def states(layer: int) -> str:
    """The name in a batch, and of the file, of hidden states number `layer`; 0 are the embeddings' output."""
    return f"hidden-{layer}"


class Outputs(Protocol):
    """The teacher's outputs for the sentences of a batch, fp16 or as reckoned: logits and states by name."""

    def read(self, indices: np.ndarray, longest: int) -> Batch:
        """Those that are kept, padded with zeros to `longest` pieces, on the CPU; called in another thread."""

    def answer(self, batch: Batch) -> Batch:
        """Those that are reckoned now, for a batch on the training's device."""


def open_outputs(material: Material, layers: Sequence[int], report: Report) -> Outputs:
    """Outputs for a material's sentences: kept where they fit, else reckoned as they are needed.

    Args:
        material: teacher and sentences.
        layers: numbers of the hidden states that are wanted beside the logits.
        report: progress while what is missing is reckoned.
    """
    config = material.teacher.config
    widths = {LOGITS: int(config.num_labels), **{states(layer): int(config.hidden_size) for layer in layers}}
    size = 2 * int(material.lengths.sum()) * sum(widths.values())
    if size > MOST_OF_ONE:
        return _Asked(material.teacher, layers)
    folder = material.shared / material.key
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    make_room(folder, MOST_BYTES - size)
    with FileLock(lock_of(folder)):
        _fill(material, folder, widths, report)
    return _Kept(material, folder, list(widths))


class Silence:
    """No outputs, for losses that ask the teacher nothing."""

    def read(self, indices: np.ndarray, longest: int) -> Batch:
        """Nothing."""
        return {}

    def answer(self, batch: Batch) -> Batch:
        """Nothing."""
        return {}


class _Kept:
    def __init__(self, material: Material, folder: Path, names: Sequence[str]) -> None:
        ends = material.lengths.cumsum()
        self._spans = list(zip((ends - material.lengths).tolist(), ends.tolist(), strict=True))
        self._arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}

    def read(self, indices: np.ndarray, longest: int) -> Batch:
        batch = {}
        for name, array in self._arrays.items():
            padded = np.zeros((len(indices), longest, array.shape[1]), dtype=np.float16)
            for row, index in enumerate(indices.tolist()):
                start, end = self._spans[index]
                padded[row, : end - start] = array[start:end]
            batch[name] = torch.from_numpy(padded)
        return batch

    def answer(self, batch: Batch) -> Batch:
        return {}


class _Asked:
    def __init__(self, teacher: Checkpoint, layers: Sequence[int]) -> None:
        self._answering, self._layers = Answering(teacher), layers

    def read(self, indices: np.ndarray, longest: int) -> Batch:
        return {}

    def answer(self, batch: Batch) -> Batch:
        return self._answering(batch, self._layers)


class Answering:
    """A teacher's forward pass, in bf16 where the hardware has it, on a GPU where there is one."""

    def __init__(self, teacher: Checkpoint) -> None:
        self._machine = accelerator()
        on_cpu = self._machine.device.type == "cpu"
        self._model = teacher.model if on_cpu else copy.deepcopy(teacher.model).to(self._machine.device)

    @torch.no_grad()
    def __call__(self, batch: Batch, layers: Sequence[int]) -> Batch:
        """Logits and chosen hidden states of a batch, each (batch, length, width)."""
        inputs = {name: batch[name].to(self._machine.device) for name in ("input_ids", "attention_mask")}
        with self._machine.autocast():
            found = self._model(**inputs, output_hidden_states=bool(layers))
        return {LOGITS: found.logits, **{states(layer): found.hidden_states[layer] for layer in layers}}


def _fill(material: Material, folder: Path, widths: dict[str, int], report: Report) -> None:
    """Reckon what is missing, chunk by chunk; a run that was cut off goes on from its last chunk."""
    done = _read_done(folder)
    missing = [name for name in widths if done.get(name, 0) < len(material.encoded)]
    if not missing:
        return
    begin = min(done.get(name, 0) for name in missing)
    rows = int(material.lengths.sum())
    arrays = {name: _open(folder / f"{name}.npy", (rows, widths[name]), new=name not in done) for name in missing}
    answering = Answering(material.teacher)
    for start in range(begin, len(material.encoded), CHUNK):
        report(start / len(material.encoded), f"the teacher tags {len(material.encoded):,} sentences")
        end = min(start + CHUNK, len(material.encoded))
        _reckon(material, np.arange(start, end), answering, arrays)
        for array in arrays.values():
            array.flush()
        _write_done(folder, done | dict.fromkeys(missing, end))


def _reckon(material: Material, indices: np.ndarray, answering: Answering, arrays: dict[str, np.memmap]) -> None:
    layers = [int(name.partition("-")[2]) for name in arrays if name != LOGITS]
    ends = material.lengths.cumsum()
    ordered = indices[np.argsort(material.lengths[indices], kind="stable")]
    pad = int(material.teacher.config.pad_token_id or 0)
    for first in range(0, len(ordered), BATCH):
        chosen = ordered[first : first + BATCH].tolist()
        found = answering(collate([material.encoded[index] for index in chosen], pad), layers)
        for name, array in arrays.items():
            values = found[name].float().clamp(-_LARGEST, _LARGEST).cpu().numpy()
            for row, index in enumerate(chosen):
                length = material.lengths[index]
                array[ends[index] - length : ends[index]] = values[row, :length]


def _open(path: Path, shape: tuple[int, int], *, new: bool) -> np.memmap:
    if new:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    return np.load(path, mmap_mode="r+")


def _read_done(folder: Path) -> dict[str, int]:
    """How many sentences each file holds."""
    path = folder / _DONE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write_done(folder: Path, done: dict[str, int]) -> None:
    partial = folder / f"{_DONE}.partial"
    partial.write_text(json.dumps(done), encoding="utf-8")
    partial.replace(folder / _DONE)
