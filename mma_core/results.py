"""Measurements: one row a recipe, teacher, language and data set; read, append, compare.

A second table holds F1 under perturbation, `Robustness`, a third F1 from raw text, `RawText`.

The fields are the JSON keys, the table's columns and the charts' axes; `metadata` gives label and unit.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import orjson

from . import bootstrap, lines
from .errors import DataError
from .folders import data_root

SCHEMA = 2
Place = tuple[str, str]
"""A language's code and a data set: what a file of test sentences is of."""
PRECOMPUTED = Path(__file__).parents[1] / "precomputed" / "measurements.jsonl"
ROBUSTNESS = PRECOMPUTED.with_name("robustness.jsonl")
RAW = PRECOMPUTED.with_name("raw.jsonl")
UNPERTURBED = "none"
TEACHER = "teacher"
"""The recipe that all others are compared with."""
# So many data sets are no few, however many there are of others.
MANY_SETS = 12


def own_path() -> Path:
    """The table of measurements that the user made here."""
    return data_root() / "measurements.jsonl"


def _column(label: str, unit: str = "") -> Any:
    return field(metadata={"label": label, "unit": unit})


class _Scored:
    """What rows of any table with counts by sentence can be asked."""

    language: str
    dataset: str
    seed: int
    counts: list[list[int]]

    # Charts ask for it a dozen times a row.
    @cached_property
    def resampled(self) -> np.ndarray:
        """F1 in percent as measured, then under the resamples that all rows of its data set share.

        Other data sets are drawn independently, so their means, differences and products can be taken draw by draw.
        Shape (1 + bootstrap.RESAMPLES,).
        """
        seed = zlib.crc32(f"{self.language}/{self.dataset}/{self.seed}".encode())
        return bootstrap.resampled(self.counts, seed)


@dataclass(frozen=True)
class Measurement(_Scored):
    """What a recipe costs and buys on one data set of one language.

    F1, precision and recall are seqeval's strict micro averages in percent, `f1_low` and `f1_high` the 95% bootstrap
    interval over sentences, `per_type_bounds` that of each type's F1, which older rows lack. `errors` are entities by
    what became of them, `counts` right, found and gold entities of each sentence, in the order in which `seed` draws
    them: rows with equal sentences can be compared sentence by sentence. Speeds are end to end from raw text to spans;
    `speedup` and `retention` compare with the teacher in the same run on the same sentences, `speedup_low` and
    `speedup_high` are what seven of eight `rounds` of that run lie within; older rows, of up to 15 rounds that are not
    counted, have the least and the most. `model_share` is the model's part of the time;
    `cold_start_s` goes from the start of a process to its first tags. `energy_source` says whether the energy was
    measured or estimated, and by what; 0 is too little to tell. `weights` begins the teacher's hash, `revision` is the
    one of what builds recipes, `schema` that of this table, `budget` how long what trains in the recipe was trained,
    empty where nothing does.
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
    errors: dict[str, int] = _column("Entities by what became of them")
    counts: list[list[int]] = _column("Right, found and gold entities by sentence")
    sentences: int = _column("Sentences")
    words: int = _column("Words")
    words_per_s: float = _column("Throughput", "words/s")
    sentences_per_s: float = _column("Throughput", "sentences/s")
    model_share: float = _column("Model's share of the time", "%")
    latency_ms_p50: float = _column("Latency, median", "ms")
    latency_ms_p95: float = _column("Latency, 95th percentile", "ms")
    cold_start_s: float = _column("Cold start", "s")
    size_mb: float = _column("Size on disk", "MB")
    peak_rss_mb: float = _column("Peak memory", "MB")
    parameters: int = _column("Parameters")
    embedding_parameters: int = _column("Parameters of the word embeddings")
    nonzero_parameters: int = _column("Parameters that are not zero")
    energy_j_per_1k_words: float = _column("Energy", "J/1000 words")
    energy_source: str = _column("Energy from")
    speedup: float = _column("Speed-up", "× teacher")
    speedup_low: float = _column("Speed-up, low rounds", "× teacher")
    speedup_high: float = _column("Speed-up, high rounds", "× teacher")
    retention: float = _column("Retention", "% of teacher's F1")
    threads: int = _column("Threads")
    cpu: str = _column("CPU")
    date: str = _column("Date")
    seed: int = _column("Seed")
    command: str = _column("Command")
    weights: str = _column("Teacher's weights")
    revision: int = _column("Revision of the builds")
    schema: int = _column("Schema")
    budget: str = field(default="", metadata={"label": "Training budget", "unit": ""})
    per_type_bounds: dict[str, list[float]] = field(
        default_factory=dict, metadata={"label": "F1 by type, lower and upper end", "unit": "%"}
    )
    rounds: int = field(default=0, metadata={"label": "Rounds of speed", "unit": ""})

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What makes two rows the same measurement: the newer one then stands."""
        return self.recipe, self.teacher, self.language, self.dataset, self.cpu, self.threads

    # Charts ask for it a dozen times a row.
    @cached_property
    def gold(self) -> tuple[int, list[int]]:
        """The seed and the gold entities by sentence: rows that differ here were measured on other sentences."""
        return self.seed, [gold for _, _, gold in self.counts]


