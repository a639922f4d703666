"""Measurements: one row a recipe, teacher, language and data set; read, append, compare.

The fields are the JSON keys, the table's columns and the charts' axes; `metadata` gives label and unit.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import DataError
from .folders import data_root

PRECOMPUTED = Path(__file__).parents[1] / "precomputed" / "measurements.jsonl"


def own_path() -> Path:
    """The table of measurements that the user made here."""
    return data_root() / "measurements.jsonl"


def _column(label: str, unit: str = "") -> Any:
    return field(metadata={"label": label, "unit": unit})


@dataclass(frozen=True)
class Measurement:
    """What a recipe costs and buys on one data set of one language.

    F1, precision and recall are seqeval's strict micro averages in percent, `f1_low` and `f1_high` the 95% bootstrap
    interval over sentences. Speeds are end to end from raw text to spans; `speedup` and `retention` compare with the
    teacher in the same run on the same sentences. `energy_j_per_1k_words` is None where nothing could measure it.
    """

    recipe: str = _column("Recipe")
    teacher: str = _column("Teacher")
    language: str = _column("Language")
    dataset: str = _column("Data set")
    f1: float = _column("F1", "%")
    f1_low: float = _column("F1, lower end", "%")
    f1_high: float = _column("F1, upper end", "%")
    precision: float = _column("Precision", "%")
    recall: float = _column("Recall", "%")
    per_type: dict[str, float] = _column("F1 by type", "%")
    sentences: int = _column("Sentences")
    words: int = _column("Words")
    words_per_s: float = _column("Throughput", "words/s")
    sentences_per_s: float = _column("Throughput", "sentences/s")
    latency_ms_p50: float = _column("Latency, median", "ms")
    latency_ms_p95: float = _column("Latency, 95th percentile", "ms")
    size_mb: float = _column("Size on disk", "MB")
    peak_rss_mb: float = _column("Peak memory", "MB")
    parameters: int = _column("Parameters")
    energy_j_per_1k_words: float | None = _column("Energy", "J/1000 words")
    energy_source: str = _column("Energy from")
    speedup: float = _column("Speed-up", "× teacher")
    retention: float = _column("Retention", "% of teacher's F1")
    threads: int = _column("Threads")
    cpu: str = _column("CPU")
    date: str = _column("Date")
    seed: int = _column("Seed")
    command: str = _column("Command")

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes two rows the same measurement: the newer one then stands."""
        return self.recipe, self.teacher, self.language, self.dataset, self.cpu


COLUMNS = {column.name: column.metadata for column in fields(Measurement)}


def read(path: Path) -> list[Measurement]:
    """Read a table; of rows with equal keys the last stands. A missing file is an empty table.

    Raises:
        DataError: a line is not a measurement; the message names file and line.
    """
    if not path.exists():
        return []
    rows: dict[tuple[str, ...], Measurement] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.strip():
            try:
                row = Measurement(**json.loads(line))
            except (TypeError, ValueError) as error:
                raise DataError(f"{path}:{number} is not a measurement ({error}); remove the line") from error
            rows[row.key] = row
    return list(rows.values())


def append(path: Path, rows: Iterable[Measurement]) -> None:
    """Add rows at the end of a table and flush them to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as table:
        table.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        table.flush()
        os.fsync(table.fileno())


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Which points no other beats: none is at least as good in both and better in one.

    Args:
        points: (speed, accuracy), both better when larger.

    Returns:
        Indices of the Pareto-optimal points, by rising speed.
    """
    best: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (-points[i][0], -points[i][1])):
        if not best or points[index][1] > points[best[-1]][1] or points[index] == points[best[-1]]:
            best.append(index)
    return best[::-1]


@dataclass(frozen=True)
class Average:
    """A recipe's mean over data sets: macro F1 and retention in percent, geometric mean speed-up."""

    recipe: str
    teacher: str
    f1: float
    retention: float
    speedup: float
    words_per_s: float
    size_mb: float
    sets: int


def averages(rows: Sequence[Measurement]) -> list[Average]:
    """Mean of each recipe over the data sets that every recipe of its teacher was measured on."""
    found = []
    for teacher in sorted({row.teacher for row in rows}):
        mine = [row for row in rows if row.teacher == teacher]
        recipes = list(dict.fromkeys(row.recipe for row in mine))
        sets = [{(r.language, r.dataset) for r in mine if r.recipe == recipe} for recipe in recipes]
        shared = set.intersection(*sets)
        for recipe in recipes:
            chosen = [r for r in mine if r.recipe == recipe and (r.language, r.dataset) in shared]
            if chosen:
                found.append(_average(recipe, teacher, chosen))
    return found


def _average(recipe: str, teacher: str, rows: Sequence[Measurement]) -> Average:
    def mean(name: str) -> float:
        return sum(getattr(row, name) for row in rows) / len(rows)

    def geometric(name: str) -> float:
        product = 1.0
        for row in rows:
            product *= getattr(row, name) ** (1 / len(rows))
        return product

    return Average(
        recipe=recipe,
        teacher=teacher,
        f1=mean("f1"),
        retention=mean("retention"),
        speedup=geometric("speedup"),
        words_per_s=geometric("words_per_s"),
        size_mb=mean("size_mb"),
        sets=len(rows),
    )
