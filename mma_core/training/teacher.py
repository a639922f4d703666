"""The built-in teachers: the encoder fine-tuned for NER in stages, each with an output that is kept."""

import hashlib
import json
import platform
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForTokenClassification

from .. import builtin, sources
from ..data import Corpus
from ..errors import DataError
from ..progress import Report, portion
from . import encoder, masked_lm, ner, soft_labels
from .loop import accelerator, non_default
from .plans import ENCODER, PLANS, Stage, read_plans

_TASKS: dict[str, tuple[Callable[..., ner.Labelled], Callable[..., BertForTokenClassification]]] = {
    "ner": (ner.labelled, ner.train),
    "masked-lm": (masked_lm.unlabelled, masked_lm.train),
    "soft-labels": (masked_lm.unlabelled, soft_labels.train),
}


@dataclass(frozen=True)
class Trained:
    """What a training made.

    Attributes:
        folders: the stock checkpoint folder of each stage.
        record: how they came about, JSON: stages, files, labelled sentences, hardware, date.
    """

    folders: tuple[Path, ...]
    record: dict[str, Any]

    @property
    def folder(self) -> Path:
        """The last stage's checkpoint folder, which is the teacher."""
        return self.folders[-1]


def train(name: str, *, data: Path, work: Path, plans: Path = PLANS, report: Report) -> Trained:
    """Train a built-in teacher; a run that was cut off goes on, and finished stages are not run again.

    Args:
        name: a teacher of the plan.
        data: the data folder.
        work: one folder a stage is kept here, named after all that determines it.
        plans: the file of hyper-parameters.
        report: progress.

    Raises:
        DataError: the plan has no such teacher, or begins with a built-in one, whose labels the record would not know;
            or the folder holds no training files.
        ArtifactError: the encoder's package is missing or another one.
    """
    known = read_plans(plans)
    if name not in known:
        raise DataError(f"{plans.name} has no teacher {name!r}; known: {', '.join(known)}")
    for stage in known[name]:
        if stage.start in builtin.names():
            raise DataError(
                f"{plans.name}, {name}: stage {stage.name} starts from {stage.start}, as ablations alone may"
            )
    return run_stages(name, known[name], data=data, work=work, report=report)


def run_stages(name: str, stages: Sequence[Stage], *, data: Path, work: Path, report: Report) -> Trained:
    """Run stages one after the other, each from the weights of the one before."""
    whole = encoder.tokenizer(encoder.read(encoder.package_file()).pieces)
    seen: dict[str, set[tuple[str, int]]] = {}
    key = encoder.SHA256
    folders: list[Path] = []
    files: dict[Path, tuple[Corpus, int]] = {}
    read: dict[tuple[str, bool, tuple[str, ...], tuple[str, ...]], ner.Labelled] = {}
    for number, stage in enumerate(stages):
        report(number / len(stages), f"{stage.name}: reading the training files")
        tokenizer = encoder.with_small_letters(whole) if stage.small_letters else whole
        which = stage.task, stage.small_letters, stage.mixture.sources, stage.mixture.languages
        labels = read[which] = read.get(which) or _TASKS[stage.task][0](data, stage.mixture, tokenizer)
        key = stage_key(stage, labels.files, key)
        place = work / f"{number + 1}-{stage.name}-{key[:12]}"
        if stage.task == "ner":
            sizes = np.bincount(labels.groups, minlength=len(labels.files)).tolist()
            files |= {corpus.path: (corpus, size) for corpus, size in zip(labels.files, sizes, strict=True)}
            _note_seen(seen, labels, stage)
        if not (place / "checkpoint").is_dir():
            share = portion(report, number / len(stages), (number + 1) / len(stages), stage.name)
            before = {stages[index].name: folder for index, folder in enumerate(folders)}
            model = _run(stage, before, tokenizer=tokenizer, labels=labels, folder=place, report=share)
            _keep(model, tokenizer, place / "checkpoint")
        folders.append(place / "checkpoint")
    if not folders:
        raise DataError(f"the plan of {name} has no stage")
    return Trained(tuple(folders), _record(name, stages, list(files.values()), seen))


