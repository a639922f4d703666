"""The command line, over the same calls as the app.

Exit status 0; 2 for bad usage or bad input, with one line that says what and how to mend it; 1 for a failure of ours.
"""

import argparse
import json
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from . import results
from .data import Corpus, corpora, samples
from .errors import DataError, MMAError
from .languages import LANGUAGES, language
from .recipe import Step, parse

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("nncf").setLevel(logging.ERROR)
    options = _parse(arguments)
    try:
        options.run(options)
    except MMAError as error:
        print(f"mma: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    # argparse settles an optional TEXT at the first positional, so one that follows the options is left over.
    marked = rest[:1] == ["--"]
    rest = rest[marked:]
    plain = len(rest) == 1 and (marked or not rest[0].startswith("-"))
    if plain and getattr(options, "text", rest) is None and not options.file:
        options.text = rest[0]
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mma: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m mma_core", description="Compress, tag and measure.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("recipes", _recipes, "list the steps that a recipe can have"),
        ("languages", _languages, "list the languages"),
        ("results", _results, "list measurements, shipped and own"),
    ):
        _command(commands, name, run, text)
    _build_command(commands)
    _tag_command(commands)
    _bench_command(commands)
    _profile_command(commands)
    _sweep_command(commands)
    _raw_command(commands)
    _train_command(commands)
    return parser


def _command(commands: Any, name: str, run: Any, text: str, *, as_json: bool = True) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    if as_json:
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return parser


def _teacher_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--teacher", default="multi", help="multi, a checkpoint folder, or a hub id")


def _languages_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--languages", type=_codes, default=(), metavar="a,b", help="language codes")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for code in text.split(",") if code.strip())


def _build_command(commands: Any) -> None:
    parser = _command(commands, "build", _build, "build a recipe's artifact")
    parser.add_argument("recipe", metavar="RECIPE")
    _teacher_option(parser)
    _languages_option(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder with unlabelled text")
    parser.add_argument("--out", type=Path, metavar="DIR", help="copy the artifact to this new folder")


def _tag_command(commands: Any) -> None:
    parser = _command(commands, "tag", _tag, "tag text; without TEXT, each line of standard input is a document")
    parser.add_argument("recipe", metavar="RECIPE")
    _teacher_option(parser)
    parser.add_argument("--language", default="en", help="language code of the text (default: en)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", metavar="TEXT")
    what.add_argument("--file", type=Path, metavar="F", help="a file of any size, one document a line")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there; goes on where a run was cut off")
    parser.add_argument("--format", choices=("jsonl", "conll"), help="of the lines written (jsonl with --out)")
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="processes that share the work (1)")


def _bench_command(commands: Any) -> None:
    parser = _command(commands, "bench", _bench, "measure recipes beside their teacher")
    parser.add_argument("recipes", nargs="+", metavar="RECIPE")
    _measuring_options(parser)
    parser.add_argument("--conll", type=Path, metavar="FILE", help="a CoNLL file of your own, with --language")
    parser.add_argument("--language", help="the language of --conll")


def _profile_command(commands: Any) -> None:
    parser = _command(commands, "profile", _profile, "show where a recipe's bytes and milliseconds go")
    parser.add_argument("recipe", metavar="RECIPE")
    _teacher_option(parser)
    parser.add_argument("--language", default="en", help="language of the sample sentences (default: en)")


def _sweep_command(commands: Any) -> None:
    parser = _command(commands, "sweep", _sweep, "measure many recipes into the table of precomputed results")
    default = Path(__file__).parents[1] / "precomputed" / "recipes.txt"
    parser.add_argument("--recipes", type=Path, metavar="FILE", default=default, help="recipes, one a line")
    parser.add_argument("--table", type=Path, metavar="FILE", default=results.PRECOMPUTED, help="where the rows go")
    _measuring_options(parser)


def _raw_command(commands: Any) -> None:
    parser = _command(commands, "raw", _raw, "compare F1 from raw text with F1 from a corpus's own words")
    parser.add_argument("recipe", metavar="RECIPE")
    _measuring_options(parser)


