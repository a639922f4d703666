"""Requests in, answers out; an error ends the session."""

import gc
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.rival import Job
from benchmarks.serve import serve

JOB = asdict(Job("multi", "", "", "unused", threads=1, seed=13, vnni=False))
INTRODUCTION = {"do": "introduce", "module": "tests.benchmarks.echo", "kind": "Echo", "fields": {}, "job": JOB}


def answers(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    written = io.StringIO()
    serve([json.dumps(request) for request in requests], written)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_answers_come_in_order(tmp_path: Path) -> None:
    introduction = {**INTRODUCTION, "job": {**JOB, "folder": str(tmp_path)}}
    tagging = {"do": "tag", "texts": ["In Rom"], "language": "de"}
    _, prepared, opened, tagged = answers(introduction, {"do": "prepare"}, {"do": "open"}, tagging)
    assert prepared == {}
    assert opened["size_bytes"] == 5
    assert tagged["entities"] == [[[0, 2, "LOC"], [3, 6, "LOC"]]]
    assert gc.isenabled()


def test_an_error_ends_the_session() -> None:
    found = answers(INTRODUCTION, {"do": "fly"}, {"do": "prepare"})
    assert found[0] == {}
    assert found[1]["error"].startswith("AttributeError")
    assert len(found) == 2


def test_an_unknown_contender_is_an_error() -> None:
    (answer,) = answers({**INTRODUCTION, "kind": "Nobody"})
    assert "Nobody" in answer["error"]
