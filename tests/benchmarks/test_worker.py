"""A contender's process answers in JSON lines, whatever its libraries print, and its failures have a name."""

import sys
from pathlib import Path

import pytest

from benchmarks.errors import RivalError
from benchmarks.rival import Job
from benchmarks.worker import running
from tests.benchmarks.echo import Echo, find

PYTHON = Path(sys.executable)
TEXTS = ["Ada met Charles in London", "nobody came", "北京 Zoë"]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A folder of its own."""
    return Job("multi", "", "", str(tmp_path / "echo"), threads=1, seed=13, vnni=False)


def test_the_road_of_a_contender(job: Job) -> None:
    with running(Echo(), job, PYTHON) as worker:
        worker.ask("prepare")
        opened = worker.ask("open")
        seconds, entities = worker.tag(TEXTS, "en")
        singles = worker.singles(TEXTS, "en")
        peak = worker.peak_bytes()
    assert opened["size_bytes"] == 5
    assert list(opened["versions"]) == ["numpy"]
    assert entities == find(TEXTS, "en")
    assert entities[2] == [(3, 6, "LOC")]
    assert seconds >= 0
    assert len(singles) == len(TEXTS)
    assert 5e6 < peak < 1e9


def test_a_failure_is_told_in_one_line(job: Job) -> None:
    with (
        pytest.raises(RivalError, match=r"^echo: ValueError: no model \(more in .*echo\.log\)$"),
        running(Echo(fault="prepare"), job, PYTHON) as worker,
    ):
        worker.ask("prepare")
    assert "and more of it" in Path(job.folder).with_suffix(".log").read_text(encoding="utf-8")


def test_a_process_that_dies_is_told(job: Job) -> None:
    with (
        pytest.raises(RivalError, match="echo: its process ended without an answer"),
        running(Echo(fault="open"), job, PYTHON) as worker,
    ):
        worker.ask("prepare")
        worker.ask("open")


def test_a_request_to_the_dead_is_told(job: Job) -> None:
    with (
        pytest.raises(RivalError, match="echo: its process ended without an answer"),
        running(Echo(fault="open"), job, PYTHON) as worker,
    ):
        with pytest.raises(RivalError):
            worker.ask("open")
        worker.tag(["a" * 100_000], "en")


def test_an_interpreter_without_the_libraries_is_told(job: Job, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(RivalError, match="ended without an answer"), running(Echo(), job, broken):
        pass
