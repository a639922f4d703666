"""Rows survive the disk; a session is summed up by itself."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
import readme_tables

from benchmarks import rows
from benchmarks.rows import BASELINE, Row
from mma_core.errors import DataError

ROW = Row(
    rival=BASELINE,
    ours=False,
    teacher="multi",
    language="de",
    dataset="wikineural",
    f1=80.0,
    f1_low=70.0,
    f1_high=90.0,
    precision=81.0,
    recall=79.0,
    per_type={"PER": 80.0},
    errors={"right": 8},
    counts=[[1, 1, 1]],
    sentences=10,
    words=200,
    words_per_s=100.0,
    latency_ms_p50=20.0,
    latency_ms_p95=40.0,
    speedup=1.0,
    peak_rss_mb=1000.0,
    size_mb=400.0,
    training="",
    versions={"torch": "2"},
    threads=2,
    cpu="some",
    date="2026-11-21T10:00:00+00:00",
    seed=13,
    command="python -m benchmarks.rivals --data data",
    rounds_s=[2.0, 3.0],
)
FAST = replace(ROW, rival="int8", ours=True, words_per_s=400.0, f1=78.0, speedup=4.0, rounds_s=[0.5, 0.75])


def test_rows_survive_the_disk(tmp_path: Path) -> None:
    table = tmp_path / "rivals.jsonl"
    assert rows.read(table) == []
    rows.append(table, [ROW])
    rows.append(table, [FAST])
    assert rows.read(table) == [ROW, FAST]


@pytest.mark.parametrize("line", ["{}", "nonsense", "[1]"])
def test_what_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    table = tmp_path / "rivals.jsonl"
    rows.append(table, [ROW])
    with table.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=r"rivals\.jsonl:2 is no row"):
        rows.read(table)


def test_every_field_is_explained() -> None:
    text = Row.__doc__ or ""
    assert [field.name for field in fields(Row) if field.name not in text] == []


def test_only_the_last_session_counts() -> None:
    fast, slow = (replace(row, date="2026-11-22T10:00:00+00:00") for row in (FAST, ROW))
    swahili = replace(slow, language="sw")
    assert rows.last_session([fast, slow, swahili, ROW, FAST]) == [[slow, swahili], [fast]]
    assert rows.last_session([]) == []


def test_a_rate_divides_all_words_by_all_seconds() -> None:
    assert rows.rate([ROW, replace(ROW, words=600, words_per_s=50.0)]) == pytest.approx(800 / 14)


def test_rounds_are_compared_with_each_other_over_all_files() -> None:
    swahili = [replace(ROW, language="sw", rounds_s=[6.0, 13.0]), replace(FAST, language="sw", rounds_s=[0.5, 3.25])]
    ratio, low, high = rows.over([FAST, swahili[1]], [ROW, swahili[0]])
    assert (low, ratio, high) == (pytest.approx(4, rel=0.1), pytest.approx(32**0.5), pytest.approx(8, rel=0.1))


def test_the_readme_shows_the_last_session(tmp_path: Path) -> None:
    table = tmp_path / "rivals.jsonl"
    assert readme_tables.rivals_table(table) == "Not measured yet.\n"
    old = replace(FAST, rival="old", date="2026-11-20T10:00:00+00:00")
    learned = replace(
        ROW, rival="spaCy, CNN", words_per_s=900.0, training="at most 4 training sentences of each of a/de"
    )
    rows.append(table, [FAST, ROW, learned, old])
    shown = readme_tables.rivals_table(table).splitlines()
    assert [line.split(" | ")[0] for line in shown[2:5]] == [f"| {BASELINE}", "| **`int8`**", "| spaCy, CNN"]
    assert shown[2].startswith(f"| {BASELINE} | 100 | 1× | 20.0 ms | ")
    assert shown[3] == "| **`int8`** | 400 | 4.00× (4.00 to 4.00) | 20.0 ms | 40.0 ms | 78.0 | 1000 MB | 400 MB |"
    assert "seven of eight of its 2 rounds" in shown[-1]
    assert "spaCy, CNN learned from at most 4 training sentences of each of a/de, from scratch." in shown[-1]
    assert "wikineural/de (10 sentences)" in shown[-1]
    assert "2026-11-21: `python -m benchmarks.rivals --data data`." in shown[-1]
