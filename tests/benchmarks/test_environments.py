"""Environments are pinned, made once, and made anew if they are not whole; nothing is installed here."""

import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from benchmarks import environments
from benchmarks.contenders.flair_crf import FlairCRF
from benchmarks.contenders.optimum_int8 import OptimumInt8
from benchmarks.contenders.spacy_cnn import SpacyCNN
from benchmarks.errors import RivalError
from benchmarks.rival import Rival

FOREIGN = (OptimumInt8, SpacyCNN, FlairCRF)


@pytest.mark.parametrize("kind", FOREIGN)
def test_every_library_is_pinned(kind: type[Rival]) -> None:
    lines = environments.requirements(kind.environment).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert set(kind.libraries) <= {pin.split("==")[0] for pin in pins}


class Tools:
    """In the place of venv and pip."""

    def __init__(self) -> None:
        self.made: list[Path] = []
        self.installed: list[list[str]] = []
        self.fails = False

    def create(self, folder: Path, **settings: Any) -> None:
        assert settings["clear"]
        folder.mkdir(exist_ok=True)
        self.made.append(folder)

    def run(self, command: list[str], **_settings: Any) -> subprocess.CompletedProcess[str]:
        self.installed.append(command)
        told = "WARNING: slow\nERROR: No matching distribution found for spacy"
        return subprocess.CompletedProcess(command, int(self.fails), "", told if self.fails else "")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tools:
    """Nothing is made or installed."""
    fake = Tools()
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    monkeypatch.setattr(venv, "create", fake.create)
    monkeypatch.setattr(subprocess, "run", fake.run)
    return fake


def test_an_environment_is_made_once(tools: Tools) -> None:
    python = environments.interpreter("spacy")
    assert environments.interpreter("spacy") == python
    assert python.parents[1] == tools.made[0]
    assert len(tools.made) == len(tools.installed) == 1
    assert tools.installed[0][-1].endswith("requirements-spacy.txt")
    assert environments.interpreter("flair") != python


def test_one_that_failed_is_made_anew(tools: Tools) -> None:
    tools.fails = True
    with pytest.raises(RivalError, match=r"requirements-spacy\.txt could not be installed: ERROR: No matching"):
        environments.interpreter("spacy")
    tools.fails = False
    environments.interpreter("spacy")
    assert len(tools.made) == 2


def test_ours_is_this_one() -> None:
    assert environments.interpreter("") == Path(sys.executable)
