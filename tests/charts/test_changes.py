"""The heat map of changes: known differences give known cells."""

from dataclasses import replace

import pytest
from grids import ROWS, grid_of
from rows import scored

from mma_core.charts import changes
from mma_core.charts.changes import cells, heat_map, hover, records, takeaway
from mma_core.charts.phrases import NONE_MEASURED


def test_every_recipe_beside_the_teacher_the_mean_first() -> None:
    found = cells(grid_of())
    assert [cell.recipe for cell in found if cell.place is None] == ["int8", "layers:6", "layers:6+int8"]
    assert len(found) == 3 * (1 + 3)
    swahili = next(cell for cell in found if cell.place == ("sw", "uner") and cell.recipe == "int8")
    assert swahili.found.points == pytest.approx(200 * 50 / 150 - 200 * 80 / 180)
    assert swahili.found.sure


def test_only_what_surely_differs_is_marked() -> None:
    figure = heat_map(cells(grid_of([row for row in ROWS if row.recipe in ("teacher", "int8")])))
    heat, marks = figure.data
    assert list(figure.layout.xaxis.ticktext)[1:] == ["Amharic", "German", "Swahili"]
    assert list(figure.layout.yaxis.ticktext) == ["int8"]
    assert list(heat.text[0])[1:] == ["−0.9", "+0.0", "−22.2"]
    assert list(marks.x) == [0, 3]


def test_takeaway_counts_and_names_the_deepest_loss() -> None:
    line = takeaway(cells(grid_of()))
    assert line.startswith("Of 9 cells (3 recipes by data sets), 7 surely lose and 0 surely gain.")
    assert "The deepest loss is Swahili, uner under layers:6+int8: −70.7 [" in line


def test_a_recipe_that_loses_nowhere_is_named() -> None:
    rows = [scored("teacher", 80), scored("onnx", 80), scored("layers:6", 20)]
    line = takeaway(cells(grid_of(rows)))
    assert "onnx has no sure loss (macro mean over 1 data set)." in line
    better = takeaway(cells(grid_of([scored("teacher", 20), scored("int8", 80)])))
    assert "0 surely lose and 1 surely gain. int8 has no sure loss (macro mean over 1 data set)." in better
    assert "deepest" not in better


def test_a_sure_loss_of_the_mean_is_a_loss_too() -> None:
    codes = ("de", "sw", "am", "yo")
    rows = [scored(recipe, right, code) for recipe, right in (("teacher", 80), ("int8", 80)) for code in codes]
    close = [replace(row, counts=_swapped(row.counts)) if row.recipe == "int8" else row for row in rows]
    macro, *single = cells(grid_of(close))
    assert macro.found.high < 0
    assert all(cell.found.high >= 0 for cell in single)
    assert "int8" not in takeaway([macro, *single])


def _swapped(counts: list[list[int]]) -> list[list[int]]:
    """Lose ten of the entities found, and find four others."""
    return [[0, 0, 1]] * 10 + counts[10:80] + [[1, 1, 1]] * 4 + counts[84:]


@pytest.mark.parametrize("rows", [[], [scored("teacher", 90)], [scored("int8", 90)]])
def test_nothing_to_compare_says_what_to_run(rows: list) -> None:
    found = cells(grid_of(rows))
    assert takeaway(found) == NONE_MEASURED
    assert "mma_core sweep" in heat_map(found).layout.annotations[0].text
    assert records(found) == []


def test_the_mean_is_over_the_data_sets_that_recipes_share() -> None:
    rows = [row for row in ROWS if row.recipe in ("teacher", "int8")]
    more = [scored("onnx", 10, code) for code in ("de", "sw")] + [scored("time:sw,s", 60, "sw")]
    macros = {cell.recipe: cell for cell in cells(grid_of([*more, *rows])) if cell.place is None}
    assert {recipe: cell.sets for recipe, cell in macros.items()} == {"int8": 2, "onnx": 2}
    assert macros["int8"].found.points == pytest.approx((200 * 50 / 150 - 200 * 80 / 180) / 2)
    assert "All, macro over 2 data sets" in hover(macros["int8"])


def test_gaps_and_recipes_that_are_gone_from_the_grammar_are_drawn() -> None:
    figure = heat_map(cells(grid_of([*ROWS, scored("gone:3", 60, "de")])))
    row = list(figure.layout.yaxis.ticktext).index("gone:3")
    assert [value is None for value in figure.data[0].z[row]] == [True, True, False, True]


def test_hover_and_records_tell_all() -> None:
    found = cells(grid_of([scored("teacher", 80, "sw"), scored("int8<b>", 50, "sw")]))
    text = hover(found[1])
    assert "int8&lt;b&gt;" in text
    assert "p &lt; 0.002: surely different" in text
    assert "F1 66.7%, teacher 88.9%" in text
    first, second = records(found)
    assert (first["Data set"], second["Data set"], second["Difference"]) == ("All, macro", "Swahili, uner", -22.22)
    assert changes.SURE_MARK in changes.NOTE
