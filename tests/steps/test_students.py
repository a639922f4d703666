"""What the recurrent and the bilingual student refuse, and what they learn from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from builds import quick_builds, quiet

from mma_core import build, checkpoint
from mma_core.checkpoint import Checkpoint
from mma_core.data import Sentence
from mma_core.errors import RecipeError
from mma_core.recipe import World, parse
from mma_core.training import recurrent


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


def world_of(teacher: Checkpoint, text: str, **changes: Any) -> World:
    return replace(build._world(build.Order(parse(text), teacher.name), teacher, quiet), **changes)


def made(teacher: Checkpoint, text: str, **changes: Any) -> Checkpoint:
    with quick_builds({}):
        return parse(text).steps[0].apply(teacher, world_of(teacher, text, **changes))


def test_embeddings_as_wide_as_the_teachers_at_most(teacher: Checkpoint) -> None:
    with pytest.raises(
        RecipeError, match="step xtreme:33,12: the teacher's embeddings are 32 wide; choose from 4 to 32"
    ):
        made(teacher, "xtreme:33,12")


def test_a_recurrent_student_teaches_neither(teacher: Checkpoint) -> None:
    student = recurrent.start(teacher, width=8, states=12, seed=1)
    with pytest.raises(RecipeError, match="step xtreme:4,4: the teacher is a recurrent student itself"):
        made(student, "xtreme:4,4")
    with pytest.raises(RecipeError, match="step bistil:en,de: the teacher has 1 layer; half of it is none"):
        made(student, "bistil:en,de")


def test_labels_are_needed(teacher: Checkpoint) -> None:
    with pytest.raises(RecipeError, match="step xtreme:8,12: there are no labelled sentences"):
        made(teacher, "xtreme:8,12", labelled=dict)


def test_two_languages_are_two() -> None:
    with pytest.raises(RecipeError, match="step bistil:en,en: source and target are the same language"):
        build.build(parse("bistil:en,en"), teacher="/no/such/teacher")


def test_a_source_without_labels(teacher: Checkpoint) -> None:
    files = {("wikiann", "sw"): [Sentence(("Juma",), ("B-PER",))]}
    with pytest.raises(RecipeError, match=r"step bistil:en,de: no labelled sentences in en .*choose a source from sw"):
        made(teacher, "bistil:en,de", labelled=lambda: files)


def test_a_language_without_text(teacher: Checkpoint) -> None:
    with pytest.raises(RecipeError, match="step bistil:en,de: no unlabelled text in de; pass --data"):
        made(teacher, "bistil:en,de", unlabelled=lambda codes, count: {"en": [("a",)]})


def test_as_much_text_of_the_one_language_as_of_the_other(teacher: Checkpoint) -> None:
    step: Any = parse("bistil:en,de").steps[0]
    texts = {"en": [("a",)] * 9, "de": [("b",), ("c",)]}
    found = step._texts(world_of(teacher, "bistil:en,de", unlabelled=lambda codes, count: texts), 100)
    assert found == {"en": [("a",)] * 2, "de": [("b",), ("c",)]}


def test_labels_are_those_of_the_source(teacher: Checkpoint) -> None:
    step: Any = parse("bistil:en,de").steps[0]
    files = {("a", "en"): tiny.corpus()[:1], ("b", "de"): tiny.corpus()[1:2], ("c", "en"): tiny.corpus()[2:3]}
    found = step._labels(world_of(teacher, "bistil:en,de", labelled=lambda: files))
    assert found == [tiny.corpus()[:1], tiny.corpus()[2:3]]


def test_a_bilingual_student_shares_its_teachers_smaller_vocabulary(teacher: Checkpoint) -> None:
    student = made(teacher, "bistil:en,de")
    assert student.config.num_hidden_layers == 1
    assert student.config.vocab_size == student.tokenizer.get_vocab_size() <= teacher.config.vocab_size
    assert parse("bistil:en,de").steps[0].languages == ("en", "de")  # type: ignore[attr-defined]