def _measuring_options(parser: argparse.ArgumentParser) -> None:
    _teacher_option(parser)
    _languages_option(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder with test files (default: the samples)")
    parser.add_argument(
        "--sentences", type=int, default=400, metavar="N", help="at most N of each test file, drawn by seed (400)"
    )


def _train_command(commands: Any) -> None:
    parser = commands.add_parser("train", help="make what the project ships: encoder, teachers, words; try ablations")
    parts = parser.add_subparsers(required=True, metavar="WHAT")
    encoder = _command(parts, "encoder", _train_encoder, "unpack the built-in encoder and prove it")
    encoder.add_argument("--out", type=Path, metavar="DIR", help="the checkpoint folder (default: in the cache)")
    teacher = _command(
        parts, "teacher", _train_teacher, "train a built-in teacher by its plan; resumes a run that was cut off"
    )
    _name_and_data(teacher, "training files")
    _work_option(teacher)
    teacher.add_argument("--pack", action="store_true", help="pack the result into assets/")
    card = _command(parts, "card", _train_card, "measure a teacher on every test file and write its model card")
    _name_and_data(card, "test files")
    curve = _command(parts, "curve", _train_curve, "measure a teacher on dev files after each stage of its training")
    _name_and_data(curve, "dev files")
    _work_option(curve)
    ablations = _command(parts, "ablations", _train_ablations, "train small variants and compare them on dev files")
    ablations.add_argument("name", metavar="TEACHER", help="the teacher")
    ablations.add_argument("runs", nargs="*", metavar="RUN", help="of these alone")
    ablations.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder")
    _work_option(ablations)
    words = _command(parts, "words", _train_words, "make the word lists for trimming vocabularies")
    words.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder with unlabelled text")


def _name_and_data(parser: argparse.ArgumentParser, files: str) -> None:
    parser.add_argument("name", nargs="?", default="multi", metavar="NAME", help="the teacher (default: multi)")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help=f"data folder with {files}")


def _work_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="DIR", help="checkpoints and logs (default: in the cache)")


def _recipes(options: argparse.Namespace) -> None:
    _show([_described(step) for step in Step.registry.values()], options.json, "{name:12} {kind:10} {summary}")


def _described(step: type[Step]) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind.name.lower(),
        "title": step.title,
        "summary": step.summary,
        "arguments": [{"name": f.name, **f.metadata} for f in fields(step)],
        "example": step.example,
        "paper": {"name": step.paper[0], "address": step.paper[1]},
    }


def _languages(options: argparse.Namespace) -> None:
    rows = [{**asdict(row), "direction": row.direction} for row in LANGUAGES.values()]
    _show(rows, options.json, "{code:4} {name:20} {script:5} {tier}")


def _results(options: argparse.Namespace) -> None:
    rows = [
        {**asdict(row), "from": origin}
        for origin, path in (("precomputed", results.PRECOMPUTED), ("own", results.own_path()))
        for row in results.read(path)
    ]
    _show(rows, options.json, "{recipe:28} {language:4} {dataset:12} F1 {f1:5.1f}  x{speedup:5.2f}  {from}")


def _build(options: argparse.Namespace) -> None:
    import shutil

    from . import build, guard

    if options.out is not None and options.out.exists():
        raise DataError(f"--out {options.out} exists already; name a new folder")
    made = build.build(
        parse(options.recipe),
        teacher=options.teacher,
        data=options.data,
        languages=options.languages,
        report=_progress,
    )
    folder = made.folder
    if options.out is not None:
        folder = Path(shutil.copytree(made.folder, options.out))
    _show([{"folder": str(folder), **made.manifest}], options.json, "{recipe} is in {folder}", single=True)
    for line in [] if options.json else guard.findings(made.manifest):
        print(line)


def _tag(options: argparse.Namespace) -> None:
    from . import bulk

    language(options.language)
    if options.file is None and (options.out or options.workers > 1):
        raise DataError("--out and --workers go with --file F")
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
    from . import bulk

    target = bulk.Target(options.out, bulk.FORMATS[options.format or "jsonl"], options.language)
    count = target.tag(options.file, partial(_spans, options), report=_Percents(), say=_say)
    row = {"documents": count, "out": str(options.out)}
    _show([row], options.json, "{documents} documents are in {out}", single=True)


