"""Builds of tiny teachers in this process: few texts, and each model exported once."""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mma_core import build, export, guard
from mma_core.artifact import Artifact
from mma_core.checkpoint import Checkpoint
from mma_core.training import budgets
from mma_core.training.budgets import Budget

# Of each sample language so many sentences calibrate and compare: enough for a test, and quick.
TEXTS, COMPARED = 2, 1
# Of all that there are, so many teach a student.
SENTENCES = 40

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


@contextmanager
def quick_builds(graphs: dict[str, Any], *, limit: float = 0.0, texts: int = TEXTS) -> Iterator[None]:
    """Within the block, builds are quick; exported graphs are kept in `graphs`.

    Random weights decide by a hair, so by default the guard lets everything pass.
    """
    real = export.export

    def once(model: Checkpoint) -> Any:
        key = _digest(model)
        if key not in graphs:
            graphs[key] = real(model)
        copy = type(graphs[key])()
        copy.CopyFrom(graphs[key])
        return copy

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a build's child process does
        patch.setattr(build, "TEXTS_PER_LANGUAGE", texts)
        patch.setattr(build, "TEXTS", 0)
        patch.setattr(build, "AGREEMENT_TEXTS", COMPARED)
        patch.setattr(guard, "LIMIT", limit)
        patch.setattr(export, "export", once)
        patch.setattr(budgets, "TABLE", tiny_budgets())
        yield


def quick_child(order: build.Order, folder: Path, sender: Any) -> None:
    """What a child process of `build` does, quickly; it is imported there, so its patches are the child's."""
    with quick_builds({}):
        build._child(order, folder, sender)
