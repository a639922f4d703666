"""Recipe + teacher → artifact: cached by content, locked, built in a child process that can be cancelled."""

import hashlib
import json
import logging
import os
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from . import artifact, builtin, data, engines, guard, runtime, shelf, sources
from .artifact import Artifact
from .errors import ArtifactError, MMAError, RecipeError
from .folders import cache_root
from .languages import LANGUAGES, language
from .pieces import join
from .recipe import BUDGETS, Recipe, World
from .spans import words

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from .checkpoint import Checkpoint

SEED = 13
# Text that steps use and the guard compares on: of few languages more each, so that their agreement is no coarse one.
TEXTS_PER_LANGUAGE, TEXTS = 100, 2000
AGREEMENT_TEXTS = 8
ALL_TEXTS = 1_000_000
LIBRARIES = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime", "openvino", "nncf")
# The exported graph and the steps are code of this project: a change that alters what they make counts this up.
REVISION = 4
PARAMETERS = ("parameters", "embedding_parameters", "nonzero_parameters")

Report = Callable[[float, str], None]


class BuildCancelled(MMAError):
    """The user cancelled a build; no artifact is left of it, only what a training had learnt so far."""


@dataclass(frozen=True)
class Order:
    """All that determines an artifact: two equal orders give the same one.

    Attributes:
        recipe: the recipe.
        teacher: name of the teacher.
        data: folder with unlabelled text and labelled sentences, or None for the text of the built-in samples.
        languages: whose text a step may use; empty for all there is.
        budget: how long steps may train; it says nothing where none trains.
        portable: whether 8 bits are to be right on CPUs without VNNI too, whichever this one is.
    """

    recipe: Recipe
    teacher: str = "multi"
    data: Path | None = None
    languages: tuple[str, ...] = ()
    budget: str = BUDGETS[0]
    portable: bool = False

    @property
    def full_range(self) -> bool:
        """Whether weights in 8 bits may take all of them."""
        return engines.has_vnni() and not self.portable

    def key(self, teacher_sha256: str) -> str:
        """The content address: a hash of the order, the teacher, the versions and the CPU's 8-bit arithmetic."""
        content = {
            "revision": REVISION,
            "recipe": str(self.recipe),
            "teacher": teacher_sha256,
            "data": _digest(self.data, labels=self.recipe.trains) if self.data else "samples",
            "languages": sorted(self.languages),
            "seed": SEED,
            "versions": versions(),
            "vnni": self.full_range,
            **({"budget": self.budget} if self.recipe.trains else {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _digest(folder: Path, *, labels: bool) -> str:
    """A hash of a data folder's unlabelled text, and of the labels that may train, wherever the folder stands."""
    paths = sorted((folder / "text").glob("*.txt.xz"))
    paths += [corpus.path for corpus in data.corpora(folder, "train") if data.may_train(corpus)] if labels else []
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(str(path.relative_to(folder)).encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Versions of the libraries that make an artifact."""
    import importlib.metadata

    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def folder_of(order: Order) -> Path:
    """Where an order's artifact stands once it is built.

    Raises:
        ArtifactError: the teacher cannot be found or trusted.
    """
    name = str(order.recipe).replace(":", "-").replace("+", "_").replace(",", ".")[:80]
    return cache_root() / "artifacts" / f"{name}-{order.key(sources.locate(order.teacher).sha256)}"


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


def _on_shelf(order: Order) -> Artifact | None:
    """What serves whoever asks for a recipe that trains, and not for what it learns from."""
    if not order.recipe.trains or order.data or order.languages:
        return None
    return shelf.best(order.recipe, sources.locate(order.teacher).sha256, REVISION)


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
    report: Report = lambda fraction, desc: None,
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
        BuildCancelled: `cancel` was set.
    """
    order = Order(wanted, teacher, data, tuple(languages), budget or BUDGETS[0], portable)
    _check(order)
    found = cached(wanted, teacher=teacher, data=data, languages=languages, budget=budget, portable=portable)
    return found or _build_alone(order, report, cancel)


def _build_alone(order: Order, report: Report, cancel: Event | None) -> Artifact:
    from filelock import FileLock

    folder = folder_of(order)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        found = _found(order)
        if found is None:
            _build_in_child(order, folder, report, cancel)
            found = artifact.open_folder(folder)
            shutil.rmtree(_work(folder), ignore_errors=True)
    return found


def _check(order: Order) -> None:
    if order.recipe.is_teacher:
        raise RecipeError("step teacher: the baseline runs as it is and has no artifact; choose onnx to export it")
    for step in order.recipe.steps:
        step.check()
    for code in order.languages:
        language(code)
    if order.budget not in BUDGETS:
        raise RecipeError(f"unknown budget {order.budget!r}; accepted: {', '.join(BUDGETS)}")


def _build_in_child(order: Order, folder: Path, report: Report, cancel: Event | None) -> None:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(order, folder, sender), daemon=True)
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
        if not receiver.poll(0.2):
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


def _child(order: Order, folder: Path, sender: "Connection") -> None:
    # The exporters and quantisers narrate what they skip; the user's progress line is `report`'s alone.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        run(order, folder, lambda fraction, desc: sender.send(("progress", fraction, desc)))
        sender.send(("done",))
    except MMAError as error:
        sender.send(("error", error))
    except Exception:
        sender.send(("crash", traceback.format_exc()))


def run(order: Order, folder: Path, report: Report) -> Artifact:
    """Build in this process: the two loops over the recipe's steps, the export between them, the one write."""
    from . import checkpoint as checkpoints
    from .export import export

    began = time.perf_counter()
    report(0.02, "loading the teacher")
    teacher = checkpoints.load(order.teacher)
    exporting = 0.75 if order.recipe.trains else 0.2
    world = _world(order, teacher, _part(report, 0.1, exporting))
    current = _changed(teacher, order, world)
    config = checkpoints.plain_config(current)
    limit = checkpoints.max_pieces(config)
    report(exporting, "exporting to ONNX")
    graph = export(current)
    world = replace(world, encode=_encoder(current, limit), report=_part(report, exporting + 0.1, 0.9))
    manifest = {**_manifest(order, teacher), **parameter_counts(current), "max_pieces": limit}
    frame = guard.Frame(current.tokenizer, config, manifest, world.threads)
    reduced: dict[str, Any] = {}
    for step in order.recipe.after_export:
        graph, reduced = guard.guarded(step, graph, world, frame)

    def examine(made: Artifact) -> dict[str, Any]:
        report(0.95, "comparing")
        found = dict(reduced) or {"agreement": _agreement(made, current, world)}
        if current.tokenizer is not teacher.tokenizer:
            found["lossless"] = _lossless(teacher, current, world)
        return {**found, "seconds": round(time.perf_counter() - began, 1)}

    report(0.9, "writing")
    return artifact.write(
        folder, graph=graph, tokenizer=current.tokenizer, config=config, manifest=manifest, examine=examine
    )


def _changed(teacher: "Checkpoint", order: Order, world: World) -> "Checkpoint":
    """The checkpoint that is exported; each step has its part of the progress and its own folder to work in.

    What the first steps have learnt in another recipe that begins with them is taken from there.
    """
    from . import trained

    steps = order.recipe.before_export
    keys = [
        replace(order, recipe=Recipe(steps[: n + 1]), portable=False).key(teacher.sha256) for n in range(len(steps))
    ]
    current, begin = teacher, 0
    for number in reversed(range(len(steps))):
        if steps[number].trains and (found := trained.read(keys[number], teacher)):
            current, begin = found, number + 1
            break
    for number, step in enumerate(steps[begin:], start=begin):
        part = _part(world.report, number / len(steps), (number + 1) / len(steps))
        current = step.apply(current, replace(world, report=part, work=world.work / step.name))
        if step.trains:
            trained.write(keys[number], current)
    return current


def unlabelled(folder: Path | None, codes: Sequence[str], count: int) -> dict[str, list[tuple[str, ...]]]:
    """Unlabelled sentences by language, as words: from a data folder, else the built-in samples without their tags.

    Args:
        folder: the data folder, or None.
        codes: the languages wanted; empty for all there are.
        count: at most so many sentences a language.

    Raises:
        DataError: a wanted language has no text in the data folder.
    """
    if folder is None:
        found = {corpus.language: corpus.sentences for corpus in data.samples()}
        return {code: [s.words for s in found[code][:count]] for code in sorted(found) if not codes or code in codes}
    there = codes or [code for code in LANGUAGES if (folder / "text" / f"{code}.txt.xz").exists()]
    return {
        code: [tuple(word.text for word in words(text, code)) for text in data.read_text(folder, code, count, SEED)]
        for code in there
    }


def labelled(folder: Path | None, teacher: str, codes: Sequence[str]) -> dict[tuple[str, str], list[data.Sentence]]:
    """Labelled sentences that students of a teacher may learn from, by source and language.

    These are the training files of a data folder that may train shipped weights. Without one there are no labels: a
    student then sees the text of the built-in samples and the teacher's answers to it, for `bench` measures on their
    labels. A built-in teacher's students see no labels of a language whose labels it did not see itself, or they would
    not be zero-shot.

    Args:
        folder: the data folder, or None.
        teacher: its name.
        codes: the languages wanted; empty for all there are.

    Raises:
        DataError: the data folder has no training files.
    """
    files = [] if folder is None else [f for f in data.corpora(folder, "train") if data.may_train(f)]
    if teacher in builtin.names():
        seen = {code for code, count in builtin.labelled(teacher).items() if count.seen}
        files = [file for file in files if file.language in seen]
    return {(file.source, file.language): file.sentences for file in files if not codes or file.language in codes}


def _work(folder: Path) -> Path:
    """Where the training of the artifact that shall stand in `folder` keeps what it has learnt."""
    return cache_root() / "work" / folder.name


def _world(order: Order, teacher: "Checkpoint", report: Report) -> World:
    named = {code for step in order.recipe.steps for code in getattr(step, "languages", ())}
    codes = sorted(named or order.languages)
    return World(
        teacher=teacher,
        texts=unlabelled(order.data, codes, max(TEXTS_PER_LANGUAGE, TEXTS // len(codes) if codes else 0)),
        words=lambda code: _words(order.data, code),
        encode=lambda sentence: [],
        seed=SEED,
        threads=engines.available_threads(),
        full_range=order.full_range,
        report=report,
        labelled=lambda: labelled(order.data, order.teacher, order.languages),
        unlabelled=lambda codes, count: unlabelled(order.data, codes or order.languages, count),
        budget=order.budget,
        work=_work(folder_of(order)),
        shared=cache_root() / "outputs" / teacher.sha256[:16],
    )


def _words(folder: Path | None, code: str) -> list[str]:
    if folder is None:
        return data.word_list(code)
    return sorted({word for text in unlabelled(folder, [code], ALL_TEXTS)[code] for word in text})


def _part(report: Report, begin: float, end: float) -> Report:
    return lambda fraction, desc: report(begin + (end - begin) * fraction, desc)


def _encoder(checkpoint: "Checkpoint", limit: int) -> Callable[[Sequence[str]], list[int]]:
    return lambda sentence: checkpoint.tokenizer.encode(join(sentence)[0]).ids[:limit]


def _manifest(order: Order, teacher: "Checkpoint") -> dict[str, Any]:
    return {
        "recipe": str(order.recipe),
        "revision": REVISION,
        "teacher": order.teacher,
        "teacher_sha256": teacher.sha256,
        "engine": order.recipe.engine,
        "inference_precision": "bf16" if any(step.name == "bf16" for step in order.recipe.steps) else "f32",
        "data": order.data.resolve().name if order.data else "text of the built-in samples",
        "languages": list(order.languages),
        **({"budget": order.budget} if order.recipe.trains else {}),
        "seed": SEED,
        "versions": versions(),
        "reduced_range": not order.full_range,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def parameter_counts(checkpoint: "Checkpoint") -> dict[str, int]:
    """All parameters, those of the word embeddings, and those that are not zero."""
    return {name: getattr(checkpoint, name) for name in PARAMETERS}


def _agreement(made: Artifact, checkpoint: "Checkpoint", world: World) -> dict[str, float]:
    """Share of words, in percent by language, that the artifact tags as the PyTorch model it was made from."""
    fast = runtime.open_artifact(made, world.threads)
    plain = runtime.open_checkpoint(checkpoint, world.threads)
    found = {}
    for code, texts in world.texts.items():
        chosen = texts[:AGREEMENT_TEXTS]
        pairs = zip(fast.tag(chosen), plain.tag(chosen), strict=True)
        same = [a == b for ours, theirs in pairs for a, b in zip(ours.tags, theirs.tags, strict=True)]
        found[code] = round(100 * float(np.mean(same)), 2) if same else 100.0
    return found


def _lossless(teacher: "Checkpoint", current: "Checkpoint", world: World) -> dict[str, float]:
    """Share of running words, in percent by language, that the smaller vocabulary cuts as the teacher's does."""
    from .trimming import lossless_share

    return {
        code: round(100 * lossless_share(teacher.tokenizer, current.tokenizer, [w for text in texts for w in text]), 2)
        for code, texts in world.texts.items()
    }


def tagger(
    wanted: Recipe,
    *,
    teacher: str = "multi",
    threads: int | None = None,
    brief: bool = False,
    report: Report = lambda fraction, desc: None,
    cancel: Event | None = None,
) -> runtime.Tagger:
    """A tagger for any recipe, built if need be and opened once a process; of one that trains the best that there is.

    It runs on `threads` processor threads, by default all that this process may use. `brief` says that a few texts are
    all that it will tag: it opens sooner, and tags many later. The rest is as for `build`.

    Raises:
        MMAError: as `build`.
    """
    threads = threads or engines.available_threads()
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
    return runtime.open_artifact(made, threads, cache=cache_root() / "compiled" / made.folder.name, brief=brief)
