"""The commands that build a recipe and tag with it."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from ..errors import DataError
from ..languages import language
from ..recipe import BUDGETS, parse
from .options import command, count, languages_option, note_languages, recipe_argument, teacher_option
from .terminal import Percents, print_list, progress, say, show

T = TypeVar("T")


def add(commands: Any) -> None:
    """Add `build` and `tag`."""
    _build_command(commands)
    _tag_command(commands)


def _build_command(commands: Any) -> None:
    parser = command(commands, "build", _build, "build a recipe's artifact")
    recipe_argument(parser)
    teacher_option(parser)
    languages_option(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder with text and training files")
    parser.add_argument(
        "--budget", choices=BUDGETS, default=BUDGETS[0], help="how long steps may train: minutes, an hour, or more"
    )
    parser.add_argument("--portable", action="store_true", help="8 bits for CPUs without VNNI too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="copy the artifact to this new folder")


def _tag_command(commands: Any) -> None:
    parser = command(commands, "tag", _tag, "tag text; without TEXT, each line of standard input is a document")
    recipe_argument(parser)
    teacher_option(parser)
    parser.add_argument("--language", default="en", help="language code of the text (default: en)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", metavar="TEXT")
    what.add_argument("--file", type=Path, metavar="F", help="a file of any size, one document a line")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there; goes on where a run was cut off")
    parser.add_argument("--format", choices=("jsonl", "conll"), help="of the lines written (jsonl with --out)")
    shared = parser.add_mutually_exclusive_group()
    shared.add_argument("--workers", type=count, default=1, metavar="N", help="processes that share the work (1)")
    shared.add_argument("--ray", metavar="ADDRESS", help="Ray cluster whose machines share it: auto, or HOST:PORT")


def _build(options: argparse.Namespace) -> None:
    import shutil

    from .. import build, guard

    if options.out is not None and options.out.exists():
        raise DataError(f"--out {options.out} exists already; name a new folder")
    made = build.build(
        parse(options.recipe),
        teacher=options.teacher,
        data=options.data,
        languages=options.languages,
        budget=options.budget,
        portable=options.portable,
        report=progress,
    )
    folder = made.folder
    if options.out is not None:
        try:
            folder = Path(shutil.copytree(made.folder, options.out))
        except OSError as error:
            raise DataError(f"--out {options.out} cannot be written: {error.strerror or error}") from error
    show([{"folder": str(folder), **made.manifest}], options.json, "{recipe} is in {folder}", single=True)
    for line in [] if options.json else guard.findings(made.manifest):
        print(line)


def _tag(options: argparse.Namespace) -> None:
    from .. import bulk

    language(options.language)
    note_languages(parse(options.recipe), options.language)
    if options.file is None and (options.out or options.workers > 1 or options.ray is not None):
        raise DataError("--out, --workers and --ray go with --file F")
    if options.json and options.format and not options.out:
        raise DataError("--json prints one document; leave out --format, or name a file with --out FILE")
    if options.out is not None:
        _tag_into_file(options)
        return
    with _documents(options) as found:
        first = next(found)  # bad input is refused before anything is built
        rows = bulk.tagged(chain([first], found), partial(_spans, options))
        if options.file is not None:
            rows = _followed(rows, options.file.stat().st_size)
        _print_tagged(rows, options)


def _tag_into_file(options: argparse.Namespace) -> None:
    from .. import bulk

    settings = _settings(options)
    target = bulk.Target(options.out, bulk.FORMATS[settings["format"]], options.language, settings)
    count = target.tag(options.file, partial(_spans, options), report=Percents(), say=say)
    row = {"documents": count, "out": str(options.out)}
    what = "document is" if count == 1 else "documents are"
    show([row], options.json, f"{{documents}} {what} in {{out}}", single=True)


def _settings(options: argparse.Namespace) -> dict[str, str]:
    """What decides what is written of a document."""
    from .. import sources

    return {
        "recipe": str(parse(options.recipe)),
        "teacher": options.teacher,
        "weights": sources.locate(options.teacher).sha256[:12],
        "language": options.language,
        "format": options.format or "jsonl",
    }


def _spans(options: argparse.Namespace, texts: Iterable[str]) -> Iterable[Any]:
    from .. import build, bulk

    recipe = parse(options.recipe)
    if options.ray is not None:
        from ..cluster_tagging import Machines

        machines = Machines(
            address=options.ray,
            recipe=str(recipe),
            teacher=options.teacher,
            language=options.language,
            report=progress,
        )
        return machines.tag(texts)
    if options.workers == 1:
        tagger = build.tagger(recipe, teacher=options.teacher, brief=options.file is None, report=progress)
        return tagger.stream(texts, options.language)
    if not recipe.is_teacher:
        build.build(recipe, teacher=options.teacher, report=progress)
    return bulk.Workers(str(recipe), options.teacher, options.language, options.workers).tag(texts)


@contextmanager
def _documents(options: argparse.Namespace) -> Iterator[Iterator[Any]]:
    from .. import bulk

    if options.text is not None:
        yield bulk.one_document(options.text)
    elif options.file is None:
        yield bulk.documents(sys.stdin.buffer, "standard input")
    elif options.file.is_file():
        with options.file.open("rb") as lines:
            yield bulk.documents(lines, str(options.file))
    else:
        raise DataError(f"no such file: {options.file}")


def _followed(rows: Iterable[tuple[Any, T]], size: int) -> Iterator[tuple[Any, T]]:
    report = Percents()
    for number, (document, spans) in enumerate(rows, 1):
        yield document, spans
        report(document.end / size, f"{number:,} documents")


def _print_tagged(rows: Iterable[tuple[Any, Any]], options: argparse.Namespace) -> None:
    from .. import bulk

    if options.json:
        print_list(bulk.row(document.text, options.language, spans) for document, spans in rows)
        return
    for document, spans in rows:
        if options.format is not None:
            print(bulk.FORMATS[options.format].render(document.text, options.language, spans), end="")
            continue
        print(document.text)
        for span in spans:
            text = document.text[span.start : span.end]
            print(f"  {span.label:5} {span.start:5}-{span.end:<5} {span.score:.2f}  {text}")
