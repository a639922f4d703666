"""What was found is not looked for again, whoever asks."""

import time
from pathlib import Path

import pytest

from mma_core.measure import journal as room
from mma_core.measure.journal import Journal


def refuse() -> None:
    raise AssertionError("it was looked for again")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a journal that somebody began."""
    found = tmp_path / "journals" / "one.jsonl"
    began = Journal(found)
    began.once("first", lambda: {"f1": 0.1 + 0.2, "counts": [(1, 2)]})
    began.once("second", lambda: None)
    return found


def test_another_process_goes_on(path: Path) -> None:
    journal = Journal(path)
    assert journal.once("first", refuse) == {"f1": 0.1 + 0.2, "counts": [[1, 2]]}
    assert journal.once("second", refuse) is None
    assert "third" not in journal
    assert journal.once("third", lambda: [3]) == [3]
    assert "third" in Journal(path)


def test_a_finding_is_the_same_whether_new_or_read(path: Path) -> None:
    assert Journal().once("first", lambda: {1: (2,)}) == {"1": [2]}
    new = Journal(path).once("third", lambda: {1: (2,)})
    assert Journal(path).once("third", refuse) == new


@pytest.mark.parametrize("cut", [1, 3, 12])
def test_half_a_line_is_looked_for_again(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(path)
    assert "first" in journal
    assert journal.once("second", lambda: None) is None
    assert "second" in Journal(path)


def test_what_failed_is_not_found(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(AssertionError):
        journal.once("third", refuse)
    assert "third" not in journal
    assert "third" not in Journal(path)


def test_a_day_later_it_is_another_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    monkeypatch.setattr(room.time, "time", lambda: began + room.MOST_SECONDS - 60)
    Journal(path).once("third", lambda: 3)
    monkeypatch.setattr(room.time, "time", lambda: began + room.MOST_SECONDS + 60)
    assert "third" not in Journal(path)
    assert not path.exists()


@pytest.mark.parametrize("damage", ["", "5\n7\n", "[1\n", "null\n", '{"a": 1}\n["first", 1]\n'])
def test_a_damaged_one_is_begun_anew(path: Path, damage: str) -> None:
    path.write_text(damage, encoding="utf-8")
    assert "first" not in Journal(path)
    assert Journal(path).once("first", lambda: 2) == 2
    assert Journal(path).once("first", refuse) == 2


def test_a_closed_one_is_gone(path: Path) -> None:
    Journal(path).close()
    assert "first" not in Journal(path)
    Journal(path).close()
    Journal().close()
