"""Recipe + teacher → artifact: cached by content, locked, built in a child process that can be cancelled."""

import logging
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING

from . import artifact, machine, runtime, shelf, sources
from .artifact import Artifact
from .errors import ArtifactError, DataError, MMAError, RecipeError, to_show
from .folders import cache_root, lock_of, usable
from .languages import language
from .making import run, work_of
from .orders import Order, folder_of, revision
from .progress import Report, quiet
from .recipe import BUDGETS, Recipe

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


# Seconds between two looks at whether a build was cancelled.
LOOK_UP = 0.2


class BuildCancelled(MMAError):
    """The user cancelled a build; no artifact is left of it, only what a training had learnt so far."""


def cached(
    wanted: Recipe,
    *,
    teacher: str = "multi",
    data: Path | None = None,
    languages: Sequence[str] = (),
    budget: str | None = None,
    portable: bool = False,
) -> Artifact | None:
    """The artifact that `build` would open because it was built before and is whole, else None."""
    order = Order(wanted, teacher, data, tuple(languages), budget or BUDGETS[0], portable)
    return _found(order) if budget or portable else _on_shelf(order) or _found(order)


def budget_of(wanted: Recipe, *, teacher: str = "multi") -> str:
    """How long the artifact that serves whoever asks for a recipe was trained, or would be; empty where nothing is."""
    if not wanted.trains:
        return ""
    made = cached(wanted, teacher=teacher)
    return made.manifest["budget"] if made else BUDGETS[0]


def _on_shelf(order: Order) -> Artifact | None:
    """What serves whoever asks for a recipe that trains, and not for what it learns from."""
    if not order.recipe.trains or order.data or order.languages:
        return None
    return shelf.best(order.recipe, sources.locate(order.teacher).sha256, revision(order.recipe))


def _found(order: Order) -> Artifact | None:
    folder = folder_of(order)
    try:
        return artifact.open_folder(folder) if folder.exists() else None
    except ArtifactError:
        return None


def build(  # noqa: PLR0913  (what is built, from what, for how long, and who follows it)
    wanted: Recipe,
    *,
    teacher: str = "multi",
    data: Path | None = None,
    languages: Sequence[str] = (),
    budget: str | None = None,
    portable: bool = False,
    report: Report = quiet,
    cancel: Event | None = None,
) -> Artifact:
    """Build a recipe's artifact, or open the one that was built before.

    The work is done in a child process. Two builders of one order wait for each other. A build that was cut off while
    it trained goes on from its last checkpoint.

    Args:
        wanted: any recipe but `teacher`, which is never exported.
        teacher: `multi`, a checkpoint folder or a hub id.
        data: a data folder whose `text/` and `ner/` the steps may use instead of the built-in samples' text.
        languages: restrict these to some languages.
        budget: `quick`, `standard` or `full`: how long steps may train. None asks for no budget in particular: where
            data and languages are left open too, the best artifact that there is will do (shelf.py); else `quick`.
        portable: whether 8 bits are to be right on CPUs without VNNI too, as those of an artifact for others are.
        report: progress.
        cancel: set it to end the build.

    Raises:
        RecipeError: the recipe cannot be built from this teacher or on this machine, or the budget is unknown.
        ArtifactError: the teacher is missing or not trusted.
        DataError: the data folder is missing, or what it holds cannot be used.
        BuildCancelled: `cancel` was set.
    """
    order = Order(wanted, teacher, data, tuple(languages), budget or BUDGETS[0], portable)
    _check(order)
    found = cached(wanted, teacher=teacher, data=data, languages=languages, budget=budget, portable=portable)
    return found or _build_alone(order, report, cancel)


def _build_alone(order: Order, report: Report, cancel: Event | None) -> Artifact:
    folder = folder_of(order)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _turn(folder, report, cancel):
        found = _found(order)
        if found is None:
            _build_in_child(order, folder, report, cancel)
            found = artifact.open_folder(folder)
            shutil.rmtree(work_of(folder), ignore_errors=True)
    return found