COLUMNS = {column.name: column.metadata for column in fields(Measurement)}


@dataclass(frozen=True)
class Robustness(_Scored):
    """F1 of a recipe on one data set whose sentences are perturbed, in percent with its 95% bootstrap interval.

    The perturbation `none` at strength 0 is the data set as it is; `change` is against that F1 of the same recipe on
    the same sentences. `counts` and `budget` are those of `Measurement`; older rows lack counts.
    """

    recipe: str = _column("Recipe")
    teacher: str = _column("Teacher")
    language: str = _column("Language")
    dataset: str = _column("Data set")
    perturbation: str = _column("Perturbation")
    strength: float = _column("Strength", "share of what can change")
    f1: float = _column("F1", "%")
    f1_low: float = _column("F1, lower end", "%")
    f1_high: float = _column("F1, upper end", "%")
    change: float = _column("Change of F1", "points")
    changed: float = _column("Sentences that changed", "%")
    sentences: int = _column("Sentences")
    seed: int = _column("Seed")
    cpu: str = _column("CPU")
    date: str = _column("Date")
    command: str = _column("Command")
    weights: str = _column("Teacher's weights")
    revision: int = _column("Revision of the builds")
    schema: int = _column("Schema")
    counts: list[list[int]] = field(default_factory=list, metadata=COLUMNS["counts"])
    budget: str = field(default="", metadata=COLUMNS["budget"])

    @property
    def key(self) -> tuple[str, str, str, str, str, float, str]:
        """What makes two rows the same measurement: the newer one then stands."""
        place = (self.recipe, self.teacher, self.language, self.dataset)
        return *place, self.perturbation, self.strength, self.cpu


