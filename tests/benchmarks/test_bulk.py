"""What a process holds in memory while it tags a long file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import readme_aims

from benchmarks import bulk
from benchmarks.bulk import Look

# Writes a line, and holds ten megabytes more, every tenth of a second.
GREEDY = """
import sys, time
held = []
for number in range(20):
    held.append(b"x" * 10_000_000)
    with open(sys.argv[1], "a") as file:
        file.write("line\\n")
    time.sleep(0.1)
"""


def test_lines_differ_and_are_the_same_another_time() -> None:
    found = [" ".join(words) for words in bulk.lines("sw", 50)]
    assert len(set(found)) == 50
    assert found == [" ".join(words) for words in bulk.lines("sw", 50)]
    low, high = bulk.LENGTHS
    assert all(low + 1 <= len(line.split()) <= high + 1 for line in found)


def test_a_process_that_grows_is_seen_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.02)
    written = tmp_path / "written"
    looks = bulk.watch([sys.executable, "-c", GREEDY, str(written)], written)
    assert looks[-1].documents == 20
    early, late = bulk.held(looks, 20, bulk.EARLY), bulk.held(looks, 20, bulk.LATE)
    assert 100 < late - early < 200, "some 14 lines of 10 MB lie between"


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        bulk.watch([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "written")


def test_what_is_held_is_the_median_of_a_share_of_the_documents() -> None:
    looks = [Look(0, 5), Look(10, 100), Look(20, 300), Look(25, 200), Look(90, 900), Look(100, 0)]
    assert bulk.held(looks, 100, (0.1, 0.3)) == 200
    assert bulk.held(looks, 100, (0.8, 1.0)) == 900
    with pytest.raises(bulk.DataError, match="100 sentences are tagged too soon"):
        bulk.held(looks, 100, (0.3, 0.5))


def test_a_shipped_recipe_is_watched_and_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bulk, "LOOK_SECONDS", 0.001)
    table = tmp_path / "bulk.jsonl"
    bulk.main(["time:sw,xs+int8", "--language", "sw", "--sentences", "3000", "--table", str(table)])
    (found,) = bulk.read(table)
    assert (found.recipe, found.language, found.sentences, found.seed) == ("time:sw,xs+int8", "sw", 3000, bulk.SEED)
    assert 10 * found.sentences < found.words < 30 * found.sentences
    assert 50 < found.early_mb <= found.peak_mb
    assert json.loads(table.read_text(encoding="utf-8"))["command"].endswith(f"--table {table}")
    (aim,) = readme_aims.memory(table)
    assert aim.what == "Growth of memory while 3,000 sentences are tagged in bulk"
    assert list(readme_aims.memory(table.with_name("none.jsonl"))) == []
