"""What the recurrent and the bilingual student refuse, and what they learn from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from builds import SENTENCES, quick_builds, quiet

from mma_core import build, checkpoint, making, orders
from mma_core.checkpoint import Checkpoint
from mma_core.data import Sentence
from mma_core.errors import RecipeError
from mma_core.recipe import World, parse
from mma_core.training import bilingual, distil, recurrent, sparsity, students
from mma_core.training.material import UNKNOWN, Material, with_labels


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


def world_of(teacher: Checkpoint, text: str, **changes: Any) -> World:
    return replace(making.world_of(orders.Order(parse(text), teacher.name), teacher, quiet), **changes)


def made(teacher: Checkpoint, text: str, **changes: Any) -> Checkpoint:
    with quick_builds():
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
    with pytest.raises(
        RecipeError, match="step bistil:en,de: the teacher has 1 layers; a number that is not even has no half"
    ):
        made(student, "bistil:en,de")


@pytest.mark.parametrize("text", ["layers:1", "minilm:1x16", "bistil:en,de", "time:de,s"])
def test_without_data_nothing_is_learnt_from_labels(
    teacher: Checkpoint, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Material] = []
    real = distil.distil

    def watched(student: Checkpoint, *, material: Material, **rest: Any) -> Checkpoint:
        seen.append(material)
        return real(student, material=material, **rest)

    monkeypatch.setattr(students, "distil", watched)
    monkeypatch.setattr(bilingual, "distil", watched)
    made(teacher, text)
    assert seen
    assert all(len(material.encoded) and not with_labels(material).encoded for material in seen)


@pytest.mark.parametrize("text", ["xtreme:8,12", "sparse:0.9", "heads:0.5", "ffn:0.5"])
def test_without_data_the_teachers_tags_stand_for_labels(
    teacher: Checkpoint, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[list[Sentence]]] = []

    def all_persons(parts: list[list[Sentence]], who: Checkpoint) -> list[list[Sentence]]:
        assert who is teacher
        asked.append(parts)
        return [[Sentence(s.words, ("B-PER",) * len(s.words)) for s in part] for part in parts]

    for module in (students, sparsity):
        monkeypatch.setattr(module, "tagged", all_persons)
    made(teacher, text)
    (parts,) = asked
    assert parts
    assert {tag for part in parts for sentence in part for tag in sentence.tags} == {UNKNOWN}
    asked.clear()
    made(teacher, text, labelled=lambda: {("a", "de"): tiny.corpus()})
    assert asked == []


@pytest.mark.parametrize("text", ["xtreme:8,12", "bistil:en,de"])
def test_nothing_to_learn_from(teacher: Checkpoint, text: str) -> None:
    with pytest.raises(RecipeError, match=f"step {text}: no .*; pass --data"):
        made(teacher, text, unlabelled=lambda codes, count: {})


def test_two_languages_are_two() -> None:
    with pytest.raises(RecipeError, match="step bistil:en,en: source and target are the same language"):
        build.build(parse("bistil:en,en"), teacher="/no/such/teacher")


@pytest.mark.parametrize("text", ["minilm:1x8", "time:de,s"])
def test_a_recurrent_teacher_has_no_relations(teacher: Checkpoint, text: str) -> None:
    student = recurrent.start(teacher, width=8, states=12, seed=1)
    with pytest.raises(RecipeError, match=f"step {text}: the teacher is a xtreme model and has no attention"):
        made(student, text)


@pytest.mark.parametrize("restricted", [(), ("de",)])
def test_what_is_read_of_each_language_follows_their_number(teacher: Checkpoint, restricted: tuple[str, ...]) -> None:
    asked: list[tuple[tuple[str, ...], int]] = []

    def unlabelled(codes: Sequence[str], count: int) -> dict[str, list[tuple[str, ...]]]:
        asked.append((tuple(codes), count))
        return {"de": [("a",)]}

    files = {("a", "en"): tiny.corpus()[:1], ("b", "de"): tiny.corpus()[1:2]}
    world = world_of(teacher, "layers:1", unlabelled=unlabelled, labelled=lambda: files, languages=restricted)
    with quick_builds():
        learnt = students.material(parse("layers:1").steps[0], teacher, world)
    assert asked == [(restricted, SENTENCES if restricted else SENTENCES // 20)]
    assert len(learnt.encoded) == (2 if restricted else 3), "labels of other languages are not learnt"


@pytest.mark.parametrize("restricted", [(), ("de",)])
def test_narrowed_word_embeddings_learn_where_languages_are_few(
    teacher: Checkpoint, restricted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, moved = distil.distil, []

    def watched(student: Checkpoint, **rest: Any) -> Checkpoint:
        before = student.model.get_input_embeddings().weight.detach().clone()
        taught = real(student, **rest)
        moved.append((taught.model.get_input_embeddings().weight != before).any(dim=1).sum().item())
        return taught

    monkeypatch.setattr(students, "distil", watched)
    made(teacher, "minilm:1x16", languages=restricted)
    assert len(moved) == 2
    assert all(0 < rows < teacher.config.vocab_size for rows in moved) if restricted else moved == [0, 0]


def test_a_language_without_text(teacher: Checkpoint) -> None:
    with pytest.raises(RecipeError, match="step bistil:en,de: no unlabelled text in de; pass --data"):
        made(teacher, "bistil:en,de", unlabelled=lambda codes, count: {"en": [("a",)]})


def test_as_much_text_of_the_one_language_as_of_the_other(teacher: Checkpoint) -> None:
    step: Any = parse("bistil:en,de").steps[0]
    texts = {"en": [("a",)] * 9, "de": [("b",), ("c",)]}
    found = step._texts(world_of(teacher, "bistil:en,de", unlabelled=lambda codes, count: texts), 100)
    assert found == {"en": [("a",)] * 2, "de": [("b",), ("c",)]}


def test_the_task_is_learnt_on_the_sources_labelled_sentences(
    teacher: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Material] = []

    def watched(_student: Checkpoint, material: Material, **_rest: Any) -> None:
        seen.append(material)

    monkeypatch.setattr(bilingual, "task", watched)
    files = {("a", "en"): tiny.corpus()[:1], ("b", "de"): tiny.corpus()[1:2], ("c", "en"): tiny.corpus()[2:3]}
    made(teacher, "bistil:en,de", labelled=lambda: files)
    assert [len(material.encoded) for material in seen] == [2]
    made(teacher, "bistil:en,de", labelled=lambda: {("b", "de"): tiny.corpus()})
    assert not with_labels(seen[1]).encoded, "text of the source, where it has no labels"


def test_a_bilingual_student_shares_its_teachers_smaller_vocabulary(teacher: Checkpoint) -> None:
    student = made(teacher, "bistil:en,de")
    assert student.config.num_hidden_layers == 1
    assert student.config.vocab_size == student.tokenizer.get_vocab_size() <= teacher.config.vocab_size
    assert parse("bistil:en,de").steps[0].languages == ("en", "de")  # type: ignore[attr-defined]
