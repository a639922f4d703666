"""BISTILLATION's two phases: half the layers, then exactly 8% of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from students import material_of, world_at

from mma_core import checkpoint
from mma_core.checkpoint import Checkpoint
from mma_core.training import bilingual, lottery
from mma_core.training.budgets import Budget
from mma_core.training.material import Material

BUDGET = Budget(8, (10, 8, 8))


@pytest.fixture(params=["bert", "distilbert"])
def teacher(tiny_teacher: Callable[[str], Path], request: pytest.FixtureRequest) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher(request.param)))


@pytest.fixture
def material(teacher: Checkpoint, tmp_path: Path) -> Material:
    return material_of(teacher, tmp_path / "outputs")


def student_of(teacher: Checkpoint) -> Checkpoint:
    return teacher.with_layers(bilingual.half(2))


def weights(made: Checkpoint) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in made.model.named_parameters()}


@given(st.integers(2, 48))
def test_the_upper_layer_of_each_pair_is_kept(depth: int) -> None:
    assert bilingual.half(depth) == [2 * j + 1 for j in range(depth // 2)]


def test_every_weight_of_a_student_is_its_teachers(teacher: Checkpoint) -> None:
    theirs = teacher.model.state_dict()
    for name, value in student_of(teacher).model.state_dict().items():
        assert torch.equal(value, theirs[name.replace(".layer.0.", ".layer.1.")]), name


def test_phase_1_compares_each_layer_with_the_one_it_came_from(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    student = student_of(material.teacher)
    for part in student.model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.3

    def look(pupil: Checkpoint, **told: Any) -> None:
        dropouts = {part.p for part in pupil.model.modules() if isinstance(part, torch.nn.Dropout)}
        calls.append({**told, "dropouts": dropouts})

    monkeypatch.setattr(bilingual, "distil", look)
    bilingual.general(student, material, budget=BUDGET, world=world_at(tmp_path))
    (call,) = calls
    assert call["dropouts"] == {0.0}
    assert {part.p for part in student.model.modules() if isinstance(part, torch.nn.Dropout)} == {0.3}
    losses = call["losses"]
    assert losses.layers == (0, 2)
    assert (losses.hidden, losses.attention, losses.task, losses.logits) == (1.0, 1.0, 0.0, 0.0)


def test_phase_1_brings_a_student_nearer(material: Material, tmp_path: Path) -> None:
    student = student_of(material.teacher)
    before = distance(student, material)
    bilingual.general(student, material, budget=Budget(8, (120, 0, 0)), world=world_at(tmp_path / "work"))
    assert distance(student, material) < 0.95 * before


def distance(student: Checkpoint, material: Material) -> float:
    total = 0.0
    for pieces, _ in material.encoded:
        ids = torch.from_numpy(pieces)[None]
        with torch.inference_mode():
            ours, theirs = (m.model(ids, output_hidden_states=True) for m in (student, material.teacher))
        total += float((ours.hidden_states[1] - theirs.hidden_states[2]).square().mean())
    return total


def test_after_phase_2_exactly_the_chosen_weights_differ(material: Material, tmp_path: Path) -> None:
    student = student_of(material.teacher)
    bilingual.general(student, material, budget=BUDGET, world=world_at(tmp_path / "work"))
    before = weights(student)
    masks = bilingual.task(student, material, budget=BUDGET, world=world_at(tmp_path / "work"))
    assert set(masks) == set(lottery.encoder_weights(student.model))
    for name, value in weights(student).items():
        moved = value != before[name]
        if name in masks:
            assert torch.equal(moved, masks[name]), name
        else:
            assert bool(moved.any()) == name.startswith("classifier"), name
    tuned = sum(int(mask.sum()) for mask in masks.values())
    assert tuned == round(0.08 * sum(mask.numel() for mask in masks.values()))


def test_gold_labels_play_no_part(material: Material, tmp_path: Path) -> None:
    other = replace(material, encoded=[(pieces, (tags + 1) % 5) for pieces, tags in material.encoded])
    found = []
    for number, sentences in enumerate((material, other)):
        student = student_of(material.teacher)
        bilingual.task(student, sentences, budget=BUDGET, world=world_at(tmp_path / str(number)))
        found.append(weights(student))
    assert all(torch.equal(found[0][name], value) for name, value in found[1].items())


class Cut(Exception):
    """The machine is gone."""


def test_a_run_that_was_cut_off_ends_where_an_unbroken_one_does(material: Material, tmp_path: Path) -> None:
    whole = student_of(material.teacher)
    masks = bilingual.task(whole, material, budget=BUDGET, world=world_at(tmp_path / "whole"))

    def cut(fraction: float, desc: str) -> None:
        if fraction > 0.9:
            raise Cut

    with pytest.raises(Cut):
        bilingual.task(student_of(material.teacher), material, budget=BUDGET, world=world_at(tmp_path / "cut", cut))
    again = student_of(material.teacher)
    found = bilingual.task(again, material, budget=BUDGET, world=world_at(tmp_path / "cut"))
    assert all(torch.equal(masks[name], mask) for name, mask in found.items())
    assert all(torch.equal(weights(whole)[name], value) for name, value in weights(again).items())
