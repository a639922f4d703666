"""Figures and takeaways from rows: pure functions."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from mma_core import charts
from mma_core.charts import ALL_SETS, Series
from mma_core.results import Measurement


def row(recipe: str, f1: float, speedup: float, **other: Any) -> Measurement:
    given = {
        "recipe": recipe,
        "teacher": "multi",
        "language": "de",
        "dataset": "wikineural",
        "f1": f1,
        "f1_low": f1 - 2,
        "f1_high": f1 + 1,
        "precision": f1,
        "recall": f1,
        "per_type": {"PER": f1},
        "sentences": 400,
        "words": 8000,
        "words_per_s": 1000 * speedup,
        "sentences_per_s": 60 * speedup,
        "latency_ms_p50": 20 / speedup,
        "latency_ms_p95": 30 / speedup,
        "size_mb": 100,
        "peak_rss_mb": 500,
        "parameters": 118_000_000,
        "energy_j_per_1k_words": None,
        "energy_source": "none",
        "speedup": speedup,
        "retention": f1 / 0.9,
        "threads": 2,
        "cpu": "first",
        "date": "2026-01-01",
        "seed": 13,
        "command": "",
    }
    return Measurement(**(given | other))


ROWS = [
    row("teacher", 90, 1),
    row("int8", 89.5, 2.5),
    row("layers:6", 60, 1.7),
    row("layers:6+int8", 59, 4),
    row("vocab:de,en", 89, 1.1),
]


def shown(rows: list[Measurement], *, own: bool = False, view: str = ALL_SETS) -> list[Series]:
    return charts.series(rows, own=own, view=view)


def trace(figure: go.Figure, part: str) -> Any:
    return next(one for one in figure.data if part in one.name)


def test_frontier_is_a_line_through_the_unbeaten_points() -> None:
    line = trace(charts.scatter(shown(ROWS)), "frontier")
    assert list(line.x) == pytest.approx([1, 2.5, 4])
    assert "lines" in line.mode


def test_only_names_that_fit_are_printed_and_never_the_teacher() -> None:
    crowded = [row("teacher", 90, 1), row("onnx", 89.9, 1.01), row("int8", 89.8, 1.02), row("layers:6", 60, 9)]
    line = trace(charts.scatter(shown(crowded)), "frontier")
    assert list(line.text) == ["", "", " int8", " layers:6"]


def test_teacher_is_a_star_with_a_line_at_99_percent() -> None:
    figure = charts.scatter(shown(ROWS))
    star = trace(figure, "teacher multi")
    assert (star.marker.symbol, list(star.x)) == ("star", [1])
    assert figure.layout.shapes[0].y0 == pytest.approx(0.99 * 90)


def test_intervals_only_where_a_data_set_is_shown_alone() -> None:
    average = trace(charts.scatter(shown(ROWS)), "precision")
    single = trace(charts.scatter(shown(ROWS, view="de/wikineural")), "precision")
    assert average.error_y.array is None
    assert (list(single.error_y.array), list(single.error_y.arrayminus)) == ([1], [2])


def test_own_rows_have_their_own_shape_frontier_and_cpu() -> None:
    own = shown([replace(one, cpu="second") for one in ROWS], own=True)
    figure = charts.scatter([*shown(ROWS), *own])
    symbols = {one.marker.symbol for one in figure.data if one.mode == "markers"}
    assert symbols == {"circle", "diamond", "star", "star-diamond"}
    assert len([one for one in figure.data if one.name.startswith("frontier")]) == 2
    assert "different CPUs" in charts.left_out([shown(ROWS), own])


def test_rows_of_other_cpus_are_named_not_mixed() -> None:
    groups = shown([*ROWS, row("int8", 80, 9, cpu="second")])
    assert [one.cpu for one in groups] == ["first", "second"]
    assert "Not shown" in charts.left_out([groups])
    assert "second" in charts.left_out([groups])


def test_takeaway_names_the_fastest_near_the_teacher_and_the_fastest() -> None:
    line = charts.takeaway(shown(ROWS))
    assert "int8 (2.5×, 99.4% of F1)" in line
    assert "layers:6+int8 (4.0×" in line
    assert "closest" in charts.takeaway(shown([row("layers:6", 60, 2), row("layers:4", 50, 3)]))


def test_no_rows_say_what_to_run() -> None:
    assert charts.takeaway([]) == charts.EMPTY
    assert "mma_core bench" in charts.scatter([]).layout.annotations[0].text
    assert charts.left_out([]) == ""


@pytest.mark.parametrize("only", ROWS[:2])
def test_one_row_draws(only: Measurement) -> None:
    figure = charts.scatter(shown([only], view="de/wikineural"))
    low, high = figure.layout.xaxis.range
    assert low < 0 < high
    assert charts.takeaway(shown([only]))


@pytest.mark.parametrize(
    ("recipe", "kind"),
    [("onnx", "teacher, export"), ("layers:6", "student"), ("int8", "precision"), ("vocab:de", "vocabulary")],
)
def test_colour_follows_the_kind(recipe: str, kind: str) -> None:
    assert charts.kind_of(recipe) == kind


def test_combinations_and_unknown_steps_have_colours_too() -> None:
    assert charts.kind_of("layers:6+int8") == "combination"
    assert charts.kind_of("gone:3") == "other"


def test_hover_escapes_and_tells_all() -> None:
    (one,) = shown([row("int8<b>", 80, 2, cpu="<i>")], view="de/wikineural")
    text = charts.hover(one.rows[0], one)
    assert "int8&lt;b&gt;" in text
    assert "&lt;i&gt;" in text
    assert "95% interval 78.0 to 81.0" in text