@contextmanager
def _turn(folder: Path, report: Report, cancel: Event | None) -> Iterator[None]:
    """Within the block, nobody else builds what shall stand in `folder`; who waits for that can be cancelled."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_of(folder))
    while not lock.is_locked:
        try:
            lock.acquire(timeout=LOOK_UP)
        except Timeout:
            report(0.0, "waiting for another process that builds the same")
            if cancel is not None and cancel.is_set():
                raise BuildCancelled("the build was cancelled before its turn came; nothing was kept") from None
    try:
        yield
    finally:
        lock.release()


def _check(order: Order) -> None:
    if order.recipe.is_teacher:
        raise RecipeError("step teacher: the baseline runs as it is and has no artifact; choose onnx to export it")
    for step in order.recipe.steps:
        step.check()
    for code in order.languages:
        language(code)
    if order.data is not None and not order.data.is_dir():
        raise DataError(f"no such folder: {order.data}")
    if order.budget not in BUDGETS:
        raise RecipeError(f"unknown budget {order.budget!r}; accepted: {', '.join(BUDGETS)}")


def _build_in_child(order: Order, folder: Path, report: Report, cancel: Event | None) -> None:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    # A child that is ended cannot clear up after itself, and what it tries out takes hundreds of megabytes.
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        child = context.Process(target=_child, args=(order, folder, sender, scratch), daemon=True)
        child.start()
        sender.close()
        try:
            _follow(receiver, report, cancel, kept="what it had learnt" if order.recipe.trains else "nothing")
        except BaseException:
            child.terminate()
            child.join()
            artifact.discard_partial(folder)
            raise
        child.join()


def _follow(receiver: "Connection", report: Report, cancel: Event | None, kept: str) -> None:
    while True:
        if cancel is not None and cancel.is_set():
            raise BuildCancelled(f"the build was cancelled; {kept} was kept")
        if not receiver.poll(LOOK_UP):
            continue
        try:
            kind, *values = receiver.recv()
        except EOFError:
            raise RuntimeError("the build process ended without an answer (out of memory?)") from None
        if kind == "progress":
            report(*values)
        elif kind == "error":
            raise values[0]
        elif kind == "crash":
            raise RuntimeError(f"the build failed:\n{values[0]}")
        else:
            return


def _child(order: Order, folder: Path, sender: "Connection", scratch: str) -> None:
    tempfile.tempdir = scratch
    # The exporters and quantisers narrate what they skip; the user's progress line is `report`'s alone.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        run(order, folder, lambda fraction, desc: sender.send(("progress", fraction, desc)))
        sender.send(("done",))
    except Exception as error:
        told = to_show(error)
        sender.send(("error", told) if told else ("crash", traceback.format_exc()))


def tagger(
    wanted: Recipe,
    *,
    teacher: str = "multi",
    threads: int | None = None,
    brief: bool = False,
    report: Report = quiet,
    cancel: Event | None = None,
) -> runtime.Tagger:
    """A tagger for any recipe, built if need be and opened once a process; of one that trains the best that there is.

    It runs on `threads` processor threads, by default all that this process may use. `brief` says that a few texts are
    all that it will tag: it opens sooner, and tags many later. The rest is as for `build`.

    Raises:
        MMAError: as `build`.
    """
    threads = threads or machine.available_threads()
    if wanted.is_teacher:
        return _open_teacher(teacher, sources.locate(teacher).sha256, threads)
    return open_artifact(build(wanted, teacher=teacher, report=report, cancel=cancel), threads, brief=brief)


@lru_cache(maxsize=2)
def _open_teacher(name: str, _sha256: str, threads: int) -> runtime.Tagger:
    from .checkpoint import load

    return runtime.open_checkpoint(load(name), threads)


@lru_cache(maxsize=6)
def open_artifact(made: Artifact, threads: int, *, brief: bool = False) -> runtime.Tagger:
    """A tagger of an artifact, opened once a process; what makes it open sooner is kept in the cache."""
    cache = usable(cache_root() / "compiled" / made.folder.name)
    return runtime.open_artifact(made, threads, cache=cache, brief=brief)
