"""A contender without a model: it finds capitalised words, and can be told to fail."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rival import Entity, Job, Rival, Tag


@dataclass(frozen=True)
class Echo(Rival):
    """Calls every capitalised word a place."""

    libraries = ("numpy",)

    called: str = "echo"
    fault: str = ""

    @property
    def name(self) -> str:
        return self.called

    def prepare(self, job: Job) -> None:
        if self.fault == "prepare":
            raise ValueError("no model\nand more of it")
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        (Path(job.folder) / "model").write_text("12345", encoding="utf-8")

    def open(self, job: Job) -> Tag:
        sys.stdout.write("a library that prints\n")
        if self.fault == "open":
            os._exit(3)
        return find

    def size_bytes(self, job: Job) -> int:
        return (Path(job.folder) / "model").stat().st_size


def find(texts: Sequence[str], language: str) -> list[list[Entity]]:
    sys.stdout.write("and prints\n")
    found = []
    for text in texts:
        starts = [0, *(place + 1 for place, character in enumerate(text) if character == " ")]
        words = [(start, text[start:].split(" ")[0]) for start in starts]
        found.append([(start, start + len(word), "LOC") for start, word in words if word[:1].isupper()])
    return found
