"""The options that commands share, and what they stand for."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from .. import builtin
from ..data import Corpus, corpora, samples
from ..errors import DataError
from ..languages import language
from ..machine import available_threads
from ..recipe import Recipe
from .terminal import say


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(2, f"mma: {message} (see {self.prog} --help)\n")


def command(commands: Any, name: str, run: Any, text: str, *, as_json: bool = True) -> argparse.ArgumentParser:
    """Add a command that `run` answers, by default with `--json`."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    if as_json:
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return parser


def count(text: str) -> int:
    """Read a number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def threads(text: str) -> int:
    """Read a number of processor threads that this process may use."""
    number, most = count(text), available_threads()
    if number > most:
        raise argparse.ArgumentTypeError(f"this process may use {most}, not {number}")
    return number


def codes(text: str) -> tuple[str, ...]:
    """Read names with commas between."""
    return tuple(code.strip() for code in text.split(",") if code.strip())


def names(text: str) -> tuple[str, ...]:
    """Read at least one name, with commas between."""
    if not (found := codes(text)):
        raise argparse.ArgumentTypeError(f"{text!r} holds no name")
    return found


def recipe_argument(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add RECIPE, or several of them."""
    text = "steps joined by +, such as layers:6+int8; the command `recipes` lists them"
    if several:
        parser.add_argument("recipes", nargs="+", metavar="RECIPE", help=text)
    else:
        parser.add_argument("recipe", metavar="RECIPE", help=text)


def note_languages(recipe: Recipe, code: str) -> None:
    """Tell the user if a recipe is for other languages."""
    if not recipe.is_for(code):
        say(f"{recipe} is for {', '.join(recipe.languages)}; expect little of it in {code}")


def teacher_option(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add `--teacher`, or several of them with commas between."""
    known = f"{', '.join(builtin.names())}, a checkpoint folder, or a hub id (default: multi)"
    if several:
        parser.add_argument("--teacher", type=names, default=("multi",), metavar="a,b", help=known)
    else:
        parser.add_argument("--teacher", default="multi", help=known)


def languages_option(parser: argparse.ArgumentParser) -> None:
    """Add `--languages`."""
    parser.add_argument("--languages", type=codes, default=(), metavar="a,b", help="language codes")


def threads_option(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument("--threads", type=threads, metavar="N", help="of each tagger (default: all of this process)")


def measuring_options(parser: argparse.ArgumentParser, *, teachers: bool = False) -> None:
    """Add what every measurement takes: teacher, or several, languages, files and how many of their sentences."""
    teacher_option(parser, several=teachers)
    languages_option(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="data folder with test files (default: the samples)")
    parser.add_argument(
        "--sentences", type=count, default=400, metavar="N", help="at most N of each test file, drawn by seed (400)"
    )


def labelled_files(options: argparse.Namespace) -> list[Corpus]:
    """The test files of `--data`, else the samples, in all languages."""
    return samples() if options.data is None else corpora(options.data, "test")


def chosen_corpora(options: argparse.Namespace) -> list[Corpus]:
    """The files to measure on.

    Raises:
        DataError: a language is unknown or has no file, `--conll` lacks its language, or an option would go unheard.
    """
    for code in options.languages:
        language(code)
    conll = getattr(options, "conll", None)
    if conll is not None:
        if options.language is None:
            raise DataError("--conll needs --language")
        if options.data is not None or options.languages:
            raise DataError("--conll is all that is measured on: leave out --data and --languages")
        return [Corpus(conll.name, language(options.language).code, "test", conll)]
    if getattr(options, "language", None) is not None:
        raise DataError("--language is that of a --conll file; to choose among several files, pass --languages")
    found = labelled_files(options)
    chosen = [c for c in found if not options.languages or c.language in options.languages]
    missing = sorted(set(options.languages) - {c.language for c in chosen})
    if missing:
        raise DataError(
            f"no test file in {', '.join(missing)}; there are {', '.join(sorted({c.language for c in found}))}"
        )
    return chosen
