"""What happens when builders are killed, meet, or find rubbish."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from builds import SENTENCES, Made, quick_builds, quiet

from mma_core import artifact, build, making, orders
from mma_core.orders import Order
from mma_core.recipe import parse
from mma_core.training import budgets, loop, students
from mma_core.training.budgets import Budget

pytest_plugins = ("engine_fixtures",)

Teachers = Callable[[str], Path]


@pytest.fixture
def order(tiny_teacher: Teachers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """An order, and an empty cache."""
    monkeypatch.setenv("MMA_CACHE", str(tmp_path / "cache"))
    return Order(parse("onnx"), str(tiny_teacher("bert")), languages=("de",))


def build_now(order: Order) -> artifact.Artifact:
    return build.build(order.recipe, teacher=order.teacher, languages=order.languages)


def found(order: Order) -> artifact.Artifact | None:
    return build.cached(order.recipe, teacher=order.teacher, languages=order.languages)


@pytest.fixture
def builder(order: Order) -> Iterator[subprocess.Popen[str]]:
    """Another process that builds the order; it is exporting."""
    command = [sys.executable, "-m", "mma_core", "build", str(order.recipe), "--languages", "de"]
    command += ["--teacher", order.teacher]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("exporting" in line for line in process.stderr)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def quick_child(order: Order, made: Made, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A child that takes what was built before; returns the folders that it made."""
    whole, built = made("bert").folder, []

    def child(_order: Order, folder: Path, *_rest: object) -> None:
        built.append(folder)
        with artifact.transaction(folder) as partial:
            shutil.copytree(whole, partial, dirs_exist_ok=True)

    monkeypatch.setattr(build, "_build_in_child", child)
    return built


def test_a_killed_builder_leaves_no_artifact(
    order: Order, quick_child: list[Path], builder: subprocess.Popen[str]
) -> None:
    orphans = psutil.Process(builder.pid).children(recursive=True)
    builder.kill()
    builder.wait()
    assert found(order) is None
    folder = orders.folder_of(order)
    assert build_now(order).manifest == artifact.open_folder(folder).manifest
    assert quick_child == [folder]
    # Whoever outlived the builder finds nobody to report to, and goes without a trace.
    _, alive = psutil.wait_procs(orphans, timeout=240)
    assert alive == []
    assert [path for path in folder.parent.iterdir() if path.is_dir()] == [folder]
    assert artifact.open_folder(folder).manifest["recipe"] == "onnx"


def test_a_killed_child_is_a_failure_of_ours(order: Order, builder: subprocess.Popen[str]) -> None:
    for child in psutil.Process(builder.pid).children(recursive=True):
        child.send_signal(signal.SIGKILL)
    _, errors = builder.communicate()
    assert builder.returncode == 1
    assert "the build process ended without an answer (out of memory?)" in errors
    assert found(order) is None


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "recipe.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_a_corrupt_artifact_is_built_again(order: Order, quick_child: list[Path], file: str, damage: str) -> None:
    folder = build_now(order).folder
    path = folder / file
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.unlink() if damage == "delete" else path.write_bytes(content if damage == "flip" else content[1:])
    assert found(order) is None
    assert build_now(order).folder == folder
    assert quick_child == [folder, folder]
    assert found(order) is not None


def test_a_half_folder_of_another_hand_is_replaced(order: Order, quick_child: list[Path]) -> None:
    folder = orders.folder_of(order)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"half")
    assert build_now(order).folder == folder
    assert quick_child == [folder]


def test_builders_in_one_process_wait_for_each_other(order: Order, quick_child: list[Path]) -> None:
    opened: list[artifact.Artifact] = []
    threads = [threading.Thread(target=lambda: opened.append(build_now(order))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert all(one.manifest == opened[0].manifest for one in opened)
    assert len(quick_child) == 1


STEPS, KEPT_EVERY, CUT = 6, 2, 5


@contextmanager
def short_trainings(*, cut: int = 0) -> Iterator[list[int]]:
    """Within the block, a student learns for few steps, which are noted; `cut` kills this process in one of them.

    One thread learns, whatever other tests have set: sums of several are rounded otherwise.
    """
    noted: list[int] = []
    threads = torch.get_num_threads()
    real = loop._Run.advance

    def advance(run: Any) -> None:
        real(run)
        noted.append(len(noted) + 1)
        if len(noted) == cut:
            os.kill(os.getpid(), signal.SIGKILL)

    with quick_builds(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(budgets.TABLE, "layers", {"quick": Budget(SENTENCES, (STEPS,))})
        patch.setattr(students, "Settings", partial(loop.Settings, save_every=KEPT_EVERY))
        patch.setattr(loop._Run, "advance", advance)
        torch.set_num_threads(1)
        yield noted
        torch.set_num_threads(threads)


def killed_child(order: Order, folder: Path, sender: Any, scratch: str) -> None:
    """A build's child that is killed while it trains."""
    with short_trainings(cut=CUT):
        build._child(order, folder, sender, scratch)


def test_a_training_that_was_killed_ends_with_the_weights_of_an_unbroken_one(
    tiny_teacher: Teachers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order(parse("layers:1"), str(tiny_teacher("bert")), languages=("de",))
    monkeypatch.setattr(build, "_child", killed_child)
    files, steps = [], []
    for name in ("unbroken", "killed"):
        monkeypatch.setenv("MMA_CACHE", str(tmp_path / name))
        if name == "killed":
            with pytest.raises(RuntimeError, match="the build process ended without an answer"):
                build_now(order)
        with short_trainings() as noted:
            files.append(making.run(order, orders.folder_of(order), quiet).manifest["files"])
        steps.append(len(noted))
    assert files[0] == files[1]
    assert steps == [STEPS, STEPS - CUT // KEPT_EVERY * KEPT_EVERY]
