"""The commands that make what the project ships: encoder, teachers, words; and that try what helps."""

import argparse
from pathlib import Path
from typing import Any

from .options import command
from .terminal import progress, show


def add(commands: Any) -> None:
    """Add `train` and its parts."""
    parser = commands.add_parser("train", help="make what the project ships: encoder, teachers, words; try ablations")
    parts = parser.add_subparsers(required=True, metavar="WHAT")
    encoder = command(parts, "encoder", _train_encoder, "unpack the built-in encoder and prove it")
    encoder.add_argument("--out", type=Path, metavar="DIR", help="the checkpoint folder (default: in the cache)")
    teacher = command(
        parts, "teacher", _train_teacher, "train a built-in teacher by its plan; resumes a run that was cut off"
    )
    _name_and_data(teacher, "training files")
    _work_option(teacher)
    teacher.add_argument("--pack", action="store_true", help="pack the result into assets/")
    card = command(parts, "card", _train_card, "measure a teacher on every test file and write its model card")
    _name_and_data(card, "test files")
    curve = command(parts, "curve", _train_curve, "measure a teacher on dev files after each stage of its training")
    _name_and_data(curve, "dev files")
    _work_option(curve)
    ablations = command(parts, "ablations", _train_ablations, "train small variants and compare them on dev files")
    ablations.add_argument("name", metavar="TEACHER", help="the teacher, or another part of ablations.toml")
    ablations.add_argument("runs", nargs="*", metavar="RUN", help="of these alone")
    ablations.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder")
    _work_option(ablations)
    words = command(parts, "words", _train_words, "make the word lists for trimming vocabularies")
    words.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder with unlabelled text")


def _name_and_data(parser: argparse.ArgumentParser, files: str) -> None:
    parser.add_argument("name", nargs="?", default="multi", metavar="NAME", help="the teacher (default: multi)")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=f"data folder with {files}")


def _work_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="checkpoints and logs (default: in the cache)")


def _train_encoder(options: argparse.Namespace) -> None:
    from ..folders import cache_root
    from ..training import encoder

    folder = options.out or cache_root() / "encoder"
    proof = encoder.unpack(folder)
    text = (
        "{folder}: {parameters} parameters, {pieces} pieces, cosine at least {cosine_min:.5f} in {languages} languages"
    )
    show([{"folder": str(folder), **proof}], options.json, text, single=True)


def _training_folder(options: argparse.Namespace) -> Path:
    from ..folders import cache_root

    return options.out or cache_root() / "training"


def _train_card(options: argparse.Namespace) -> None:
    from ..measure.card import write_card

    path = write_card(options.name, data=options.data, report=progress)
    show([{"card": str(path)}], options.json, "{card}", single=True)


def _train_teacher(options: argparse.Namespace) -> None:
    from .. import builtin
    from ..training import encoder, teacher
    from ..training.loop import accelerator

    made = teacher.train(options.name, data=options.data, work=_training_folder(options), report=progress)
    folder = made.folder
    if not accelerator().is_main_process:
        return
    if options.pack:
        packed = encoder.read(encoder.package_file())
        builtin.store_encoder(packed.word_blocks, encoder.tokenizer(packed.pieces).to_str())
        folder = builtin.pack(made.folder, options.name, made.record)
    show([{**made.record, "folder": str(folder)}], options.json, "{folder}", single=True)


def _train_curve(options: argparse.Namespace) -> None:
    from ..measure.curve import curve

    rows = curve(options.name, data=options.data, work=_training_folder(options), report=progress)
    show(rows, options.json, "{stage:12} {sentences:9,} sentences  {f1}")


def _train_ablations(options: argparse.Namespace) -> None:
    from ..measure.ablations import run

    rows = run(options.name, options.runs, data=options.data, work=_training_folder(options), report=progress)
    show(rows, options.json, "{name:24} {gold:5.1f} ({difference:+.1f}, p = {p:.2f})")


def _train_words(options: argparse.Namespace) -> None:
    from ..training.words import write_word_lists

    show([write_word_lists(options.data, progress)], options.json, "{}", single=True)
