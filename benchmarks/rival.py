"""What every contender says of itself, ours and theirs alike.

This file, `serve.py` and the contenders are read by the Python of each contender's own environment, so at their top
they import the standard library only.
"""

import abc
import importlib.metadata
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

# First character, character after the last, label.
Entity = tuple[int, int, str]
# (raw texts, their language) → the entities of each text.
Tag = Callable[[Sequence[str], str], list[list[Entity]]]


@dataclass(frozen=True)
class Job:
    """What contenders are given; all get the same.

    Attributes:
        teacher: the teacher's name.
        checkpoint: the folder of the teacher's files.
        training: a file of training sentences, JSON lines with `words`, `text`, `entities` (characters of the text)
            and `spans` (the same in words).
        folder: where the contender keeps what it makes.
        threads: processor threads it may use.
        seed: of its training.
        vnni: whether this CPU multiplies 8-bit numbers without saturating.
    """

    teacher: str
    checkpoint: str
    training: str
    folder: str
    threads: int
    seed: int
    vnni: bool

    @property
    def model(self) -> Path:
        """The folder of what the contender made: there as a whole, or not at all."""
        return Path(self.folder) / "model"


@dataclass(frozen=True)
class Rival(abc.ABC):
    """A way to tag raw text; its fields say how it is set up.

    Attributes:
        environment: the libraries it needs, `requirements-<environment>.txt`; empty for the project's own.
        libraries: those whose versions stand in its rows.
        trained: whether it learns from `Job.training`.
    """

    environment: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ()
    trained: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What tables call it."""

    def prepare(self, job: Job) -> None:
        """Make what it needs, once, in a process of its own; what was made before is left as it is."""
        return

    @abc.abstractmethod
    def open(self, job: Job) -> Tag:
        """Load what `prepare` made."""

    @abc.abstractmethod
    def size_bytes(self, job: Job) -> int:
        """Bytes of the files that it opens; libraries do not count."""

    def versions(self) -> dict[str, str]:
        """Versions of its libraries."""
        return {name: importlib.metadata.version(name) for name in self.libraries}


class Made(Rival):
    """A contender that runs from a folder of its own, which it makes once."""

    def prepare(self, job: Job) -> None:
        """Make the folder, unless it is there."""
        if job.model.exists():
            return
        partial = Path(job.folder) / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.make(job, partial)
        partial.rename(job.model)

    @abc.abstractmethod
    def make(self, job: Job, folder: Path) -> None:
        """Write into an empty folder what `open` reads."""

    def size_bytes(self, job: Job) -> int:
        """Bytes of all files in the folder and below."""
        return sum(path.stat().st_size for path in job.model.rglob("*") if path.is_file())
