"""Whether tagging a long file takes more and more memory: `python -m benchmarks.bulk`.

`tag --file` runs in a process of its own, as a user runs it, and what it holds in memory is read while its output
grows. The answer is one line in `precomputed/bulk.jsonl`.
"""

import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil

from mma_core import data, machine, results
from mma_core.errors import DataError
from mma_core.lines import append
from mma_core.measure.bench import cpu

TABLE = results.PRECOMPUTED.with_name("bulk.jsonl")
SEED = 13
LENGTHS = (4, 34)
LOOK_SECONDS = 0.5
# Of the documents: what is loaded once is there after the first part, and what grows has grown in the last.
EARLY, LATE = (0.1, 0.3), (0.8, 1.0)


@dataclass(frozen=True)
class Look:
    """One look at the process: documents that it had written, and the megabytes that it and its children held."""

    documents: int
    megabytes: float


@dataclass(frozen=True)
class Memory:
    """What tagging a long file took.

    Attributes:
        recipe: in canonical form.
        language: of the text.
        sentences: in the file, no two alike.
        words: in the file.
        seconds: from the process's start to its end.
        early_mb: median of what it held while it wrote the documents from a tenth to three tenths.
        late_mb: the same of the last fifth.
        peak_mb: the most that was seen.
        threads: of the tagger.
        cpu: the machine.
        seed: of the text.
        date: in UTC.
        command: what to run to get the line again.
    """

    recipe: str
    language: str
    sentences: int
    words: int
    seconds: float
    early_mb: float
    late_mb: float
    peak_mb: float
    threads: int
    cpu: str
    seed: int
    date: str
    command: str

    @property
    def growth(self) -> float:
        """By how much it held more late than early, in percent."""
        return 100 * (self.late_mb / self.early_mb - 1)


def lines(language: str, count: int) -> Iterator[list[str]]:
    """Lines of a language's frequent words, drawn by chance, and a number that no other line has.

    Raises:
        DataError: there is no list of the language's words.
    """
    words, chance = data.word_list(language), random.Random(SEED)
    for number in range(count):
        yield [*chance.choices(words, k=chance.randint(*LENGTHS)), str(number)]


def watch(command: Sequence[str], written: Path) -> list[Look]:
    """Run a command, and look at it until it ends.

    Args:
        command: what to run.
        written: the file that it writes, a line a document.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    looks: list[Look] = []
    documents = read = 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        process = psutil.Process(running.pid)
        while running.poll() is None:
            time.sleep(LOOK_SECONDS)
            if written.exists():
                with written.open("rb") as file:
                    file.seek(read)
                    new = file.read()
                documents, read = documents + new.count(b"\n"), read + len(new)
            looks.append(Look(documents, _megabytes(process)))
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    return looks


def _megabytes(process: psutil.Process) -> float:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:  # it has just ended
        return 0.0
    return total / 1e6


def examine(recipe: str, language: str, count: int, command: str) -> Memory:
    """Tag so many sentences, and tell what that took.

    Raises:
        DataError: there is no list of the language's words, or it took too short to be looked at.
    """
    tag = [sys.executable, "-m", "mma_core", "tag", recipe, "--language", language]
    subprocess.run([*tag, "Ada Lovelace"], check=True, stdout=subprocess.DEVNULL)  # what has to be built is built first
    with tempfile.TemporaryDirectory() as folder:
        given, written = Path(folder) / "given.txt", Path(folder) / "written.jsonl"
        words = 0
        with given.open("w", encoding="utf-8") as file:
            for sentence in lines(language, count):
                file.write(" ".join(sentence) + "\n")
                words += len(sentence)
        began = time.perf_counter()
        looks = watch([*tag, "--file", str(given), "--out", str(written)], written)
        seconds = time.perf_counter() - began
    return Memory(
        recipe=recipe,
        language=language,
        sentences=count,
        words=words,
        seconds=round(seconds, 1),
        early_mb=held(looks, count, EARLY),
        late_mb=held(looks, count, LATE),
        peak_mb=round(max(look.megabytes for look in looks), 1),
        threads=machine.available_threads(),
        cpu=cpu(),
        seed=SEED,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
    )


def held(looks: Sequence[Look], count: int, share: tuple[float, float]) -> float:
    """Median megabytes while it wrote some share of so many documents.

    Raises:
        DataError: nobody looked then.
    """
    low, high = (part * count for part in share)
    found = [look.megabytes for look in looks if low <= look.documents < high and look.megabytes]
    if not found:
        raise DataError(f"{count} sentences are tagged too soon to see what memory they take; take more (--sentences)")
    return round(median(found), 1)


def read(path: Path = TABLE) -> list[Memory]:
    """The lines of a table; none where there is no table."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [Memory(**json.loads(line)) for line in text.splitlines()]


def main(given: Sequence[str] | None = None) -> None:
    """Examine, tell, and add a line to the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("recipe", nargs="?", default="int8", metavar="RECIPE")
    parser.add_argument("--language", default="en", help="whose words are drawn (default: en)")
    parser.add_argument("--sentences", type=int, default=100_000, metavar="N", help="default: 100000")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="where the line goes")
    options = parser.parse_args(given)
    arguments = sys.argv[1:] if given is None else given
    command = shlex.join(["python", "-m", "benchmarks.bulk", *arguments])
    try:
        found = examine(options.recipe, options.language, options.sentences, command)
    except DataError as error:
        parser.error(str(error))
    append(options.table, [asdict(found)])
    sys.stdout.write(f"{json.dumps(asdict(found), ensure_ascii=False)}\n")


if __name__ == "__main__":
    main()
