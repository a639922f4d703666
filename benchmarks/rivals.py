"""Other taggers and our recipes on the same text in one session: `python -m benchmarks.rivals --data DIR`.

Every contender runs in a process and an environment of its own, gets the same raw texts and as many threads, and takes
turns with all others. What it needs is made before anything is measured and kept in the user's cache: environments,
exports, and models trained on the training files that belong to the test files. `texts.py` says how texts are made and
scored.
"""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mma_core import machine
from mma_core.errors import MMAError
from mma_core.measure.bench import cpu
from mma_core.measure.speed import ratio

from . import rows, texts
from .contenders.ours import Ours
from .race import Finish, race
from .rival import Job, Rival
from .roster import contenders, job, prepare
from .rows import BASELINE, Row
from .texts import Heat
from .worker import running

# Built in, and no other: Optimum's old transformers is not safe with files from elsewhere.
TEACHER = "multi"
SETS = "wikineural/de,wikineural/en,masakhaner2/sw"
SENTENCES = 150

log = logging.getLogger("benchmarks")


@dataclass(frozen=True)
class Result:
    """How one contender fared: its finish in each heat, what it said on opening, and its peak memory in bytes."""

    finishes: list[Finish]
    opened: dict[str, Any]
    peak: int


def compete(
    rivals: Sequence[Rival], jobs: Mapping[str, Job], pythons: Mapping[str, Path], heats: Sequence[Heat]
) -> dict[str, Result]:
    """Open all contenders and let them take turns, heat by heat.

    Raises:
        RivalError: one of them failed.
    """
    with ExitStack() as stack:
        workers = {one.name: stack.enter_context(running(one, jobs[one.name], pythons[one.name])) for one in rivals}
        opened = {name: worker.ask("open") for name, worker in workers.items()}
        finishes = []
        for heat in heats:
            log.info("%s/%s: %d sentences", heat.corpus.source, heat.corpus.language, len(heat.sentences))
            finishes.append(race(workers, heat.texts, heat.corpus.language))
        return {
            name: Result([finish[name] for finish in finishes], opened[name], worker.peak_bytes())
            for name, worker in workers.items()
        }


def table(rivals: Sequence[Rival], heats: Sequence[Heat], results: Mapping[str, Result], command: str) -> list[Row]:
    """One row a contender and heat.

    Args:
        rivals: who took part.
        heats: what was tagged.
        results: name → how each fared.
        command: stored in each row.
    """
    sets = ", ".join(f"{heat.corpus.source}/{heat.corpus.language}" for heat in heats)
    learned = f"at most {texts.TRAINING_SENTENCES} training sentences of each of {sets}"
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        Row(
            rival=rival.name,
            ours=isinstance(rival, Ours),
            teacher="" if rival.trained else TEACHER,
            training=learned if rival.trained else "",
            **_measured(heat, results[rival.name], number, baseline=results[BASELINE].finishes[number]),
            threads=machine.available_threads(),
            cpu=cpu(),
            date=date,
            seed=texts.SEED,
            command=command,
        )
        for rival in rivals
        for number, heat in enumerate(heats)
    ]


def _measured(heat: Heat, result: Result, number: int, baseline: Finish) -> dict[str, Any]:
    finish = result.finishes[number]
    return {
        "language": heat.corpus.language,
        "dataset": heat.corpus.source,
        **asdict(heat.score(finish.entities)),
        "sentences": len(heat.sentences),
        "words": heat.words,
        "words_per_s": round(heat.words / finish.seconds, 1),
        "latency_ms_p50": round(finish.latency_ms(0.5), 2),
        "latency_ms_p95": round(finish.latency_ms(0.95), 2),
        "speedup": round(ratio(finish.bulk, baseline.bulk)[0], 3),
        "rounds_s": [round(seconds, 5) for seconds in finish.bulk],
        "peak_rss_mb": round(result.peak / 1e6, 1),
        "size_mb": round(result.opened["size_bytes"] / 1e6, 1),
        "versions": result.opened["versions"],
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder with train and test files")
    parser.add_argument("--sets", default=SETS, metavar="a,b", help=f"<source>/<language> of test files ({SETS})")
    parser.add_argument("--sentences", type=int, default=SENTENCES, metavar="N", help="of each test file (%(default)s)")
    parser.add_argument("--table", type=Path, default=rows.TABLE, metavar="FILE", help="where the rows go")
    parser.add_argument("--prepare", action="store_true", help="install, export and train only; measure nothing")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Prepare, measure, and append the rows.

    Args:
        options: from `parse`.

    Raises:
        MMAError: data are missing, or the baseline or one of ours cannot run.
    """
    names = options.sets.split(",")
    heats = texts.heats(options.data, names, options.sentences)
    training = texts.training_file(options.data, names)
    rivals = contenders([heat.corpus.language for heat in heats])
    jobs = {rival.name: job(rival, TEACHER, training) for rival in rivals}
    pythons = prepare(rivals, jobs)
    if options.prepare:
        return
    present = [rival for rival in rivals if rival.name in pythons]
    results = compete(present, jobs, pythons, heats)
    rows.append(options.table, table(present, heats, results, _command(options)))
    log.info("rows added to %s; `make tables` shows them in README.md", options.table)


def _command(options: argparse.Namespace) -> str:
    # A row travels further than the folders of the machine it was measured on: of a path only the last name is kept.
    given = ["--data", options.data.resolve().name, "--sets", options.sets, "--sentences", str(options.sentences)]
    return shlex.join(["python", "-m", "benchmarks.rivals", *given])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line that says what is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        run(parse(arguments))
    except MMAError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    sys.exit(main())
