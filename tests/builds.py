"""Builds of tiny teachers in this process: few texts, and each model exported once a run."""

import hashlib
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import pytest

from mma_core import build, export, guard, making, orders
from mma_core.artifact import Artifact
from mma_core.checkpoint import Checkpoint
from mma_core.training import budgets
from mma_core.training.budgets import Budget

# Of each sample language so many sentences calibrate and compare: enough for a test, and quick.
TEXTS, COMPARED = 2, 1
# Of all that there are, so many teach a student.
SENTENCES = 40

# Where all processes of a run keep their exported graphs, as one takes 7 s; conftest.py sets it.
GRAPHS = "MMA_TEST_GRAPHS"

# The built-in teacher in 8 bits with the words of some languages: a real build, in half the time of all.
BUILT_IN = "vocab:de,en,es,ru+int8"

# (model type, recipe, by default onnx) → artifact
Made = Callable[..., Artifact]


def quiet(fraction: float, desc: str) -> None:
    """Report nothing."""


def _digest(model: Checkpoint) -> str:
    total = hashlib.sha256(model.config.to_json_string(use_diff=False).encode())
    for tensor in model.model.state_dict().values():
        total.update(tensor.numpy().tobytes())
    return total.hexdigest()


def tiny_budgets() -> dict[str, dict[str, Budget]]:
    """The table of budgets with few sentences and two steps a phase."""
    return {
        name: {level: Budget(SENTENCES, (2,) * len(budget.steps)) for level, budget in levels.items()}
        for name, levels in budgets.TABLE.items()
    }


def exported_once(exporting: Callable[[Checkpoint], onnx.ModelProto], model: Checkpoint) -> onnx.ModelProto:
    """The graph of a model, from the folder of graphs if any process of this run has exported it."""
    kept = Path(os.environ[GRAPHS]) / f"{_digest(model)}.onnx"
    if not kept.exists():
        own = kept.with_suffix(f".{os.getpid()}")
        onnx.save(exporting(model), own)
        own.rename(kept)
    return onnx.load(kept)


@contextmanager
def quick_builds(*, limit: float = 0.0, texts: int = TEXTS) -> Iterator[None]:
    """Within the block, builds are quick.

    Random weights decide by a hair, so by default the guard lets everything pass.
    """
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a build's child process does
        patch.setattr(making, "TEXTS_PER_LANGUAGE", texts)
        patch.setattr(making, "TEXTS", 0)
        patch.setattr(making, "AGREEMENT_TEXTS", COMPARED)
        patch.setattr(guard, "LIMIT", limit)
        patch.setattr(export, "export", partial(exported_once, export.export))
        patch.setattr(budgets, "TABLE", tiny_budgets())
        yield


def offline_child(order: orders.Order, folder: Path, sender: Any, scratch: str) -> None:
    """As `quick_child`, in a process that no address answers."""

    def refuse(*_address: object, **_settings: object) -> None:
        raise OSError("no network in tests")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        quick_child(order, folder, sender, scratch)


def quick_child(order: orders.Order, folder: Path, sender: Any, scratch: str) -> None:
    """What a child process of `build` does, quickly; it is imported there, so its patches are the child's."""
    with quick_builds():
        build._child(order, folder, sender, scratch)
