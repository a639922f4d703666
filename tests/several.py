"""Steps of the tests, registered for a block: arguments of each kind, and another separator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mma_core.recipe import Kind, Step, argument


@contextmanager
def several() -> Iterator[type[Step]]:
    """A step with an argument of each kind that goes with others."""

    @dataclass(frozen=True)
    class Several(Step):
        name, kind, title, example = "several", Kind.PRUNE, "Several", "several:2,de,s"
        summary, paper = "A step of the tests.", ("none", "https://example.org")
        depth: int = argument("Depth", low=1, high=48, start=2)
        code: str = argument("Language", language=True)
        size: str = argument("Size", choices=("s", "m"))
        loud: bool = argument("Loud", word="loud")

    try:
        yield Several
    finally:
        del Step.registry["several"]


@contextmanager
def crossed() -> Iterator[type[Step]]:
    """A step whose two numbers have a cross between them."""

    @dataclass(frozen=True)
    class Crossed(Step):
        name, kind, title, example, separator = "crossed", Kind.STUDENT, "Crossed", "crossed:6x384", "x"
        summary, paper = "A step of the tests.", ("none", "https://example.org")
        depth: int = argument("Depth", low=1, high=48, start=6)
        width: int = argument("Width", low=8, high=4096, start=384)

    try:
        yield Crossed
    finally:
        del Step.registry["crossed"]
