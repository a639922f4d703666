"""Distillation of tiny students: what is kept of the teacher, what is learnt, and that a cut changes nothing."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from mma_core import checkpoint
from mma_core.checkpoint import Checkpoint
from mma_core.data import TAGS, Sentence
from mma_core.training import distil, outputs, shrink
from mma_core.training.distil import Losses, relation_heads
from mma_core.training.loop import Settings
from mma_core.training.material import Material, gather, unlabelled
from mma_core.training.ner import IGNORE

SETTINGS = Settings(steps=6, batch_size=4, learning_rate=1e-2, head_factor=1.0, save_every=2)
EVERY = Losses(task=0.5, logits=1.0, logits_mse=0.1, hidden=1.0, attention=1.0, relations=1.0)
TERMS = ("task", "logits", "logits_mse", "hidden", "attention", "relations")


class World:
    """Of a world, what `gather` reads."""

    seed = 13

    def __init__(self, shared: Path) -> None:
        self.shared = shared


def silent(fraction: float, desc: str) -> None:
    assert 0 <= fraction <= 1
    assert desc


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


@pytest.fixture
def material(teacher: Checkpoint, tmp_path: Path) -> Material:
    return material_of(teacher, tmp_path)


def material_of(teacher: Checkpoint, folder: Path) -> Material:
    texts = {"de": [sentence.words for sentence in tiny.corpus()[:3]]}
    parts = [tiny.corpus(), *unlabelled(texts)]
    return gather(parts, 100, teacher=teacher, world=World(folder / "outputs"))  # type: ignore[arg-type]


def student_of(teacher: Checkpoint) -> Checkpoint:
    return teacher.with_layers([0])


def learn(student: Checkpoint, material: Material, folder: Path, losses: Losses, **others: Any) -> dict[str, Any]:
    distil.distil(student, material=material, losses=losses, settings=SETTINGS, folder=folder, report=silent, **others)
    return {name: value.clone() for name, value in student.model.state_dict().items()}


def test_sentences_are_drawn_by_the_root_of_their_number(teacher: Checkpoint, tmp_path: Path) -> None:
    parts = [[Sentence(("a",), ("O",))] * 400, [], [Sentence(("b",), ("O",))] * 100, [Sentence(("c",), ("O",))]]
    found = gather(parts, 31, teacher=teacher, world=World(tmp_path))  # type: ignore[arg-type]
    assert np.bincount(found.groups).tolist() == [20, 10, 1]
    assert len(found.encoded) == 31


def test_unknown_tags_teach_no_task(material: Material) -> None:
    targets = [tags for (_, tags), group in zip(material.encoded, material.groups, strict=True) if group == 1]
    assert len(targets) == 3
    assert all((tags == IGNORE).all() for tags in targets)
    assert (material.encoded[0][1] != IGNORE).any()


def test_tags_are_numbered_as_the_teacher_numbers_them(teacher: Checkpoint, tmp_path: Path) -> None:
    model = student_of(teacher).model
    model.config.id2label = dict(enumerate(["B-PER", "O", "I-PER", "B-MISC", "I-MISC", "B-LOC", "I-LOC"]))
    other = dataclasses.replace(teacher, model=model)
    [(_, tags)] = gather(
        [[Sentence(("Angela", "besuchte", "Siemens"), ("B-PER", "O", "B-ORG"))]],
        1,
        teacher=other,
        world=World(tmp_path),  # type: ignore[arg-type]
    ).encoded
    assert set(tags.tolist()) == {0, 1, IGNORE}


def exact(material: Material, index: int) -> Any:
    with torch.inference_mode():
        pieces = torch.from_numpy(material.encoded[index][0])[None]
        return material.teacher.model(pieces, output_hidden_states=True)


def test_kept_outputs_are_the_teachers(material: Material) -> None:
    found = outputs.open_outputs(material, [0, 2], silent)
    indices = np.array([5, 0, 9])
    longest = int(material.lengths[indices].max())
    batch = found.read(indices, longest)
    assert found.answer(batch) == {}
    assert set(batch) == {"logits", "hidden-0", "hidden-2"}
    for row, index in enumerate(indices.tolist()):
        truth, length = exact(material, index), material.lengths[index]
        for name, values in (("logits", truth.logits), ("hidden-2", truth.hidden_states[2])):
            assert torch.allclose(batch[name][row, :length].float(), values[0], rtol=0.05, atol=0.1)
            assert not batch[name][row, length:].any()


def test_outputs_are_reckoned_once_and_go_on_where_they_were_cut(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "CHUNK", 4)
    real, seen = outputs._reckon, []

    def counted(which: Material, indices: np.ndarray, *others: Any) -> None:
        if len(seen) == 1:
            seen.append("cut")
            raise KeyboardInterrupt
        seen.append(indices.tolist())
        real(which, indices, *others)

    monkeypatch.setattr(outputs, "_reckon", counted)
    with pytest.raises(KeyboardInterrupt):
        outputs.open_outputs(material, [1], silent)
    broken = outputs.open_outputs(material, [1], silent).read(np.arange(11), 96)
    assert seen == [[0, 1, 2, 3], "cut", [4, 5, 6, 7], [8, 9, 10]]
    outputs.open_outputs(material, [1], silent)
    assert len(seen) == 4
    outputs.open_outputs(material, [1, 2], silent)
    assert len(seen) == 7, "the new layer alone is missing, and needs the whole text"
    whole = outputs.open_outputs(dataclasses.replace(material, shared=material.shared / "b"), [1], silent)
    assert all(torch.equal(broken[name], values) for name, values in whole.read(np.arange(11), 96).items())


def test_the_oldest_outputs_go(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs.open_outputs(material, [], silent)
    folder = material.shared / material.key
    size = sum(path.stat().st_size for path in folder.iterdir())
    other = dataclasses.replace(material, encoded=material.encoded[:5], groups=material.groups[:5])
    outputs.open_outputs(other, [], silent)
    assert folder.exists()
    monkeypatch.setattr(outputs, "MOST_BYTES", size)
    outputs.open_outputs(material, [], silent)
    assert [path.name for path in material.shared.iterdir() if path.is_dir()] == [material.key]


def test_a_teacher_whose_outputs_take_too_much_room_answers_as_it_is_asked(
    material: Material, teacher: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = learn(student_of(teacher), material, tmp_path / "kept", EVERY)
    monkeypatch.setattr(outputs, "MOST_OF_ONE", 0)
    fresh = dataclasses.replace(material, shared=tmp_path / "none")
    asked = learn(student_of(teacher), fresh, tmp_path / "asked", EVERY)
    assert not (tmp_path / "none").exists()
    assert all(torch.allclose(kept[name], value, atol=0.05) for name, value in asked.items())


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
@pytest.mark.parametrize("term", TERMS)
def test_every_term_is_learnt_from_every_kind_of_teacher(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, *, model_type: str, term: str
) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    before = {name: value.clone() for name, value in teacher.model.state_dict().items()}
    student = student_of(teacher)
    learn(student, material_of(teacher, tmp_path), tmp_path / "run", Losses(**{term: 1.0}))
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert np.isfinite(log[-1]["loss"])
    assert log[-1]["loss"] > 0
    words = student.model.get_input_embeddings().weight
    assert torch.equal(words, teacher.model.get_input_embeddings().weight), "word embeddings stay"
    assert any(not torch.equal(before[name], value) for name, value in student.model.state_dict().items())
    assert not student.model.training
    assert all(torch.equal(before[name], value) for name, value in teacher.model.state_dict().items())
    assert student.model.config._attn_implementation == teacher.model.config._attn_implementation


def test_the_teacher_itself_has_nothing_to_learn(material: Material, teacher: Checkpoint, tmp_path: Path) -> None:
    twin = teacher.with_layers([0, 1])
    losses = Losses(logits=1.0, logits_mse=1.0, hidden=1.0, attention=1.0, relations=1.0)
    lesson = distil._Lesson(losses, twin.model, teacher.model)
    found = outputs.open_outputs(material, lesson.teacher_states, silent)
    batch = distil.collate([material.encoded[index] for index in (0, 4)], 0)
    batch |= {distil.ROWS: batch["input_ids"]} | found.read(np.array([0, 4]), batch["input_ids"].shape[1])
    with torch.no_grad():
        assert float(distil._Pupil(twin.model, lesson)(batch, found)) == pytest.approx(0, abs=0.02)
        other = distil._Pupil(student_of(teacher).model, distil._Lesson(losses, twin.model, teacher.model))
        assert float(other(batch, found)) > 0.5


def test_word_embeddings_learn_where_they_shall(material: Material, teacher: Checkpoint, tmp_path: Path) -> None:
    student = student_of(teacher)
    learn(student, material, tmp_path, Losses(logits=1.0), train_embeddings=True)
    assert not torch.equal(student.model.get_input_embeddings().weight, teacher.model.get_input_embeddings().weight)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_word_pieces_that_do_not_occur_need_no_optimiser(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_type: str
) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    texts = {"de": [sentence.words for sentence in tiny.corpus()[:2]]}
    learnt_from = gather(unlabelled(texts), 100, teacher=teacher, world=World(tmp_path / "outputs"))  # type: ignore[arg-type]
    told = {"losses": Losses(logits=1.0), "settings": dataclasses.replace(SETTINGS, weight_decay=0.0)}

    def taught(folder: str) -> Checkpoint:
        student = student_of(teacher)
        where = {"folder": tmp_path / folder, "report": silent}
        return distil.distil(student, material=learnt_from, train_embeddings=True, **told, **where)  # type: ignore[arg-type]

    quick, rows, asked = taught("few"), distil._rows, []

    def all_rows(*arguments: Any, few: bool) -> Any:
        asked.append(few)
        return rows(*arguments, few=False)

    monkeypatch.setattr(distil, "_rows", all_rows)
    slow = taught("all").model.state_dict()
    assert asked == [True]
    assert all(torch.allclose(slow[name], value, atol=1e-4) for name, value in quick.model.state_dict().items())
    before, after = (made.model.get_input_embeddings().weight for made in (teacher, quick))
    occurring = np.unique(np.concatenate([pieces for pieces, _ in learnt_from.encoded]))
    others = np.setdiff1d(np.arange(len(before)), occurring)
    assert len(others) > 20
    assert torch.equal(before[others], after[others])
    assert not torch.equal(before[occurring], after[occurring])


def test_a_narrower_student_learns_hidden_states_through_a_projection(
    material: Material, teacher: Checkpoint, tmp_path: Path
) -> None:
    student = shrink.shrunk(material, layers=1, width=16)
    learn(student, material, tmp_path, Losses(hidden=1.0, relations=1.0))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert np.isfinite(log[-1]["loss"])
    assert not any("projection" in name for name in student.model.state_dict())


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_cut_changes_nothing(material: Material, teacher: Checkpoint, tmp_path: Path, step: int) -> None:
    whole = learn(student_of(teacher), material, tmp_path / "whole", EVERY)

    def cutting(done: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(student_of(teacher), material, tmp_path / "cut", EVERY, after=cutting)
    resumed = learn(student_of(teacher), material, tmp_path / "cut", EVERY)
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())


@pytest.mark.parametrize(
    ("widths", "heads"), [((768, 384), 48), ((384, 384), 24), ((384, 256), 16), ((384, 128), 16), ((8, 8), 1)]
)
def test_relation_heads(widths: tuple[int, int], heads: int) -> None:
    assert relation_heads(*widths) == heads


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_narrower_students_begin_near_their_teacher(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, model_type: str
) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    material = material_of(teacher, tmp_path)
    narrow = shrink.shrunk(material, layers=2, width=24)
    assert (narrow.config.num_hidden_layers, narrow.config.hidden_size, narrow.config.num_attention_heads) == (2, 24, 3)
    assert narrow.parameters < teacher.parameters
    assert narrow.labels == list(TAGS)
    narrow.model.save_pretrained(tmp_path / "saved")
    pieces = torch.from_numpy(material.encoded[0][0])[None]
    with torch.inference_mode():
        ours, theirs = narrow.model(pieces).logits, teacher.model(pieces).logits
        again = type(narrow.model).from_pretrained(tmp_path / "saved")(pieces).logits
        torch.manual_seed(1)
        random = type(narrow.model)(narrow.config).eval()(pieces).logits
    assert torch.equal(again, ours)
    # Random weights use all directions alike and all heads, so much is lost with any of them.
    assert likeness(ours, theirs) > likeness(random, theirs) + 0.3


def likeness(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0))


def test_as_wide_as_the_teacher_is_a_copy_of_its_layers(material: Material, teacher: Checkpoint) -> None:
    copied = shrink.shrunk(material, layers=1, width=32).model.state_dict()
    assert all(torch.equal(value, teacher.model.state_dict()[name]) for name, value in copied.items())


@pytest.mark.parametrize(
    ("keep", "kept"), [(1, [0]), (2, [0, 6]), (4, [0, 3, 6, 9]), (5, [0, 2, 4, 7, 9]), (11, range(11))]
)
def test_layers_are_evenly_spaced(keep: int, kept: Any) -> None:
    assert shrink.evenly(keep, 12) == list(kept)


def test_a_layer_norm_is_fitted_exactly_where_it_can_be() -> None:
    norm = torch.nn.LayerNorm(6)
    given = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    weight, bias = torch.arange(1.0, 7), torch.arange(6.0)
    wanted = torch.nn.functional.layer_norm(given, (6,), weight, bias, norm.eps)
    found = shrink._fitted(norm, given, wanted)
    assert torch.allclose(found["weight"], weight, atol=1e-3)
    assert torch.allclose(found["bias"], bias, atol=1e-3)