@dataclass(frozen=True)
class RawText:
    """F1 of a recipe on one data set, from the corpus's words and from its sentences as people write them.

    F1 is strict and micro, in percent; `difference` is from raw text less from words, with its 95% interval by a paired
    bootstrap over sentences. `same_words` is the share of sentences whose words come out as the corpus has them.
    """

    recipe: str = _column("Recipe")
    teacher: str = _column("Teacher")
    language: str = _column("Language")
    dataset: str = _column("Data set")
    sentences: int = _column("Sentences")
    f1_words: float = _column("F1 from words", "%")
    f1_raw: float = _column("F1 from raw text", "%")
    difference: float = _column("Difference", "points")
    low: float = _column("Difference, lower end", "points")
    high: float = _column("Difference, upper end", "points")
    same_words: float = _column("Sentences cut alike", "%")
    seed: int = _column("Seed")
    cpu: str = _column("CPU")
    date: str = _column("Date")
    command: str = _column("Command")
    weights: str = _column("Teacher's weights")
    revision: int = _column("Revision of the builds")
    schema: int = _column("Schema")

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes two rows the same measurement: the newer one then stands."""
        return self.recipe, self.teacher, self.language, self.dataset, self.cpu


_Row = TypeVar("_Row", Measurement, Robustness, RawText)


def read(path: Path) -> list[Measurement]:
    """Read a table of measurements, as `rows` does."""
    return rows(path, Measurement)


def rows(path: Path, kind: type[_Row]) -> list[_Row]:
    """Read a table; of rows with equal keys the last stands. A missing file is an empty table.

    Half a line at the end, without a line break, is what a killed writer left: no row.

    Args:
        path: the table.
        kind: of its rows.

    Raises:
        DataError: a line is no such row, or one of another version; the message names file and line.
    """
    if not path.exists():
        return []
    state = path.stat()
    whole: Any = kind  # mypy takes a data class for unhashable
    return list(_read(path, whole, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)
def _read(path: Path, kind: type[Any], _changed: int, _size: int) -> tuple[Any, ...]:
    numbered = enumerate(lines.read(path), 1)
    found = [_row(line, f"{path}:{number}", kind) for number, line in numbered if line.strip()]
    return tuple({row.key: row for row in found}.values())


def _row(line: bytes, where: str, kind: type[_Row]) -> _Row:
    try:
        content = orjson.loads(line)
        if isinstance(content, dict) and content.get("schema", 1) != SCHEMA:
            raise DataError(
                f"{where} was written by another version of MMA Explorer; move the file away and measure anew"
            )
        return kind(**content)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} is not a measurement ({error}); remove the line") from error


def append(path: Path, rows: Iterable[Measurement | Robustness | RawText]) -> None:
    """Add rows at the end of a table."""
    lines.append(path, map(asdict, rows))


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
    """A recipe's mean over data sets.

    F1 with its 95% interval over sentences, size and memory are arithmetic means, retention is the ratio to the
    teacher's mean F1, the other ratios, rates and times are geometric means. Energy is 0 where a data
    set has too little to tell; its sources are listed where they are several.
    """

    recipe: str
    teacher: str
    f1: float
    f1_low: float
    f1_high: float
    retention: float
    speedup: float
    speedup_low: float
    speedup_high: float
    words_per_s: float
    latency_ms_p50: float
    size_mb: float
    peak_rss_mb: float
    energy_j_per_1k_words: float
    energy_source: str
    sets: int


def comparable(measured: Mapping[str, Iterable[Place]]) -> tuple[list[str], list[Place]]:
    """Which recipes to compare, and the data sets that all of these were measured on.

    Where the teacher was measured only its data sets count. Recipes for a few languages, measured on fewer than half of
    the sets that another recipe but the teacher was and on fewer than `MANY_SETS`, are left out. The others join from
    the most measured down, save those that would leave no common set.

    Args:
        measured: recipe → its data sets.

    Returns:
        Recipes in the order given, the teacher among them if it was measured; data sets in their own order.
    """
    common = set(measured.get(TEACHER, ())) or set[Place]().union(*measured.values())
    beside = {recipe: common.intersection(places) for recipe, places in measured.items()}
    most = max((len(places) for recipe, places in beside.items() if recipe != TEACHER), default=0)
    kept = {TEACHER}
    for recipe in sorted(beside, key=lambda recipe: -len(beside[recipe])):
        if len(beside[recipe]) >= min(most / 2, MANY_SETS) and common & beside[recipe]:
            kept.add(recipe)
            common &= beside[recipe]
    return [recipe for recipe in measured if recipe in kept], sorted(common)


def averages(rows: Sequence[Measurement]) -> list[Average]:
    """Mean of each teacher's recipes over the data sets that all of them were measured on, of those `comparable`."""
    found = []
    for teacher in sorted({row.teacher for row in rows}):
        mine = [row for row in rows if row.teacher == teacher]
        by_recipe: dict[str, dict[Place, Measurement]] = {}
        for row in mine:
            by_recipe.setdefault(row.recipe, {})[row.language, row.dataset] = row
        recipes, sets = comparable(by_recipe)
        chosen = {recipe: [by_recipe[recipe][place] for place in sets] for recipe in recipes}
        found += [_average(own, chosen.get(TEACHER, [])) for own in chosen.values()]
    return found


def _average(rows: Sequence[Measurement], theirs: Sequence[Measurement]) -> Average:
    """A recipe's mean over data sets.

    Retention is the ratio of the macro F1, so that it agrees with the means of F1; without rows of the teacher it is
    the mean of the data sets' own.

    Args:
        rows: the recipe's, one a data set.
        theirs: the teacher's of the same data sets, if it was measured.
    """

    def mean(name: str) -> float:
        return sum(getattr(row, name) for row in rows) / len(rows)

    def geometric(name: str) -> float:
        product = 1.0
        for row in rows:
            product *= getattr(row, name) ** (1 / len(rows))
        return product

    low, high = bootstrap.bounds(np.mean([row.resampled[1:] for row in rows], axis=0))
    before = sum(row.f1 for row in theirs) / len(rows)
    return Average(
        recipe=rows[0].recipe,
        teacher=rows[0].teacher,
        f1=mean("f1"),
        f1_low=low,
        f1_high=high,
        retention=100 * mean("f1") / before if before else mean("retention"),
        speedup=geometric("speedup"),
        speedup_low=geometric("speedup_low"),
        speedup_high=geometric("speedup_high"),
        words_per_s=geometric("words_per_s"),
        latency_ms_p50=geometric("latency_ms_p50"),
        size_mb=mean("size_mb"),
        peak_rss_mb=mean("peak_rss_mb"),
        energy_j_per_1k_words=geometric("energy_j_per_1k_words"),
        energy_source="; ".join(sorted({row.energy_source for row in rows})),
        sets=len(rows),
    )
