"""Colours read in both modes; words of charts; ticks of logarithmic axes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core.bootstrap import Difference
from mma_core.charts import axes, phrases, style

WHITE, DARK = (255, 255, 255), (15, 23, 42)
COLOURS = ("GREY", "BLUE", "GREEN", "ORANGE", "PINK", "VIOLET", "BROWN")


def luminance(colour: tuple[int, ...]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("background", [WHITE, DARK])
def test_colours_have_3_to_1_against_both_backgrounds(name: str, background: tuple[int, ...]) -> None:
    colour = tuple(map(int, re.findall(r"\d+", getattr(style, name))))
    darker, lighter = sorted((luminance(colour), luminance(background)))
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_faded_colours_keep_their_parts() -> None:
    assert style.faded("rgb(1, 2, 3)", 0.5) == "rgba(1, 2, 3, 0.5)"


@pytest.mark.parametrize(
    ("recipe", "brief"),
    [
        ("int8", "int8"),
        ("vocab:de,en+int8", "vocab:de,en+int8"),
        ("layers:6+vocab:de,en,fr,sw+int8", "layers:6+vocab:4 languages+int8"),
    ],
)
def test_long_lists_are_counted(recipe: str, brief: str) -> None:
    assert phrases.brief(recipe) == brief


def test_numbers_in_words() -> None:
    assert phrases.change(Difference(-1.25, -2.04, 0.41, 0.3)) == "−1.2 [−2.0, 0.4]"
    assert [phrases.probability(p) for p in (0.0, 0.02, 0.31)] == ["p < 0.002", "p = 0.020", "p = 0.31"]
    assert phrases.titles([("de", "uner"), ("sw", "uner"), ("sw", "masakhaner2")]) == [
        *("German", "Swahili, uner", "Swahili, masakhaner2")
    ]
    assert (phrases.title(("xx", "set")), phrases.sets(1), phrases.sets(2)) == ("xx, set", "1 data set", "2 data sets")
    assert [phrases.listed(parts) for parts in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=5))
def test_ticks_enclose_all_values(values: list[float]) -> None:
    found = axes.ticks(values)
    assert found == sorted(found)
    assert found[0] <= min(values)
    assert max(values) <= found[-1] * 2


def test_merit_turns_costs_round() -> None:
    size = axes.AXES["size_mb"]
    assert size.merit(10) > size.merit(100)
    assert axes.SPEEDUP.merit(10) > axes.SPEEDUP.merit(1)
    assert [size.text(value) for value in (0.123, 12.34, 1234)] == ["0.12 MB", "12.3 MB", "1,234 MB"]
