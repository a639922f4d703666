"""What the training of a built-in teacher is made of: stages, read from one small file."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DataError
from .loop import Settings

TASKS = ("ner", "masked-lm", "soft-labels")
ENCODER = "encoder"
PLANS = Path(__file__).parents[2] / "precomputed" / "training" / "teachers.toml"


@dataclass(frozen=True)
class Mixture:
    """Which labelled sentences a stage draws, and how it changes them.

    Attributes:
        sources: of these alone; empty for all.
        languages: of these alone; empty for all.
        exponent: a file of n sentences is drawn in proportion to n ** exponent.
        swap: probability that an entity is replaced by another of its type from the same file.
        prefix: probability that an entity begins with a made-up lower-case syllable or two, as noun classes of Bantu
            languages do ("uMandela"): for teachers that never see a label of theirs.
        drop: probability that a word-piece is hidden behind the mask.
        pair: probability that a sentence is followed by the next one of its file.
        cut: probability that the words of scripts without spaces are cut into characters, as raw text is.
        mark: probability that a sentence of a silver source carries the second token type, which texts never have.
    """

    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    exponent: float = 0.5
    swap: float = 0.0
    prefix: float = 0.0
    drop: float = 0.0
    pair: float = 0.0
    cut: float = 0.0
    mark: float = 0.0


@dataclass(frozen=True)
class Stage:
    """One run of the training loop, from the weights of the stage before.

    Attributes:
        name: names its folder.
        settings: the loop's hyper-parameters.
        mixture: the sentences.
        dropout: of hidden states and attention.
        train_embeddings: whether the word embeddings learn too; such a teacher cannot share the encoder's.
        small_letters: whether Latin capitals that no piece has are read as their small letters.
        task: `ner` on labelled sentences; `masked-lm` on unlabelled text; `soft-labels`, the tags that earlier stages
            give unlabelled text. Of the mixture text takes languages and exponent alone, and `drop` with soft labels.
        start: name of the stage whose weights it begins with, or of a built-in teacher; `encoder` for the bare encoder;
            empty for the stage before.
        taught_by: with soft labels, how many of the stages before are the teachers.
        mean_of: instead of training, take the mean of the weights that so many of the stages before ended with,
            and of a built-in teacher's where `start` names one (Wortsman et al. 2022, the uniform soup); such a stage
            has no steps.
    """

    name: str
    settings: Settings
    mixture: Mixture = field(default_factory=Mixture)
    dropout: float = 0.0
    train_embeddings: bool = False
    small_letters: bool = False
    task: str = "ner"
    start: str = ""
    taught_by: int = 0
    mean_of: int = 0

    def __post_init__(self) -> None:
        """Refuse a task that there is none of, and soft labels of nobody."""
        if self.task not in TASKS:
            raise DataError(f"stage {self.name}: unknown task {self.task!r}; known: {', '.join(TASKS)}")
        if (self.task == "soft-labels") != (self.taught_by > 0):
            raise DataError(f"stage {self.name}: task soft-labels goes with taught_by of 1 or more, and only with it")


def read_plans(path: Path = PLANS) -> dict[str, list[Stage]]:
    """Read `[[teacher]]` tables, one a stage.

    Raises:
        DataError: the file is missing, is not TOML, or holds an unknown or missing key, which is named.
    """
    content = read_toml(path)
    return {name: [stage(table, f"{path.name}, {name}") for table in tables] for name, tables in content.items()}


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        DataError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot read the training plan {path}: {error}") from error


def stage(table: Mapping[str, Any], where: str) -> Stage:
    """A stage from its keys, which are the attributes of Stage, Settings and Mixture together.

    Raises:
        DataError: a key is unknown or missing.
    """
    parts: dict[type, dict[str, Any]] = {Stage: {}, Settings: {}, Mixture: {}}
    for key, value in table.items():
        owner = next((part for part in parts if key in _own_fields(part)), None)
        if owner is None:
            known = ", ".join(sorted(key for part in parts for key in _own_fields(part)))
            raise DataError(f"{where}: unknown key {key!r}; known: {known}")
        parts[owner][key] = tuple(value) if isinstance(value, list) else value
    try:
        return Stage(settings=Settings(**parts[Settings]), mixture=Mixture(**parts[Mixture]), **parts[Stage])
    except TypeError as error:
        raise DataError(f"{where}: {error}") from error


def _own_fields(part: type) -> set[str]:
    return {f.name for f in dataclasses.fields(part)} - {"settings", "mixture"}
