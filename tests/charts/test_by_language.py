"""F1 by language: places, the line above the chart, the chart."""

from typing import Any

import pytest
from test_charts import row

from mma_core.builtin import Labelled
from mma_core.charts import by_language
from mma_core.charts.by_language import ALL_TYPES, Place
from mma_core.languages import LANGUAGES, Tier
from mma_core.results import Measurement

LABELLED = {"de": Labelled(20_000, 2_000), "sw": Labelled(5_000, 1_000), "ko": Labelled(100, 50)}
ROWS = [
    row("teacher", 90, 1, language="de", dataset="uner"),
    row("int8", 89, 2, language="de", dataset="uner"),
    row("teacher", 80, 1, language="sw", dataset="masakhaner2"),
    row("int8", 76, 2, language="sw", dataset="masakhaner2"),
    row("teacher", 50, 1, language="am", dataset="transfer"),
    row("int8", 49, 2, language="am", dataset="transfer"),
    row("teacher", 95, 1, language="de", dataset="wikiann"),
    row("layers:6", 40, 2, language="ko", dataset="transfer"),
]


def places(rows: list[Measurement] = ROWS, **other: Any) -> list[Place]:
    given = {"teacher": "multi", "recipe": "int8", "silver": False, "labelled": LABELLED}
    return by_language.places(rows, **(given | other))


def test_gold_and_silver_stand_apart() -> None:
    assert {place.dataset for place in places()} == {"uner", "masakhaner2", "transfer"}
    (silver,) = places(silver=True)
    assert (silver.language.code, silver.dataset, silver.recipe) == ("de", "wikiann", None)


def test_only_the_chosen_teacher_and_recipe_have_places() -> None:
    assert "ko" not in {place.language.code for place in places()}
    assert "ko" in {place.language.code for place in places(recipe="layers:6")}
    assert places(teacher="en") == []
    assert all(place.recipe is None for place in places(recipe=None))


def test_rows_are_of_the_machine_with_most_of_the_recipes() -> None:
    elsewhere = [
        row("int8", 10, 2, language="de", dataset="uner", date="2027-02-01", cpu="another"),
        row("layers:6", 20, 2, language="de", dataset="uner", date="2027-02-01", threads=1),
    ]
    found = {place.language.code: place for place in places([*elsewhere, *ROWS])}
    assert found["de"].recipe == ROWS[1]
    both = [row("layers:6", 20, 2, language="ko", dataset="transfer", threads=1), *elsewhere, *ROWS]
    assert {place.language.code: place.teacher for place in places(both, recipe="layers:6")} == {"ko": None, "de": None}
    assert len(places([*elsewhere, *ROWS], recipe="gone:3")) == 3


def test_the_newest_row_stands() -> None:
    old = row("int8", 10, 2, language="de", dataset="uner", date="2025-12-31")
    new = row("int8", 88, 2, language="de", dataset="uner", date="2027-02-01")
    found = {place.language.code: place for place in places([new, *ROWS, old])}
    assert found["de"].recipe == new


def test_the_tier_goes_by_what_this_teacher_saw() -> None:
    tiers = {place.language.code: place.tier for place in places()}
    assert tiers == {"de": Tier.HIGH, "sw": Tier.MID, "am": Tier.ZERO}
    tiers = {place.language.code: place.tier for place in places(labelled={"en": Labelled(30_000, 10)})}
    assert set(tiers.values()) == {Tier.ZERO}
    assert {place.tier for place in places(labelled={})} == {None}


def test_places_are_in_order_of_the_teachers_f1_and_lack_none() -> None:
    shown = by_language.ordered([*places(recipe="layers:6")], ALL_TYPES)
    assert [place.language.code for place in shown] == ["de", "sw", "am", "ko"]
    assert by_language.ordered(places(), "LOC") == []


def test_a_language_with_one_data_set_needs_no_data_set_in_its_name() -> None:
    twice = [*ROWS, row("teacher", 70, 1, language="sw", dataset="samples")]
    assert sorted(by_language.names(places(twice))) == ["Amharic", "German", "Swahili, masakhaner2", "Swahili, samples"]


