"""What commands say: answers on standard output, as text or one JSON document; progress and notes on standard error."""

import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def show(rows: list[dict[str, Any]], as_json: bool, template: str, *, single: bool = False) -> None:
    """Print rows through a template, a line each; or as a JSON list, or the only one as a JSON object."""
    if as_json:
        print_json(rows[0] if single else rows)
        return
    for row in rows:
        print(template.format(row, **row))


def print_json(content: Any) -> None:
    """Print one JSON document."""
    json.dump(content, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def print_list(rows: Iterable[dict[str, Any]]) -> None:
    """Print one JSON list as it comes, laid out as `print_json` does."""
    for number, row in enumerate(rows):
        laid_out = json.dumps(row, ensure_ascii=False, indent=1).replace("\n", "\n ")
        print(",\n " if number else "[\n ", laid_out, sep="", end="")
    print("\n]")


def progress(fraction: float, desc: str) -> None:
    """Show how far something is, from 0 to 1: one line that changes, or many where they are kept."""
    bar = "█" * round(20 * fraction)
    end = "\r" if sys.stderr.isatty() and fraction < 1 else "\n"
    print(f"{100 * fraction:3.0f}% |{bar:<20}| {desc:<60}", end=end, file=sys.stderr, flush=True)


class Percents:
    """Shows progress by whole percents, so that a long file makes few lines where they are kept."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, fraction: float, desc: str) -> None:
        """Show progress if another percent is done."""
        if int(100 * fraction) > self._shown:
            self._shown = int(100 * fraction)
            progress(fraction, desc)


def say(text: str) -> None:
    """Tell the user something that is no part of the answer."""
    print(f"mma: {text}", file=sys.stderr)


def own_command() -> str:
    """The command that is running, as one could type it."""
    return shlex.join(["python", "-m", "mma_core", *map(_without_place, sys.argv[1:])])


def _without_place(part: str) -> str:
    """A path as the repository's root sees it, or its last name where it lies elsewhere; other words as they are."""
    # A row travels further than the folders of the machine it was measured on.
    path = Path(part)
    if "/" not in part or not path.parent.is_dir():
        return path.name if path.is_absolute() else part
    place = path.parent.resolve() / path.name
    return str(place.relative_to(ROOT)) if place.is_relative_to(ROOT) else path.name
