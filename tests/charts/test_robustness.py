"""F1 under perturbation: curves, and the line above them."""

from typing import Any

import pytest
from robustness_rows import ROWS, row, rows

from mma_core.charts import robustness as charts
from mma_core.results import Robustness


def cells(found: list[Robustness] = ROWS, **other: Any) -> list[Robustness]:
    return charts.cells(found, **({"teacher": "multi", "perturbation": "typos"} | other))


def test_a_curve_is_the_mean_over_data_sets_and_the_sturdiest_comes_first() -> None:
    onnx, int8 = charts.curves(cells())
    assert (onnx.recipe, int8.recipe) == ("onnx", "int8")
    assert [(point.strength, point.f1) for point in onnx.points] == [(0, 70), (0.5, 55), (1, 35)]
    assert onnx.kept == 50
    last = onnx.points[-1]
    assert (last.sets, last.sentences, last.changed) == (2, 400, 100)
    assert last.low == pytest.approx(35 - 18**0.5 / 2)
    assert last.high == pytest.approx(35 + 32**0.5 / 2)


def test_one_data_set_keeps_its_own_interval() -> None:
    onnx, _ = charts.curves(cells(view="sw/uner"))
    assert [(point.f1, point.low, point.high) for point in onnx.points] == [(60, 57, 64), (50, 47, 54), (30, 27, 34)]


def test_only_data_sets_that_all_recipes_share_are_averaged() -> None:
    onnx, _ = charts.curves(cells([*ROWS, *rows("onnx", 10, 10, 10, language="am")]))
    assert onnx.points[0].f1 == 70
    (alone,) = charts.curves(cells([*rows("onnx", 80, 60, 40), *rows("onnx", 9, 9, 9, language="am")[:2]]))
    assert alone.points[0].f1 == 80
    (one,) = charts.curves(cells([*rows("onnx", 1, 1, 1), *rows("int8", 1, 1, 1, language="sw")]))
    assert one.recipe == "onnx"


def test_a_recipe_of_few_data_sets_is_left_out_and_counted() -> None:
    third = [one for recipe in ("onnx", "int8") for one in rows(recipe, 50, 40, 30, language="am")]
    few = cells([*ROWS, *third, *rows("layers:6", 80, 60, 40, language="am")])
    assert [curve.recipe for curve in charts.curves(few)] == ["onnx", "int8"]
    assert charts.takeaway(few, "typos").endswith(" 1 recipe is left out, measured on too few of the data sets.")
    fewer = [*few, *cells(rows("layers:4", 80, 60, 40))]
    assert charts.takeaway(fewer, "typos").endswith(" 2 recipes are left out, measured on too few of the data sets.")


def test_other_perturbations_and_teachers_stay_out() -> None:
    others = [row("onnx", 1, 5, perturbation="caps"), row("onnx", 1, 5, teacher="en"), row("layers:6", 0, 70)]
    assert cells([*ROWS, *others]) == ROWS
    assert cells(teacher="en") == []


def test_the_newest_machine_stands_with_its_own_unperturbed_row() -> None:
    def hardest(found: list[Robustness]) -> list[float]:
        return sorted(one.f1 for one in found if one.recipe == "onnx" and one.strength == 1)

    new = row("onnx", 1, 44, date="2026-12-01", cpu="second")
    old = row("onnx", 1, 11, date="2025-12-01", cpu="third")
    assert hardest(cells([new, *ROWS, old])) == [30, 40], "8 bits tag otherwise on another processor"
    assert hardest(cells([row("onnx", 0, 70, date="2026-12-01", cpu="second"), new, *ROWS, old])) == [30, 44]


def test_takeaway() -> None:
    assert charts.takeaway(cells(), "typos") == (
        "At 100%, onnx keeps 50% of its F1 (70.0 → 35.0); int8 keeps 29% of its F1 (70.0 → 20.0) (2 data sets). "
        "onnx loses most in Swahili (−50.0) and German (−40.0)."
    )
    close = charts.takeaway(cells([*rows("onnx", 80, 60, 40), *rows("int8", 80, 60, 36)]), "typos")
    assert close.startswith("At 100%, onnx keeps 50% of its F1 (80.0 → 40.0); int8 keeps 45% of its F1 (80.0 → 36.0)")
    assert close.endswith(", with overlapping intervals (1 data set).")
    one = charts.takeaway(cells(rows("onnx", 80, 80, 80)), "typos")
    assert one == "At 100%, onnx keeps 100% of its F1 (80.0 → 80.0) (1 data set)."
    assert "--perturbations caps" in charts.takeaway([], "caps")
    halves = cells([*rows("onnx", 1, 1, 1)[:2], *rows("int8", 1, 1, 1)[::2]])
    assert charts.takeaway(halves, "typos") == charts.INCOMPLETE


def test_overlap_is_of_the_shares_kept_not_of_f1() -> None:
    apart = charts.takeaway(cells([*rows("onnx", 40, 35, 30), *rows("int8", 90, 60, 31)]), "typos")
    assert "keeps 75% of its F1 (40.0 → 30.0); int8 keeps 34% of its F1 (90.0 → 31.0) (1" in apart
    close = charts.takeaway(cells([*rows("onnx", 80, 60, 40), *rows("int8", 40, 30, 19)]), "typos")
    assert "int8 keeps 48% of its F1 (40.0 → 19.0), with overlapping intervals (1" in close


@pytest.mark.parametrize("other", [{"sentences": 100}, {"seed": 14}, {"weights": "ffff"}, {"budget": "full"}])
def test_a_curve_is_of_the_same_sentences_weights_and_budget(other: dict) -> None:
    newer = [row("onnx", strength, 9, date="2026-12-01", **other) for strength in (0.5, 1.0)]
    assert cells([*newer, *ROWS]) == ROWS
    remade = [row("onnx", 0, 80, date="2026-12-02", **other), *newer]
    assert [one.f1 for one in cells([*ROWS[:3], *remade])] == [9, 9, 80]


def test_a_recipe_that_finds_nothing_keeps_nothing() -> None:
    (curve,) = charts.curves(cells(rows("onnx", 0, 0, 0)))
    assert curve.kept == 0


def test_lines_have_bands_and_hover() -> None:
    figure = charts.lines(charts.curves(cells()))
    band, line, *_ = figure.data
    assert list(line.x) == [0, 0.5, 1]
    assert list(line.y) == [70, 55, 35]
    assert (band.fill, len(band.x), band.showlegend) == ("toself", 6, False)
    assert max(band.y) > 70 > min(band.y)
    assert [trace.name for trace in figure.data if trace.name] == ["onnx", "int8"]
    assert len({trace.line.color for trace in figure.data if trace.name}) == 2
    assert line.hovertext[2].split("<br>") == [
        "<b>onnx</b>, strength 100%",
        "F1 35.0%, 95% interval 32.9 to 37.8",
        "−35.0 against the text as it is",
        "100% of the sentences changed",
        "400 sentences of 2 data sets",
    ]


def test_names_are_escaped_and_many_recipes_differ() -> None:
    many = [one for number in range(12) for one in rows(f"<b>{number}", 80, 60, 40)]
    figure = charts.lines(charts.curves(cells(many)))
    assert all("<b>" not in trace.name for trace in figure.data if trace.name)
    styles = {(trace.line.color, trace.line.dash) for trace in figure.data if trace.name}
    assert len(styles) == 12


def test_no_rows_make_a_figure_that_says_so() -> None:
    assert "Nothing to draw" in charts.lines([]).layout.annotations[0].text
