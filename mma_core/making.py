"""One order → one artifact, in this process: the recipe's steps, the export between them, the one write."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from . import artifact, guard, machine, runtime
from .artifact import Artifact
from .folders import cache_root
from .orders import SEED, Order, folder_of, revision, versions
from .pieces import join
from .progress import Report, portion
from .recipe import Recipe, World
from .texts import labelled, unlabelled, word_counts

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

# Text that steps use and the guard compares on: of few languages more each, so that their agreement is no coarse one.
TEXTS_PER_LANGUAGE, TEXTS = 100, 2000
AGREEMENT_TEXTS = 8
# Percent of words: in 32 bits only a tie may turn a tag.
EXPORT_LIMIT = 99.0
PARAMETERS = ("parameters", "embedding_parameters", "nonzero_parameters")


def run(order: Order, folder: Path, report: Report) -> Artifact:
    """Build an order's artifact in a folder.

    Args:
        order: what is built.
        folder: where it shall stand; it is there whole or not at all.
        report: progress.

    Raises:
        MMAError: as `build.build`.
    """
    from . import checkpoint as checkpoints
    from .export import export

    began = time.perf_counter()
    report(0.02, "loading the teacher")
    teacher = checkpoints.load(order.teacher)
    exporting = 0.75 if order.recipe.trains else 0.2
    world = world_of(order, teacher, portion(report, 0.1, exporting))
    current = _changed(teacher, order, world)
    config = checkpoints.plain_config(current)
    limit = checkpoints.max_pieces(config)
    report(exporting, "exporting to ONNX")
    graph = export(current)
    world = replace(world, encode=_encoder(current, limit), report=portion(report, exporting + 0.1, 0.9))
    manifest = {**_manifest(order, teacher), **parameter_counts(current), "max_pieces": limit}
    frame = guard.Frame(current.tokenizer, config, manifest, world.threads)
    exact = frame.tagger(graph, engine="onnxruntime", inference_precision="f32")
    compared: dict[str, Any] = {"agreement": _agreement(exact, current, world)}
    _check_export(compared["agreement"])
    for step in order.recipe.after_export:
        graph, compared = guard.guarded(step, graph, world, frame, exact)

    def examine(_made: Artifact) -> dict[str, Any]:
        found = dict(compared)
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
        within = portion(world.report, number / len(steps), (number + 1) / len(steps))
        current = step.apply(current, replace(world, report=within, work=world.work / step.name))
        if step.trains:
            trained.write(keys[number], current)
    return current


def work_of(folder: Path) -> Path:
    """Where the training of the artifact that shall stand in `folder` keeps what it has learnt."""
    return cache_root() / "work" / folder.name


def world_of(order: Order, teacher: "Checkpoint", report: Report) -> World:
    """What the steps of an order may use, besides the checkpoint or graph that they change."""
    named = {code for step in order.recipe.steps for code in getattr(step, "languages", ())}
    codes = sorted(named or order.languages)
    return World(
        teacher=teacher,
        texts=unlabelled(order.data, codes, max(TEXTS_PER_LANGUAGE, TEXTS // len(codes) if codes else 0)),
        words=lambda code: word_counts(order.data, code),
        encode=lambda sentence: [],
        seed=SEED,
        threads=machine.available_threads(),
        full_range=order.full_range,
        report=report,
        languages=order.languages,
        labelled=lambda: labelled(order.data, order.teacher),
        unlabelled=lambda codes, count: unlabelled(order.data, codes, count),
        budget=order.budget,
        work=work_of(folder_of(order)),
        shared=cache_root() / "outputs" / teacher.sha256[:16],
    )


def _encoder(checkpoint: "Checkpoint", limit: int) -> Callable[[Sequence[str]], list[int]]:
    return lambda sentence: checkpoint.tokenizer.encode(join(sentence)[0]).ids[:limit]


def _manifest(order: Order, teacher: "Checkpoint") -> dict[str, Any]:
    return {
        "recipe": str(order.recipe),
        "command": order.command(),
        "revision": revision(order.recipe),
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


def _agreement(fast: runtime.Tagger, checkpoint: "Checkpoint", world: World) -> dict[str, float]:
    """Share of words, in percent by language, that the exported graph tags as the PyTorch model it was made from."""
    plain = runtime.open_checkpoint(checkpoint, world.threads)
    found = {}
    for code, texts in world.texts.items():
        chosen = texts[:AGREEMENT_TEXTS]
        pairs = zip(fast.tag(chosen), plain.tag(chosen), strict=True)
        same = [a == b for ours, theirs in pairs for a, b in zip(ours.tags, theirs.tags, strict=True)]
        found[code] = round(100 * float(np.mean(same)), 2) if same else 100.0
    return found


def _check_export(agreement: Mapping[str, float]) -> None:
    """Stop where the graph is not the model: what compares with the graph alone would never see it."""
    if agreement and fmean(agreement.values()) < EXPORT_LIMIT:
        raise RuntimeError(f"the exported graph does not tag as the model it was made from: {dict(agreement)}")


def _lossless(teacher: "Checkpoint", current: "Checkpoint", world: World) -> dict[str, float]:
    """Share of running words, in percent by language, that the smaller vocabulary cuts as the teacher's does.

    What is written without spaces is one word, as the model meets it.
    """
    from .trimming import lossless_share

    running = {code: [word for text in texts for word in join(text)[0].split()] for code, texts in world.texts.items()}
    return {
        code: round(100 * lossless_share(teacher.tokenizer, current.tokenizer, words), 2)
        for code, words in running.items()
    }
