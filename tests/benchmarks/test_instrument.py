"""The benchmark that runs the instrument twice."""

import json
from pathlib import Path

import pytest

from benchmarks import app_start, instrument


def test_speedups_by_recipe_and_language() -> None:
    rows = [
        {"recipe": "teacher", "language": "de", "speedup": 1.0},
        {"recipe": "int8", "language": "de", "speedup": 2.0},
        {"recipe": "int8", "language": "sw", "speedup": 3.0},
    ]
    assert instrument.speedups(rows) == {"int8": {"de": 2.0, "sw": 3.0}}


def test_differences_are_of_the_geometric_mean_whichever_run_was_faster() -> None:
    first = {"int8": {"de": 2.0, "sw": 2.0}, "onnx": {"de": 1.0, "sw": 4.0}}
    second = {"int8": {"de": 2.2, "sw": 2.2}, "onnx": {"de": 2.0, "sw": 2.0}}
    differences, worst = instrument.compared(first, second)
    assert differences == {"int8": pytest.approx(10.0), "onnx": pytest.approx(0.0)}
    assert worst == pytest.approx(100.0)
    assert instrument.compared(second, first) == (differences, worst)
    assert instrument.compared(first, first) == ({"int8": 0.0, "onnx": 0.0}, 0.0)


def test_a_line_is_added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "new" / "instrument.jsonl"
    monkeypatch.setattr(instrument.subprocess, "run", lambda *_args, **_rest: None)
    monkeypatch.setattr(
        instrument, "_bench", lambda recipes, _languages: ({name: {"de": 2.0} for name in recipes}, 1.5)
    )
    monkeypatch.setattr(instrument, "_started", lambda: {"start": 1.0, "charts": 0.5})
    for _ in range(2):
        instrument.main(["int8", "--languages", "de", "--table", str(table)])
    lines = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    assert lines == [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["differences"], line["worst"], line["bench_seconds"]) for line in lines] == [
        ({"int8": 0.0}, 0.0, [1.5, 1.5])
    ] * 2
    assert (lines[0]["app_seconds"], lines[0]["charts_seconds"]) == (1.0, 0.5)
    assert lines[0]["command"] == f"python -m benchmarks.instrument int8 --languages de --table {table}"


def test_every_chart_of_the_app_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    app_start.main()
    assert json.loads(capsys.readouterr().out).keys() == {"start", "charts"}
