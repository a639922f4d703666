"""One contender in a process of its own, `python -m benchmarks.serve`: JSON lines in, JSON lines out.

It times itself, so what the pipe costs is charged to nobody.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from .rival import Entity, Job, Rival, Tag


class Session:
    """Carries out requests: `{"do": name of a method, …its arguments}`."""

    def __init__(self) -> None:
        self._rival: Rival
        self._job: Job
        self._tag: Tag

    def introduce(self, module: str, kind: str, fields: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
        """Say which contender this process is, and what its job is."""
        self._rival = getattr(importlib.import_module(module), kind)(**fields)
        self._job = Job(**job)
        return {}

    def prepare(self) -> dict[str, Any]:
        """Make what the contender needs."""
        self._rival.prepare(self._job)
        return {}

    def open(self) -> dict[str, Any]:
        """Open the contender; returns its `versions` and `size_bytes`."""
        self._tag = self._rival.open(self._job)
        return {"versions": self._rival.versions(), "size_bytes": self._rival.size_bytes(self._job)}

    def tag(self, texts: list[str], language: str) -> dict[str, Any]:
        """Tag texts in one call; returns its `seconds` and the `entities` of each text."""
        with _no_collection():
            seconds, entities = self._timed(texts, language)
        return {"seconds": seconds, "entities": entities}

    def singles(self, texts: list[str], language: str) -> dict[str, Any]:
        """Tag texts one by one; returns the `seconds` of each. The first is tagged once before, untimed."""
        self._tag(texts[:1], language)
        with _no_collection():
            return {"seconds": [self._timed([text], language)[0] for text in texts]}

    def _timed(self, texts: list[str], language: str) -> tuple[float, list[list[Entity]]]:
        began = time.perf_counter()
        entities = self._tag(texts, language)
        return time.perf_counter() - began, entities


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def serve(requests: Iterable[str], answers: IO[str]) -> None:
    """Answer each request in order; a failure is answered with `error` and ends the session."""
    session = Session()
    for line in requests:
        request = json.loads(line)
        try:
            answer = getattr(session, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            reason = (str(error).splitlines() or [""])[0]
            answer = {"error": f"{type(error).__name__}: {reason}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if "error" in answer:
            return


def main() -> None:
    """Serve standard input; libraries that print on standard output are heard on standard error."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