def _spans(options: argparse.Namespace, texts: Iterable[str]) -> Iterable[Any]:
    from . import build, bulk

    recipe = parse(options.recipe)
    if options.workers == 1:
        tagger = build.tagger(recipe, teacher=options.teacher, report=_progress)
        return tagger.stream(texts, options.language)
    if not recipe.is_teacher:
        build.build(recipe, teacher=options.teacher, report=_progress)
    return bulk.Workers(str(recipe), options.teacher, options.language, options.workers).tag(texts)


@contextmanager
def _documents(options: argparse.Namespace) -> Iterator[Iterator[Any]]:
    from . import bulk

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
    report = _Percents()
    for number, (document, spans) in enumerate(rows, 1):
        yield document, spans
        report(document.end / size, f"{number:,} documents")


def _print_tagged(rows: Iterable[tuple[Any, Any]], options: argparse.Namespace) -> None:
    from . import bulk

    if options.json:
        _print_list(bulk.row(document.text, options.language, spans) for document, spans in rows)
        return
    for document, spans in rows:
        if options.format is not None:
            print(bulk.FORMATS[options.format].render(document.text, options.language, spans), end="")
            continue
        print(document.text)
        for span in spans:
            text = document.text[span.start : span.end]
            print(f"  {span.label:5} {span.start:5}-{span.end:<5} {span.score:.2f}  {text}")


def _print_list(rows: Iterable[dict[str, Any]]) -> None:
    """Print one JSON list as it comes, laid out as `_print_json` does."""
    for number, row in enumerate(rows):
        laid_out = json.dumps(row, ensure_ascii=False, indent=1).replace("\n", "\n ")
        print(",\n " if number else "[\n ", laid_out, sep="", end="")
    print("\n]")


def _bench(options: argparse.Namespace) -> None:
    from .measure.bench import bench

    rows = bench(
        [parse(text) for text in options.recipes],
        _corpora(options),
        teacher=options.teacher,
        sentences=options.sentences,
        command=_own_command(),
        report=_progress,
    )
    _show([asdict(row) for row in rows], options.json, _ROW)


_ROW = (
    "{recipe:28} {language:4} {dataset:12} F1 {f1:5.1f} [{f1_low:.1f}, {f1_high:.1f}]  "
    "{words_per_s:8.0f} words/s  x{speedup:.2f}"
)


def _profile(options: argparse.Namespace) -> None:
    from .charts import anatomy
    from .measure.profile import profile

    found = asdict(profile(parse(options.recipe), teacher=options.teacher, code=options.language, report=_progress))
    if options.json:
        _print_json(found)
    else:
        print(f"{options.recipe}: {anatomy.takeaway(found)}")


def _sweep(options: argparse.Namespace) -> None:
    from .measure.sweep import read_recipes, sweep

    added = sweep(
        read_recipes(options.recipes),
        _corpora(options),
        teacher=options.teacher,
        table=options.table,
        sentences=options.sentences,
        command=_own_command(),
        report=_progress,
    )
    _show([{"added": added, "table": str(options.table)}], options.json, "{added} rows into {table}", single=True)


def _raw(options: argparse.Namespace) -> None:
    from . import build
    from .measure.raw import compare

    corpora = _corpora(options)
    tagger = build.tagger(parse(options.recipe), teacher=options.teacher, report=_progress)
    rows = compare(tagger, corpora, sentences=options.sentences, report=_progress)
    _show([asdict(row) for row in rows], options.json, _RAW_ROW)


_RAW_ROW = (
    "{language:4} {dataset:12} F1 {f1_words:5.1f} from words, {f1_raw:5.1f} from raw text ({difference:+.1f})  "
    "{same_words:.0f}% of sentences cut alike"
)


