"""Sparse fine-tuning: exactly the chosen weights move."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from mma_core import checkpoint
from mma_core.training import lottery

SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=4)


@given(SIZES, st.floats(0, 1), st.integers(0, 1000))
def test_the_most_changed_are_chosen_over_all_tensors(sizes: list[int], share: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    before = {f"w{index}": torch.randn(size, generator=generator) for index, size in enumerate(sizes)}
    after = {name: value + torch.randn(value.shape, generator=generator) for name, value in before.items()}
    masks = lottery.most_changed(before, {**after, "other": torch.ones(3)}, share)
    assert {name: mask.shape for name, mask in masks.items()} == {name: value.shape for name, value in before.items()}
    changes = torch.cat([(after[name] - before[name]).abs() for name in before])
    chosen = torch.cat([masks[name] for name in before])
    assert int(chosen.sum()) == round(share * len(changes))
    if 0 < int(chosen.sum()) < len(chosen):
        assert changes[chosen].min() >= changes[~chosen].max()


def test_ties_do_not_choose_too_many() -> None:
    masks = lottery.most_changed({"w": torch.zeros(10)}, {"w": torch.ones(10)}, 0.3)
    assert int(masks["w"].sum()) == 3


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_layers_without_their_norms_are_tuned(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    model = checkpoint.load(str(tiny_teacher(model_type))).model
    names = lottery.encoder_weights(model)
    assert len(names) == 2 * 6 * 2
    assert not any(part in name for part in ("embeddings", "LayerNorm", "layer_norm", "classifier") for name in names)


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_exactly_the_chosen_weights_and_the_head_move(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    model = checkpoint.load(str(tiny_teacher(model_type))).model
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    ids = torch.randint(5, 100, (4, 9), generator=torch.Generator().manual_seed(1))
    at_start: list[bool] = []

    def train(name: str) -> None:
        at_start.append(all(torch.equal(value, before[key]) for key, value in model.named_parameters()))
        learning = [value for value in model.parameters() if value.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=1e-2, weight_decay=0.0)
        for step in range(4):
            labels = torch.full_like(ids, step % 3)
            model(ids, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            optimiser.zero_grad()
        model.requires_grad_(requires_grad=True)

    masks = lottery.tune(model, train, share=0.08)
    assert at_start == [True, True], "the second run begins where the first did"
    encoder = set(lottery.encoder_weights(model))
    for name, value in model.named_parameters():
        moved = value.detach() != before[name]
        if name in encoder:
            assert torch.equal(moved, masks[name]), name
        elif name.startswith("classifier"):
            assert moved.any()
        else:
            assert not moved.any(), name
    assert sum(int(mask.sum()) for mask in masks.values()) == round(0.08 * sum(m.numel() for m in masks.values()))


def test_nothing_holds_the_gradients_afterwards(tiny_teacher: Callable[[str], Path]) -> None:
    model = checkpoint.load(str(tiny_teacher("bert"))).model
    lottery.tune(model, lambda name: None, share=0.5)
    model.requires_grad_(requires_grad=True)
    model(torch.full((1, 5), 9), labels=torch.ones(1, 5, dtype=torch.int64)).loss.backward()
    assert all(not value._backward_hooks for value in model.parameters())
