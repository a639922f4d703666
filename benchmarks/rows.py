"""The table of rivals: one row a contender and test file; `precomputed/rivals/` has the shipped sessions."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mma_core.errors import DataError
from mma_core.measure.speed import ratio

TABLE = Path(__file__).parents[1] / "precomputed" / "rivals" / "sessions.jsonl"
BASELINE = "transformers.pipeline, batch 1"


@dataclass(frozen=True)
class Row:
    """What a contender did on one test file, beside all others of its session.

    Attributes:
        rival: the contender.
        ours: whether it is a recipe of this project.
        teacher: whose weights it has; empty if it learned by itself.
        language: language code.
        dataset: source of the test file.
        f1: strict micro F1 in percent; `f1_low` and `f1_high` bound its 95% bootstrap interval.
        precision: in percent.
        recall: in percent.
        per_type: F1 of each type, in percent; `per_type_bounds` bound its 95% interval, which older rows lack.
        errors: entities by what became of them.
        counts: right, found and gold entities of each sentence.
        sentences: how many were tagged.
        words: how many words they have.
        words_per_s: all sentences in one call, median of the rounds, from raw text to entities.
        latency_ms_p50: the first 40 sentences, one a call, milliseconds.
        latency_ms_p95: the same.
        speedup: how many times as fast as `transformers.pipeline` at its default batch size, round by round.
        peak_rss_mb: peak memory of its process (MB of 10^6 bytes), libraries and this session's texts included.
        size_mb: the model's files.
        training: what it learned from, if it learned here.
        versions: of its libraries.
        threads: processor threads it might use.
        cpu: the machine.
        date: when the session began, in UTC; the rows of one session share it.
        seed: of sentences and training.
        command: what to run to get the row again.
        rounds_s: seconds for all sentences in one call, round by round; older rows lack them.
    """

    rival: str
    ours: bool
    teacher: str
    language: str
    dataset: str
    f1: float
    f1_low: float
    f1_high: float
    precision: float
    recall: float
    per_type: dict[str, float]
    errors: dict[str, int]
    counts: list[list[int]]
    sentences: int
    words: int
    words_per_s: float
    latency_ms_p50: float
    latency_ms_p95: float
    speedup: float
    peak_rss_mb: float
    size_mb: float
    training: str
    versions: dict[str, str]
    threads: int
    cpu: str
    date: str
    seed: int
    command: str
    per_type_bounds: dict[str, list[float]] = field(default_factory=dict)
    rounds_s: list[float] = field(default_factory=list)


def read(path: Path) -> list[Row]:
    """Read a table; a missing file is an empty one.

    Raises:
        DataError: a line is no row; the message names file and line.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(Row(**json.loads(line)))
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}:{number} is no row of rivals ({error}); remove the line") from error
    return rows


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add rows at the end of a table and flush them to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as table:
        table.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        table.flush()
        os.fsync(table.fileno())


def last_session(rows: Iterable[Row]) -> list[list[Row]]:
    """What was measured together last: each contender's rows, the slowest in bulk first."""
    sessions: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        sessions.setdefault(row.date, {}).setdefault(row.rival, []).append(row)
    return sorted(sessions[max(sessions)].values(), key=rate) if sessions else []


def rate(rows: Sequence[Row]) -> float:
    """Words a second over several test files: all words in all seconds."""
    return sum(row.words for row in rows) / sum(row.words / row.words_per_s for row in rows)


def over(rows: Sequence[Row], others: Sequence[Row]) -> tuple[float, float, float]:
    """How many times as fast one contender was as another of its session, and what seven rounds of eight lie within.

    A round's seconds are those for all test files.

    Args:
        rows: the one's, which have `rounds_s`.
        others: the other's, on the same test files.
    """
    ours, theirs = (
        [sum(seconds) for seconds in zip(*(row.rounds_s for row in one), strict=True)] for one in (rows, others)
    )
    return ratio(ours, theirs)
