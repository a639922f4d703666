"""Figures and takeaways from rows: pure functions."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest
from rows import row, scored

from mma_core import charts
from mma_core.charts import ALL_SETS, Series
from mma_core.results import Measurement

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


def test_teacher_is_a_star_with_lines_at_99_and_99_9_percent() -> None:
    figure = charts.scatter(shown(ROWS))
    star = trace(figure, "teacher multi")
    assert (star.marker.symbol, list(star.x)) == ("star", [1])
    assert [shape.y0 for shape in figure.layout.shapes] == pytest.approx([0.999 * 90, 0.99 * 90])
    assert [note.text for note in figure.layout.annotations] == ["99% and 99.9% of the teacher, precomputed"]


def test_intervals_of_a_data_set_are_its_rows_own() -> None:
    single = trace(charts.scatter(shown(ROWS, view="de/wikineural")), "precision")
    assert (list(single.error_y.array), list(single.error_y.arrayminus)) == ([1], [2])


def test_speedups_have_the_least_and_most_of_the_rounds_as_bars() -> None:
    rows = [row("int8", 80, 2, language="de"), row("int8", 80, 8, language="sw")]
    single, average = (trace(charts.scatter(shown(rows, view=v)), "precision") for v in ("de/wikineural", ALL_SETS))
    assert (list(single.error_x.array), list(single.error_x.arrayminus)) == (
        pytest.approx([0.06]),
        pytest.approx([0.04]),
    )
    assert (list(average.x), list(average.error_x.array)) == (pytest.approx([4]), pytest.approx([0.12]))
    assert "Speed-up 4.00×, rounds 3.92 to 4.12" in average.hovertext[0]
    assert trace(charts.scatter(shown(rows), charts.AXES["size_mb"]), "precision").error_x.array is None


def test_hover_says_where_energy_is_from_if_it_is_known() -> None:
    known = {"energy_j_per_1k_words": 4.0, "energy_source": "measured <RAPL>"}
    (one,) = shown([row("int8", language="de", **known), row("int8", language="sw", **known)])
    assert "Energy 4 J/1000 words, measured &lt;RAPL&gt;<br>" in charts.hover(one.rows[0], one)
    (unknown,) = shown([row("int8")])
    assert "Energy" not in charts.hover(unknown.rows[0], unknown)


def test_intervals_of_the_average_are_narrower_than_those_of_its_data_sets() -> None:
    rows = [scored("int8", 60, code) for code in ("de", "sw", "am", "yo")]
    average, single = (charts.scatter(shown(part)).data[1].error_y for part in (rows, rows[:1]))
    assert 0 < average.array[0] < 0.7 * single.array[0]
    assert 0 < average.arrayminus[0] < 0.7 * single.arrayminus[0]


@pytest.mark.parametrize("name", [axis.name for axis in charts.AXES.values() if not axis.gain])
def test_of_costs_less_is_better(name: str) -> None:
    costs = {"teacher": 400.0, "int8": 100.0, "layers:6": 200.0, "layers:6+int8": 50.0, "vocab:de,en": 300.0}
    rows = [replace(one, **{name: costs[one.recipe]}) for one in ROWS]
    axis = charts.AXES[name]
    line = trace(charts.scatter(shown(rows), axis), "frontier")
    assert list(line.x) == pytest.approx([400, 100, 50])
    assert line.textposition == "top left"
    assert charts.takeaway(shown(rows), axis).startswith(
        f"Precomputed: {axis.best} within 1% of the teacher's F1 is int8 ("
    )


def test_rows_without_a_value_are_absent_from_its_axis() -> None:
    energy = charts.AXES["energy_j_per_1k_words"]
    rows = [*ROWS[1:], replace(ROWS[0], energy_j_per_1k_words=9.0)]
    assert {trace.name for trace in charts.scatter(shown(rows), energy).data} == {
        *("Pareto frontier", "teacher multi, precomputed")
    }
    nothing = charts.scatter(shown(ROWS), energy)
    assert nothing.layout.annotations[0].text == charts.takeaway(shown(ROWS), energy).removeprefix("Precomputed: ")


def test_long_lists_of_languages_are_counted() -> None:
    line = charts.takeaway(shown([row("teacher", 90, 1), row("vocab:de,en,fr,sw+int8", 90, 3)]))
    assert "vocab:4 languages+int8 (3.0×" in line


def test_own_rows_have_their_own_shape_frontier_and_cpu() -> None:
    own = shown([replace(one, cpu="second") for one in ROWS], own=True)
    figure = charts.scatter([*shown(ROWS), *own])
    symbols = {one.marker.symbol for one in figure.data if one.mode == "markers"}
    assert symbols == {"circle", "diamond", "star", "star-diamond"}
    assert len([one for one in figure.data if one.name.startswith("frontier")]) == 2
    assert "Machines or threads differ" in charts.left_out([shown(ROWS), own])
    assert "Machines or threads differ" in figure.layout.xaxis.title.text
    assert "differ" not in charts.scatter(shown(ROWS)).layout.xaxis.title.text


def test_rows_of_other_cpus_are_named_not_mixed() -> None:
    groups = shown([*ROWS, row("int8", 80, 9, cpu="second")])
    assert [one.cpu for one in groups] == ["first, 2 threads", "second, 2 threads"]
    assert "Not shown" in charts.left_out([groups])
    assert "second" in charts.left_out([groups])


def test_retention_of_an_average_agrees_with_the_lines_below_the_teacher() -> None:
    """One set loses much of little: the mean of the shares would say 95%, the mean F1 lies above the line at 99%."""
    rows = [
        *(row(recipe, f1, speed, language="de") for recipe, f1, speed in (("teacher", 95, 1), ("int8", 95, 2))),
        row("teacher", 5, 1, language="sw", retention=100.0),
        row("int8", 4.5, 2, language="sw", retention=90.0),
    ]
    assert "int8 (2.0×, 99.5% of F1)" in charts.takeaway(shown(rows))


def test_a_machine_is_named_without_its_instruction_sets() -> None:
    whole = row("int8", cpu="Ryzen (family 25 model 1), 2 cores, avx2 avx512f")
    name, short = charts.machine(whole), "Ryzen (family 25 model 1), 2 cores, 2 threads"
    assert charts.brief_machines([name, "first, 2 threads"]) == {name: short, "first, 2 threads": "first, 2 threads"}
    assert f"Measured on {short} (" in charts.left_out([shown([whole])])
    other = charts.machine(replace(whole, cpu=f"{whole.cpu} amx_int8"))
    assert charts.brief_machines([name, other]) == {name: name, other: other}


def test_an_average_says_over_how_many_data_sets() -> None:
    assert charts.left_out([shown(ROWS)]) == "Measured on first, 2 threads (precomputed, over 1 data set)."
    assert charts.left_out([shown(ROWS, view="de/wikineural")]) == "Measured on first, 2 threads (precomputed)."


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


def test_rows_of_other_numbers_of_threads_are_not_mixed() -> None:
    groups = shown([*ROWS, row("int8", 80, 9, threads=1)])
    assert [(one.cpu, len(one.rows)) for one in groups] == [("first, 2 threads", len(ROWS)), ("first, 1 thread", 1)]


def test_hover_escapes_and_tells_all() -> None:
    (one,) = shown([row("int8<b>", 80, 2, cpu="<i>")], view="de/wikineural")
    text = charts.hover(one.rows[0], one)
    assert "int8&lt;b&gt;" in text
    assert "&lt;i&gt;" in text
    assert "95% interval 78.0 to 81.0" in text
