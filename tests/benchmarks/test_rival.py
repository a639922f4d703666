"""What a contender makes is made once, and is whole or not there."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.rival import Job, Made, Tag


@dataclass(frozen=True)
class Baker(Made):
    """Bakes a file; runs out of flour if told so."""

    flour: bool = True

    @property
    def name(self) -> str:
        return "baker"

    def make(self, job: Job, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "deep").mkdir()
        (folder / "deep" / "bread").write_text("12345", encoding="utf-8")
        if not self.flour:
            raise KeyboardInterrupt

    def open(self, job: Job) -> Tag:
        raise NotImplementedError


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A folder that is not there yet."""
    return Job("multi", "", "", str(tmp_path / "baker"), threads=1, seed=13, vnni=False)


def test_it_is_made_once(job: Job) -> None:
    Baker().prepare(job)
    Baker(flour=False).prepare(job)
    assert Baker().size_bytes(job) == 5
    assert [path.name for path in Path(job.folder).iterdir()] == ["model"]


def test_half_a_model_is_none(job: Job) -> None:
    with pytest.raises(KeyboardInterrupt):
        Baker(flour=False).prepare(job)
    assert not job.model.exists()
    Baker().prepare(job)
    assert job.model.exists()
