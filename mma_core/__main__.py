"""The command line, over the same calls as the app.

Exit status 0; 2 for bad usage or bad input, with one line that says what and how to mend it; 1 for a failure of ours.
"""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from .commands import listing, measuring, tagging, training
from .commands.options import Parser
from .errors import to_show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the exit status."""
    logging.getLogger("nncf").setLevel(logging.ERROR)
    options = _parse(arguments)
    try:
        options.run(options)
        print(end="", flush=True)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if told := to_show(error):
            print(f"mma: {told}", file=sys.stderr)
            return 2
        traceback.print_exc()
        return 1
    finally:
        _end_output()
    return 0


def _end_output() -> None:
    """Write what is left; where that fails, give it up, lest Python try again at its end."""
    try:
        print(end="", flush=True)  # which does nothing where there is no standard output
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m mma_core", description="Compress, tag and measure.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (listing, tagging, measuring, training):
        group.add(commands)
    return parser


def _leave(status: int) -> NoReturn:
    """End the process at once: taking a tokenizer of 250,000 pieces apart takes longer than tagging a text."""
    os._exit(status)


if __name__ == "__main__":
    answer = main()
    if sys.argv[1:2] == ["tag"]:
        _leave(answer)
    sys.exit(answer)
