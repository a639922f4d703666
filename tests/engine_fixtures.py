"""Artifacts of tiny teachers, built in this process, and the built-in teacher's, built once."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mma_core import artifact, build, builtin, checkpoint, export, recipe, runtime
from mma_core.artifact import Artifact

# Of each sample language so many sentences calibrate and compare: enough for a test, and quick.
TEXTS, COMPARED = 2, 1

Made = Callable[..., Artifact]


def quiet(fraction: float, desc: str) -> None:
    """Report nothing."""


@contextmanager
def quick_builds(graphs: dict[str, Any]) -> Iterator[None]:
    """Few texts, and one export a model, which is what a build of a tiny teacher spends its time on."""
    real = export.export

    def once(model: checkpoint.Checkpoint) -> Any:
        key = f"{model.sha256} {model.config.num_hidden_layers} {model.config.vocab_size}"
        graph = graphs.setdefault(key, None) or real(model)
        graphs[key] = graph
        copy = type(graph)()
        copy.CopyFrom(graph)
        return copy

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a build's child process does
        patch.setattr(build, "TEXTS_PER_LANGUAGE", TEXTS)
        patch.setattr(build, "AGREEMENT_TEXTS", COMPARED)
        patch.setattr(export, "export", once)
        yield


@pytest.fixture(scope="session")
def made(tiny_teacher: Callable[[str], Path], own_cache: Path) -> Made:
    """(model type, recipe) → artifact, standing in the cache where `build.build` finds it."""
    graphs: dict[str, Any] = {}

    @cache
    def folder(model_type: str, spelling: str) -> Path:
        order = build.Order(recipe.parse(spelling), str(tiny_teacher(model_type)))
        with quick_builds(graphs), pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMA_CACHE", str(own_cache))
            return build.run(order, build.folder_of(order), quiet).folder

    return lambda model_type, spelling="onnx": artifact.open_folder(folder(model_type, spelling))


@pytest.fixture(scope="session")
def multi_int8(own_cache: Path) -> runtime.Tagger:
    """The built-in teacher in 8 bits: the road that most users take first."""
    if "multi" not in builtin.names():
        pytest.skip("assets/multi is not packed yet")
    return build.tagger(recipe.parse("int8"))
