import re

import pytest

from mma_core.errors import DataError
from mma_core.languages import _TABLE, LANGUAGES, Language, Tier, WordRule, language, tier_of


def test_every_row_has_a_code_of_its_own_and_the_table_is_in_order() -> None:
    codes = [row.code for row in _TABLE]
    assert codes == sorted(set(codes))
    assert list(LANGUAGES) == codes


@pytest.mark.parametrize("row", _TABLE, ids=lambda row: row.code)
def test_a_row_is_well_formed(row: Language) -> None:
    assert re.fullmatch("[a-z]{2,3}", row.code)
    assert re.fullmatch("[A-Z][a-z]{3}", row.script)
    assert row.name[0].isupper()
    assert row.family[0].isupper()
    assert (row.direction == "rtl") == (row.code in {"ar", "fa", "he", "ur"})
    assert (row.rule is WordRule.CHARACTERS) == (row.script in {"Hans", "Jpan", "Kore", "Thai"})


def test_names_are_unique_and_every_tier_and_rule_is_used() -> None:
    assert len({row.name for row in _TABLE}) == len(_TABLE)
    assert {row.tier for row in _TABLE} == set(Tier)
    assert {row.rule for row in _TABLE} == set(WordRule)


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [("de", "sv", True), ("de", "fr", False), ("am", "ar", True), ("sw", "yo", True), ("hi", "ta", False)],
)
def test_families(one: str, other: str, related: bool) -> None:
    assert (LANGUAGES[one].family == LANGUAGES[other].family) is related


def test_an_unknown_code_is_named_and_the_known_ones_are_listed() -> None:
    assert language("de").name == "German"
    with pytest.raises(DataError, match=r"'xx'.*de, .*zu"):
        language("xx")


@pytest.mark.parametrize(
    ("sentences", "tier"),
    [(0, Tier.ZERO), (1, Tier.LOW), (4_499, Tier.LOW), (4_500, Tier.MID), (9_999, Tier.MID), (10_000, Tier.HIGH)],
)
def test_the_tier_follows_the_sentences_seen(sentences: int, tier: Tier) -> None:
    assert tier_of(sentences) is tier
