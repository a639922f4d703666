"""XtremeDistil's student: embeddings by singular values, three stages, thawing from the head down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from builds import quiet
from hypothesis import given
from hypothesis import strategies as st
from students import material_of, world_at

from mma_core import checkpoint
from mma_core.training import recurrent
from mma_core.training.budgets import Budget
from mma_core.training.material import Material, with_labels
from mma_core.training.ner import IGNORE
from mma_core.xtreme import XtremeForTokenClassification

BUDGET = Budget(8, (20, 40, 20), batch=16)
SHAPE: dict[str, Any] = {"width": 8, "states": 12, "seed": 5}


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> checkpoint.Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


@pytest.fixture
def material(teacher: checkpoint.Checkpoint, tmp_path: Path) -> Material:
    return material_of(teacher, tmp_path / "outputs")


def learnt(student: checkpoint.Checkpoint) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in student.model.state_dict().items()}


@given(st.integers(2, 9), st.integers(10, 20), st.integers(0, 1000))
def test_narrow_rows_keep_what_the_largest_singular_values_hold(columns: int, rows: int, seed: int) -> None:
    table = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    values = torch.linalg.svdvals(table.double())
    for width in range(1, columns + 1):
        narrow = recurrent.narrowed(table, width).double()
        assert narrow.shape == (rows, width)
        # Eckart and Young: no rank-E table is nearer, and this is how near it is.
        assert torch.isclose(
            table.double().square().sum() - narrow.square().sum(), values[width:].square().sum(), atol=1e-3
        )
        lost = table.double() @ table.double().T - narrow @ narrow.T
        assert torch.isclose(lost.square().sum(), (values[width:] ** 4).sum(), atol=1e-2)


@given(st.integers(0, 1000))
def test_the_singular_values_are_kept(seed: int) -> None:
    table = torch.randn(12, 5, generator=torch.Generator().manual_seed(seed))
    lengths = recurrent.narrowed(table, 3).norm(dim=0)
    assert torch.allclose(lengths, torch.linalg.svdvals(table)[:3], atol=1e-3)


def test_signs_are_the_same_everywhere() -> None:
    table = torch.randn(12, 5, generator=torch.Generator().manual_seed(2))
    turned = torch.flip(table, dims=(0,))  # the same directions, found from other sums
    assert torch.allclose(recurrent.narrowed(table, 5), torch.flip(recurrent.narrowed(turned, 5), dims=(0,)), atol=1e-4)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_a_student_begins_with_its_teachers_words(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    student = recurrent.start(teacher, **SHAPE)
    assert isinstance(student.model, XtremeForTokenClassification)
    assert not student.model.training
    assert student.labels == teacher.labels
    ours, theirs = (checkpoint.plain_config(made) for made in (student, teacher))
    assert checkpoint.max_pieces(ours) == checkpoint.max_pieces(theirs)
    assert {name: ours[name] for name in ("vocab_size", "pad_token_id")} == {
        name: theirs[name] for name in ("vocab_size", "pad_token_id")
    }
    assert ours["architectures"] == ["XtremeForTokenClassification"]
    table = teacher.model.get_input_embeddings().weight
    assert torch.equal(student.model.get_input_embeddings().weight, recurrent.narrowed(table.detach(), 8))
    again, other = recurrent.start(teacher, **SHAPE), recurrent.start(teacher, **{**SHAPE, "seed": 6})
    assert all(torch.equal(learnt(student)[name], value) for name, value in learnt(again).items())
    assert not torch.equal(other.model.projection.weight, student.model.projection.weight)


@given(st.integers(1, 500))
def test_parts_thaw_from_the_head_down_and_stay_thawed(steps: int) -> None:
    student = tiny_student()
    thaw = recurrent.thawing(student, steps)
    before = [False] * 4
    for done in sorted({0, 1, steps // 10, steps // 5, steps // 2, steps}):
        thaw(done)
        now = [all(p.requires_grad for p in part.parameters()) for part in student.parts()]
        assert now[0]
        assert now == sorted(now, reverse=True)
        assert all(later or not earlier for earlier, later in zip(before, now, strict=True))
        before = now
    assert all(before)
    thaw(0)
    assert [p.requires_grad for p in student.parts()[-1].parameters()] == [False]


def tiny_student() -> XtremeForTokenClassification:
    from mma_core.xtreme import XtremeConfig

    return XtremeForTokenClassification(XtremeConfig(vocab_size=9, embedding_size=4, lstm_size=4, hidden_size=8))


def test_labels_are_learnt_from_labelled_sentences_alone(material: Material) -> None:
    unknown = np.full_like(material.encoded[0][1], IGNORE)
    mixed = Material(
        material.teacher,
        [(material.encoded[0][0], unknown), *material.encoded[1:]],
        np.arange(len(material.encoded)),
        material.shared,
    )
    found = with_labels(mixed)
    assert found.groups.tolist() == list(range(1, len(material.encoded)))
    assert all((ours[0] == theirs[0]).all() for ours, theirs in zip(found.encoded, mixed.encoded[1:], strict=True))
    assert found.key != mixed.key


def test_three_stages_in_order(material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(recurrent, "distil", lambda student, **told: calls.append(told))
    student = recurrent.start(material.teacher, **SHAPE)
    recurrent.taught(student, material, budget=BUDGET, world=world_at(tmp_path))
    assert [call["folder"].name for call in calls] == ["representation", "logits", "labels"]
    assert [call["settings"].steps for call in calls] == list(BUDGET.steps)
    assert [call["after"] is None for call in calls] == [True, False, False]
    assert all(call["train_embeddings"] for call in calls)
    first, second, third = (call["losses"] for call in calls)
    assert (first.hidden, first.layers, first.task, first.logits_mse) == (1.0, (1,), 0.0, 0.0)
    assert (second.logits_mse, second.hidden, second.task) == (1.0, 0.0, 0.0)
    assert (third.task, third.hidden, third.logits_mse) == (1.0, 0.0, 0.0)


def distance(student: checkpoint.Checkpoint, material: Material) -> float:
    total = 0.0
    for pieces, _ in material.encoded:
        ids = torch.from_numpy(pieces)[None]
        with torch.inference_mode():
            ours, theirs = (made.model(ids).logits for made in (student, material.teacher))
        total += float((ours - theirs).square().mean())
    return total


def test_a_student_learns_its_teachers_answers(
    teacher: checkpoint.Checkpoint, material: Material, tmp_path: Path
) -> None:
    student = recurrent.start(teacher, **SHAPE)
    before, words = distance(student, material), student.model.get_input_embeddings().weight.clone()
    made = recurrent.taught(student, material, budget=Budget(8, (40, 200, 1), batch=16), world=world_at(tmp_path))
    assert made is student
    assert not made.model.training
    assert not torch.equal(made.model.get_input_embeddings().weight, words)
    assert distance(made, material) < 0.7 * before


class Cut(Exception):
    """The machine is gone."""


def test_a_run_that_was_cut_off_ends_where_an_unbroken_one_does(
    teacher: checkpoint.Checkpoint, material: Material, tmp_path: Path
) -> None:
    start = recurrent.start(teacher, **SHAPE)
    whole = recurrent.taught(start, material, budget=BUDGET, world=world_at(tmp_path / "whole"))

    def cut(fraction: float, desc: str) -> None:
        if fraction > 0.6:
            raise Cut

    for report, ends in ((cut, True), (quiet, False)):
        student = recurrent.start(teacher, **SHAPE)
        try:
            recurrent.taught(student, material, budget=BUDGET, world=world_at(tmp_path / "cut", report))
        except Cut:
            assert ends
    assert all(torch.equal(learnt(whole)[name], value) for name, value in learnt(student).items())
