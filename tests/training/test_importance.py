"""Importance against its definition, and of parts that matter not at all."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification

from mma_core import surgery
from mma_core.training import importance as module
from mma_core.training.importance import importance, most_important

HEADS, SIZE = 4, 8
IDS = torch.tensor([[2, 9, 11, 13, 5, 3], [2, 7, 8, 3, 0, 0], [2, 5, 6, 12, 3, 0]])
BATCH = {
    "input_ids": IDS,
    "attention_mask": (IDS != 0).long(),
    "labels": torch.where(IDS <= 3, -100, IDS % 7),
}


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half precision."""
    machine = SimpleNamespace(device=torch.device("cpu"), autocast=nullcontext)
    monkeypatch.setattr(module, "accelerator", lambda: machine)


def small(model_type: str = "bert") -> Any:
    torch.manual_seed(5)
    return AutoModelForTokenClassification.from_config(tiny._config(model_type, 50)).eval()


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_a_useless_part_is_least_important(model_type: str) -> None:
    model = small(model_type)
    low, high = surgery.parts(model)
    low.mixed.weight.data[:, 2 * SIZE : 3 * SIZE] = 0  # nobody reads this head
    high.value.weight.data[:SIZE], high.value.bias.data[:SIZE] = 0, 0  # this one says nothing
    low.outer.weight.data[:, 17] = 0
    high.inner.weight.data[40], high.inner.bias.data[40] = 0, 0
    found = importance(model, [BATCH])
    assert found.heads.shape == (2, HEADS)
    assert found.columns.shape == (2, 64)
    assert found.heads.argmin(1).tolist() == [2, 0]
    assert found.columns.argmin(1).tolist() == [17, 40]
    assert found.heads.min(1).values.tolist() == pytest.approx([0, 0], abs=1e-9)


def test_importance_is_the_gradient_of_a_mask_sentence_by_sentence() -> None:
    model = small()
    expected = torch.zeros(2, HEADS)
    for row in range(len(IDS)):
        sentence = {name: tensor[row : row + 1] for name, tensor in BATCH.items()}
        gates = torch.ones(2, HEADS, requires_grad=True)
        hooks = [
            part.mixed.register_forward_pre_hook(lambda _, given, gate=gate: (given[0] * gate.repeat_interleave(SIZE),))
            for part, gate in zip(surgery.parts(model), gates, strict=True)
        ]
        model(**sentence).loss.backward()
        expected += gates.grad.abs() / len(IDS)  # type: ignore[union-attr]
        for hook in hooks:
            hook.remove()
    torch.testing.assert_close(importance(model, [BATCH]).heads, expected, atol=1e-6, rtol=1e-4)


def test_batches_make_no_difference() -> None:
    parts = [{name: tensor[row : row + 1] for name, tensor in BATCH.items()} for row in range(len(IDS))]
    whole, apart = importance(small(), [BATCH]), importance(small(), parts)
    torch.testing.assert_close(whole.heads, apart.heads, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(whole.columns, apart.columns, atol=1e-6, rtol=1e-4)


@given(
    st.integers(1, 6).flatmap(
        lambda parts: st.tuples(st.lists(st.permutations(range(parts)), min_size=1, max_size=3), st.integers(1, parts))
    )
)
def test_the_most_important_are_kept_in_order(drawn: tuple[list[list[int]], int]) -> None:
    rows, count = drawn
    kept = most_important(torch.tensor(rows, dtype=torch.float32), count)
    for row, places in zip(rows, kept, strict=True):
        assert places == [place for place, score in enumerate(row) if score >= len(row) - count]