def _corpora(options: argparse.Namespace) -> list[Corpus]:
    for code in options.languages:
        language(code)
    conll = getattr(options, "conll", None)
    if conll is not None:
        if options.language is None:
            raise DataError("--conll needs --language")
        return [Corpus(conll.name, language(options.language).code, "test", conll)]
    found = samples() if options.data is None else corpora(options.data, "test")
    chosen = [c for c in found if not options.languages or c.language in options.languages]
    missing = sorted(set(options.languages) - {c.language for c in chosen})
    if missing:
        raise DataError(
            f"no test file in {', '.join(missing)}; there are {', '.join(sorted({c.language for c in found}))}"
        )
    return chosen


def _own_command() -> str:
    # A row travels further than the folders of the machine it was measured on: of a path only the last name is kept.
    return shlex.join(
        ["python", "-m", "mma_core", *(Path(part).name if "/" in part else part for part in sys.argv[1:])]
    )


def _train_encoder(options: argparse.Namespace) -> None:
    from .folders import cache_root
    from .training import encoder

    folder = options.out or cache_root() / "encoder"
    proof = encoder.unpack(folder)
    text = (
        "{folder}: {parameters} parameters, {pieces} pieces, cosine at least {cosine_min:.5f} in {languages} languages"
    )
    _show([{"folder": str(folder), **proof}], options.json, text, single=True)


def _training_folder(options: argparse.Namespace) -> Path:
    from .folders import cache_root

    return options.out or cache_root() / "training"


def _train_card(options: argparse.Namespace) -> None:
    from .measure.card import write_card

    path = write_card(options.name, data=options.data, report=_progress)
    _show([{"card": str(path)}], options.json, "{card}", single=True)


def _train_teacher(options: argparse.Namespace) -> None:
    from . import builtin
    from .training import encoder, teacher
    from .training.loop import accelerator

    made = teacher.train(options.name, data=options.data, work=_training_folder(options), report=_progress)
    folder = made.folder
    if not accelerator().is_main_process:
        return
    if options.pack:
        packed = encoder.read(encoder.package_file())
        builtin.store_encoder(packed.word_blocks, encoder.tokenizer(packed.pieces).to_str())
        folder = builtin.pack(made.folder, options.name, made.record)
    _show([{**made.record, "folder": str(folder)}], options.json, "{folder}", single=True)


def _train_curve(options: argparse.Namespace) -> None:
    from .measure.curve import curve

    rows = curve(options.name, data=options.data, work=_training_folder(options), report=_progress)
    _show(rows, options.json, "{stage:12} {sentences:9,} sentences  {f1}")


def _train_ablations(options: argparse.Namespace) -> None:
    from .measure.ablations import run

    rows = run(options.name, options.runs, data=options.data, work=_training_folder(options), report=_progress)
    _show(rows, options.json, "{name:24} {gold:5.1f} ({difference:+.1f}, p = {p:.2f})")


def _train_words(options: argparse.Namespace) -> None:
    from .training.words import write_word_lists

    _show([write_word_lists(options.data, _progress)], options.json, "{}", single=True)


def _show(rows: list[dict[str, Any]], as_json: bool, template: str, *, single: bool = False) -> None:
    if as_json:
        _print_json(rows[0] if single else rows)
        return
    for row in rows:
        print(template.format(row, **row))


def _print_json(content: Any) -> None:
    json.dump(content, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def _progress(fraction: float, desc: str) -> None:
    bar = "█" * round(20 * fraction)
    end = "\r" if sys.stderr.isatty() and fraction < 1 else "\n"
    print(f"{100 * fraction:3.0f}% |{bar:<20}| {desc:<60}", end=end, file=sys.stderr, flush=True)


class _Percents:
    """Shows progress by whole percents, so that a long file makes few lines where they are kept."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, fraction: float, desc: str) -> None:
        if int(100 * fraction) > self._shown:
            self._shown = int(100 * fraction)
            _progress(fraction, desc)


def _say(text: str) -> None:
    print(f"mma: {text}", file=sys.stderr)


def _leave(status: int) -> NoReturn:
    """End the process at once: taking a tokenizer of 250,000 pieces apart takes longer than tagging a text."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    answer = main()
    if sys.argv[1:2] == ["tag"]:
        _leave(answer)
    sys.exit(answer)