def _run(
    stage: Stage,
    before: Mapping[str, Path],
    *,
    tokenizer: Tokenizer,
    labels: ner.Labelled,
    folder: Path,
    report: Report,
) -> BertForTokenClassification:
    folders = list(before.values())
    if stage.mean_of:
        begun = [sources.locate(stage.start).folder] if stage.start in builtin.names() else []
        return mean([*begun, *folders[-stage.mean_of :]])
    _, training = _TASKS[stage.task]
    if stage.taught_by:
        training = partial(training, teachers=folders[-stage.taught_by :])
    return training(
        stage, start=_start(stage, before), tokenizer=tokenizer, labels=labels, folder=folder, report=report
    )


def _start(stage: Stage, before: Mapping[str, Path]) -> Path | None:
    if stage.start == ENCODER:
        return None
    if stage.start and stage.start not in before:
        if stage.start in builtin.names():
            return sources.locate(stage.start).folder
        known = ", ".join([ENCODER, *before, *builtin.names()])
        raise DataError(f"stage {stage.name} cannot start from {stage.start!r}; known: {known}")
    return before[stage.start] if stage.start else next(reversed(list(before.values())), None)


def stage_key(stage: Stage, files: Sequence[Corpus], before: str) -> str:
    """A hash of all that determines a stage's output: its plan, its files by name and size, where it begins."""
    content = {
        "stage": {**non_default(stage), "settings": non_default(stage.settings), "mixture": non_default(stage.mixture)},
        "files": [(corpus.source, corpus.language, corpus.path.stat().st_size) for corpus in files],
        "before": before,
    }
    if stage.start in builtin.names():
        content["start"] = sources.locate(stage.start).sha256
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _note_seen(seen: dict[str, set[tuple[str, int]]], labels: ner.Labelled, stage: Stage) -> None:
    begins = {group: int((labels.groups == group).argmax()) for group in range(len(labels.files))}
    for batch in ner.plan(labels, stage):
        for index in batch.tolist():
            group = int(labels.groups[index])
            corpus = labels.files[group]
            seen.setdefault(corpus.language, set()).add((corpus.source, index - begins[group]))


def _record(
    name: str, stages: Sequence[Stage], files: Sequence[tuple[Corpus, int]], seen: dict[str, set[tuple[str, int]]]
) -> dict[str, Any]:
    available: Counter[str] = Counter()
    for corpus, size in files:
        available[corpus.language] += size
    return {
        "teacher": name,
        "command": f"python -m mma_core train teacher {name} --data DIR --pack",
        "stages": [asdict(stage) for stage in stages],
        "files": dict(sorted(Counter(corpus.source for corpus, _ in files).items())),
        "available": dict(sorted(available.items())),
        "seen": {language: len(seen[language]) for language in sorted(seen)},
        "hardware": _hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def mean(folders: Sequence[Path]) -> BertForTokenClassification:
    """A model whose every weight is the mean of those in some checkpoint folders; equal ones stay bit by bit."""
    model, *others = [BertForTokenClassification.from_pretrained(folder) for folder in folders]
    weights = [other.state_dict() for other in others]
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not all(torch.equal(value, other[name]) for other in weights):
                value.copy_(torch.stack([value, *(other[name] for other in weights)]).mean(dim=0))
    return model


def _hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU {platform.machine()}, {torch.get_num_threads()} threads"


def _keep(model: BertForTokenClassification, tokenizer: Tokenizer, folder: Path) -> None:
    machine = accelerator()
    if machine.is_main_process:
        write_checkpoint(model, tokenizer, folder)
    machine.wait_for_everyone()


def write_checkpoint(model: BertForTokenClassification, tokenizer: Tokenizer, folder: Path) -> Path:
    """Write a stock `BertForTokenClassification` folder, whole or not at all."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.cpu().save_pretrained(partial)
    tokenizer.save(str(partial / "tokenizer.json"))
    (partial / "tokenizer_config.json").write_text(json.dumps(encoder.tokenizer_config(), indent=1))
    partial.rename(folder)
    return folder
