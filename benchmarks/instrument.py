"""Whether the instrument itself can be trusted: `python -m benchmarks.instrument`.

`bench` runs twice on the same recipes and sample sentences, each time in a fresh process, and the speed-ups of both
runs are compared; then the app is started in a fresh process and all its charts are drawn. The answer is one line in
`precomputed/instrument.jsonl`.
"""

import argparse
import json
import logging
import math
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from mma_core import lines, machine
from mma_core.measure.bench import cpu

TABLE = Path(__file__).parents[1] / "precomputed" / "instrument.jsonl"
RECIPES = ("onnx", "int8", "int8static", "vocab:de,en", "vocab:de,en+int8")
LANGUAGES = "de,en,sw,yo,zh"
log = logging.getLogger("benchmarks")
Speedups = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Steadiness:
    """How far two runs agree, and what they and the app took.

    Attributes:
        differences: recipe → percent by which the geometric mean over languages of its speed-up differs.
        worst: the largest difference of a recipe in one language, in percent.
        bench_seconds: of the two runs.
        app_seconds: from a fresh process's first import to the app, laid out.
        charts_seconds: to draw every chart of it.
        languages: of the sample sentences.
        threads: of each tagger.
        cpu: the machine.
        date: in UTC.
        command: what to run to get the line again.
    """

    differences: dict[str, float]
    worst: float
    bench_seconds: list[float]
    app_seconds: float
    charts_seconds: float
    languages: str
    threads: int
    cpu: str
    date: str
    command: str


def compared(first: Speedups, second: Speedups) -> tuple[dict[str, float], float]:
    """How far two runs' speed-ups differ, in percent of the smaller.

    Args:
        first: recipe → language → speed-up.
        second: likewise, with the same keys.

    Returns:
        By recipe for the geometric mean over languages, and the largest of a recipe in one language.
    """
    logs = {
        recipe: [math.log(second[recipe][code] / speedup) for code, speedup in by_language.items()]
        for recipe, by_language in first.items()
    }
    worst = max(math.fabs(one) for each in logs.values() for one in each)
    return {recipe: _percent(fmean(each)) for recipe, each in logs.items()}, _percent(worst)


def _percent(ratio: float) -> float:
    return round(100 * (math.exp(math.fabs(ratio)) - 1), 2)


def speedups(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Recipe → language → speed-up, of the rows that `bench --json` prints; the teacher's own says nothing."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["recipe"] != "teacher":
            found.setdefault(row["recipe"], {})[row["language"]] = row["speedup"]
    return found


def _bench(recipes: Sequence[str], languages: str) -> tuple[dict[str, dict[str, float]], float]:
    command = [sys.executable, "-m", "mma_core", "bench", *recipes, "--languages", languages, "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return speedups(json.loads(done.stdout)), round(time.perf_counter() - began, 1)


def _started() -> dict[str, float]:
    """What the app takes in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.app_start"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {what: round(seconds, 2) for what, seconds in json.loads(done.stdout).items()}


def examine(recipes: Sequence[str], languages: str, command: str) -> Steadiness:
    """Run everything; what has to be built is built before anything is timed."""
    for recipe in recipes:
        log.info("opening %s", recipe)
        tag = [sys.executable, "-m", "mma_core", "tag", recipe, "Ada Lovelace"]
        subprocess.run(tag, check=True, stdout=subprocess.DEVNULL)
    runs = [_bench(recipes, languages) for _ in range(2)]
    differences, worst = compared(runs[0][0], runs[1][0])
    _started()  # the first start writes byte code
    app = _started()
    return Steadiness(
        differences=differences,
        worst=worst,
        bench_seconds=[seconds for _, seconds in runs],
        app_seconds=app["start"],
        charts_seconds=app["charts"],
        languages=languages,
        threads=machine.available_threads(),
        cpu=cpu(),
        date=datetime.now(UTC).date().isoformat(),
        command=command,
    )


def main(given: Sequence[str] | None = None) -> None:
    """Examine, tell, and add a line to the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instrument", description=__doc__)
    parser.add_argument("recipes", nargs="*", default=list(RECIPES), metavar="RECIPE")
    parser.add_argument("--languages", default=LANGUAGES, metavar="a,b", help="of the sample sentences")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="where the line goes")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = sys.argv[1:] if given is None else given
    found = examine(
        options.recipes, options.languages, shlex.join(["python", "-m", "benchmarks.instrument", *arguments])
    )
    lines.append(options.table, [asdict(found)])
    sys.stdout.write(f"{json.dumps(asdict(found), ensure_ascii=False)}\n")


if __name__ == "__main__":
    main()