def test_takeaway_compares_where_both_were_measured() -> None:
    line = by_language.takeaway(places([*ROWS, row("teacher", 1, 1, language="yo", dataset="uner")]), ALL_TYPES)
    assert "int8 keeps 97.1% of the teacher's macro F1 where it was trained (85.0 → 82.5, 2 data sets)" in line
    assert "98.0% zero-shot (50.0 → 49.0, 1 data set)" in line
    assert line.endswith("It pays most in Swahili (−4.0), Amharic (−1.0), German (−1.0).")


def test_takeaway_of_the_teacher_alone_of_no_loss_and_of_nothing() -> None:
    alone = by_language.takeaway(places(recipe=None), ALL_TYPES)
    assert alone == "Macro F1: 85.0 where it was trained (2 data sets) and 50.0 zero-shot (1 data set)."
    same = [row(recipe, 90, 1, language="de", dataset="uner") for recipe in ("teacher", "int8")]
    assert by_language.takeaway(places(same), ALL_TYPES).endswith("No language pays.")
    assert by_language.takeaway([], ALL_TYPES) == by_language.EMPTY
    assert "in all languages" in by_language.takeaway(places(labelled={}), ALL_TYPES)


def test_dots_of_the_teacher_and_the_recipe_stand_side_by_side() -> None:
    figure = by_language.dots(places(), ALL_TYPES)
    assert list(figure.layout.yaxis.ticktext) == ["German", "Swahili", "○ Amharic"]
    assert [trace.marker.symbol for trace in figure.data] == [
        *("circle", "diamond", "circle", "diamond", "circle-open", "diamond-open")
    ]
    german = figure.data[0]
    assert (list(german.x), list(german.error_x.array), list(german.error_x.arrayminus)) == ([90], [1], [2])
    assert german.y[0] < 0 < figure.data[1].y[0]
    assert len({trace.marker.color for trace in figure.data}) == 3


def test_one_type_has_no_intervals_and_only_rows_that_have_it() -> None:
    rows = [*ROWS, row("teacher", 60, 1, language="ko", dataset="transfer", per_type={"LOC": 30.0})]
    figure = by_language.dots(places(rows), "LOC")
    (only,) = figure.data
    assert (list(only.x), only.error_x.array) == ([30], None)
    assert list(figure.layout.yaxis.ticktext) == ["Korean"]
    assert figure.layout.xaxis.range[0] <= 30


def test_the_chart_grows_with_its_rows() -> None:
    many = [row("teacher", 50, 1, language=code, dataset="uner") for code in LANGUAGES]
    figure = by_language.dots(places(many), ALL_TYPES)
    assert figure.layout.height > 20 * len(LANGUAGES)
    assert len(figure.layout.yaxis.tickvals) == len(LANGUAGES)


def test_no_rows_say_what_to_run() -> None:
    assert "mma_core sweep" in by_language.dots([], ALL_TYPES).layout.annotations[0].text


def test_hover_tells_all_and_escapes() -> None:
    (place,) = places([row("int8", 80, 2, language="sw", dataset="<b>", per_type={"PER": 91.26, "LOC": 70})])
    assert place.recipe is not None
    assert by_language.hover(place, place.recipe).split("<br>") == [
        "<b>Swahili</b>, &lt;b&gt;",
        "int8",
        "F1 80.0%, 95% interval 78.0 to 81.0",
        "PER 91.3 · LOC 70.0",
        "42 test sentences",
        "1,000 of 5,000 labelled sentences seen",
        "mid-resource",
    ]
    (unknown,) = places([row("int8", 80, 2)], silver=True, labelled={})
    assert unknown.recipe is not None
    assert "not known" in by_language.hover(unknown, unknown.recipe)


@pytest.mark.parametrize(("points", "expected"), [(-1.25, "−1.2"), (0.0, "+0.0"), (2.0, "+2.0")])
def test_differences_are_signed(points: float, expected: str) -> None:
    assert by_language.signed(points) == expected


def test_long_recipes_are_cut() -> None:
    assert by_language.short("int8") == "int8"
    assert len(by_language.short(f"vocab:{','.join(LANGUAGES)}")) == by_language.LONGEST_NAME
