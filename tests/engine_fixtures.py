"""Fixtures that build: artifacts of tiny teachers, and the built-in teacher's, each once a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from builds import BUILT_IN, Made, quick_builds, quiet

from mma_core import artifact, build, builtin, making, orders, recipe, runtime


@pytest.fixture(scope="session")
def made(tiny_teacher: Callable[[str], Path], own_cache: Path) -> Made:
    """(model type, recipe) → artifact, standing in the session's cache where `build.build` finds it."""

    @cache
    def folder(model_type: str, spelling: str) -> Path:
        order = orders.Order(recipe.parse(spelling), str(tiny_teacher(model_type)))
        with quick_builds(), pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMA_CACHE", str(own_cache))
            return making.run(order, orders.folder_of(order), quiet).folder

    return lambda model_type, spelling="onnx": artifact.open_folder(folder(model_type, spelling))


@pytest.fixture(scope="session")
def built_in(own_cache: Path, shared_cache: Path) -> runtime.Tagger:
    """The built-in teacher by `BUILT_IN`, as a user builds it: once a run, by the app or here."""
    if "multi" not in builtin.names():
        pytest.skip("assets/multi is not packed yet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMA_CACHE", str(shared_cache))
        shared = build.build(recipe.parse(BUILT_IN)).folder
    ours = own_cache / "artifacts" / shared.name
    ours.parent.mkdir(exist_ok=True)
    ours.symlink_to(shared)
    return build.tagger(recipe.parse(BUILT_IN))
