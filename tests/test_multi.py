"""The built-in teacher, as users get it."""

import json

import pytest
from builds import BUILT_IN

from mma_core import build, machine
from mma_core.__main__ import main
from mma_core.recipe import parse
from mma_core.runtime import Tagger

pytest_plugins = ("engine_fixtures",)

GERMAN = "Angela Merkel besuchte Volkswagen in München."
ENTITIES = [(0, 13, "PER"), (23, 33, "ORG"), (37, 44, "LOC")]


def test_a_german_sentence(built_in: Tagger) -> None:
    (found,) = built_in.tag_texts([GERMAN], "de")
    assert [(span.start, span.end, span.label) for span in found] == ENTITIES
    assert all(span.score > 0.5 for span in found)


def test_the_same_on_the_command_line(built_in: Tagger, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", BUILT_IN, "--language", "de", "--json", GERMAN]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == ENTITIES
    assert [span["text"] for span in row["spans"]] == ["Angela Merkel", "Volkswagen", "München"]


def test_it_agrees_with_full_precision(built_in: Tagger) -> None:
    made = build.cached(parse(BUILT_IN))
    assert made is not None
    agreement = made.manifest["agreement"]
    assert sorted(agreement) == ["de", "en", "es", "ru"]
    # Without VNNI the weights have 7 bits.
    assert sum(agreement.values()) / len(agreement) > (98 if machine.has_vnni() else 96)


@pytest.mark.parametrize(
    ("language", "text", "entities"),
    [
        ("en", "Ada Lovelace lived in London.", [("Ada Lovelace", "PER"), ("London", "LOC")]),
        ("ru", "Владимир Набоков родился в Петербурге.", [("Владимир Набоков", "PER"), ("Петербурге", "LOC")]),
        ("es", "Gabriel García Márquez nació en Colombia.", [("Gabriel García Márquez", "PER"), ("Colombia", "LOC")]),
    ],
)
def test_other_languages(built_in: Tagger, language: str, text: str, entities: list[tuple[str, str]]) -> None:
    (found,) = built_in.tag_texts([text], language)
    assert [(text[span.start : span.end], span.label) for span in found] == entities
