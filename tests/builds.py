"""Builds of tiny teachers in this process: few texts, and each model exported once."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mma_core import build, export, guard
from mma_core.artifact import Artifact
from mma_core.checkpoint import Checkpoint

# Of each sample language so many sentences calibrate and compare: enough for a test, and quick.
TEXTS, COMPARED = 2, 1

# (model type, recipe, by default onnx) → artifact
Made = Callable[..., Artifact]


def quiet(fraction: float, desc: str) -> None:
    """Report nothing."""


@contextmanager
def quick_builds(graphs: dict[str, Any], *, limit: float = 0.0, texts: int = TEXTS) -> Iterator[None]:
    """Within the block, builds are quick; exported graphs are kept in `graphs`.

    Random weights decide by a hair, so by default the guard lets everything pass.
    """
    real = export.export

    def once(model: Checkpoint) -> Any:
        key = f"{model.sha256} {model.config.num_hidden_layers} {model.config.vocab_size}"
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
        yield
