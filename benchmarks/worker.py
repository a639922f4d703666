"""A contender as its parent sees it: a process that is asked in JSON lines, and whose memory is read from outside."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from subprocess import PIPE
from typing import Any

from .errors import RivalError
from .rival import Entity, Job, Rival

ROOT = Path(__file__).parents[1]


class Worker:
    """A process with one contender."""

    def __init__(self, name: str, process: "subprocess.Popen[str]", log: Path) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.name, self._process, self._log = name, process, log
        self._requests, self._answers = process.stdin, process.stdout

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have a method of `serve.Session` carried out, and wait for its answer.

        Raises:
            RivalError: the contender failed; its own words are in the log.
        """
        with suppress(BrokenPipeError):  # a process that died has closed its pipe
            self._requests.write(json.dumps({"do": what, **arguments}) + "\n")
            self._requests.flush()
        line = self._answers.readline()
        answer = json.loads(line) if line else {"error": "its process ended without an answer"}
        if "error" in answer:
            raise RivalError(f"{self.name}: {answer['error']} (more in {self._log})")
        return answer

    def tag(self, texts: Sequence[str], language: str) -> tuple[float, list[list[Entity]]]:
        """Tag texts in one call; the seconds that it took, and the entities of each text."""
        answer = self.ask("tag", texts=list(texts), language=language)
        return answer["seconds"], [[(*entity,) for entity in entities] for entities in answer["entities"]]

    def singles(self, texts: Sequence[str], language: str) -> list[float]:
        """Tag texts one by one; the seconds of each."""
        return self.ask("singles", texts=list(texts), language=language)["seconds"]

    def peak_bytes(self) -> int:
        """The most resident memory that the process has had, libraries included."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        with suppress(BrokenPipeError):
            self._requests.close()


@contextmanager
def running(rival: Rival, job: Job, python: Path) -> Iterator[Worker]:
    """Within the block, a process of its own has the contender.

    Args:
        rival: the contender.
        job: its job.
        python: the interpreter of its environment.

    Raises:
        RivalError: its module cannot be read there.
    """
    path = Path(job.folder).with_suffix(".log")
    path.parent.mkdir(parents=True, exist_ok=True)
    command, kind = [str(python), "-m", "benchmarks.serve"], type(rival)
    settings: dict[str, Any] = {"cwd": ROOT, "env": _variables(job.threads), "text": True, "encoding": "utf-8"}
    with (
        path.open("a", encoding="utf-8") as log,
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=log, **settings) as process,
    ):
        worker = Worker(rival.name, process, path)
        try:
            worker.ask("introduce", module=kind.__module__, kind=kind.__name__, fields=asdict(rival), job=asdict(job))
            yield worker
        finally:
            worker.end()


def _variables(threads: int) -> dict[str, str]:
    """The environment of a contender: as many threads as all others, no network, no modules of ours but by name."""
    settings = {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    silence = {"HF_HUB_DISABLE_TELEMETRY": "1", "ORT_DISABLE_TELEMETRY": "1"}
    return {**kept, **settings, **silence, "PYTHONUNBUFFERED": "1"}
