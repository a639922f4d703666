"""Losses against sums done by hand, and against the laws that hold of all of them."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mma_core.training import losses

BATCH, LENGTH, TAGS, WIDTH, HEADS = 3, 5, 4, 12, 3


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def attention(seed: int, mask: Tensor) -> Tensor:
    return losses.attention_of(random(BATCH, LENGTH, WIDTH, seed=seed), random(BATCH, LENGTH, WIDTH, seed=9), mask, 3)


# Each as a function of a seed for the student, one for the teacher, and the mask.
LOSSES: dict[str, Callable[[int, int, Tensor], Tensor]] = {
    "logits_kl": lambda ours, theirs, mask: losses.logits_kl(
        random(BATCH, LENGTH, TAGS, seed=ours), random(BATCH, LENGTH, TAGS, seed=theirs), mask, 2.0
    ),
    "logits_mse": lambda ours, theirs, mask: losses.logits_mse(
        random(BATCH, LENGTH, TAGS, seed=ours), random(BATCH, LENGTH, TAGS, seed=theirs), mask
    ),
    "hidden_mse": lambda ours, theirs, mask: losses.hidden_mse(
        random(BATCH, LENGTH, WIDTH, seed=ours), random(BATCH, LENGTH, WIDTH, seed=theirs), mask
    ),
    "attention_mse": lambda ours, theirs, mask: losses.attention_mse(
        attention(ours, mask), attention(theirs, mask), mask
    ),
    "relations_kl": lambda ours, theirs, mask: losses.relations_kl(
        random(3, BATCH, LENGTH, WIDTH, seed=ours), random(3, BATCH, LENGTH, WIDTH, seed=theirs), mask, HEADS
    ),
}
masks = st.lists(st.integers(1, LENGTH), min_size=BATCH, max_size=BATCH).map(
    lambda lengths: (torch.arange(LENGTH)[None] < torch.tensor(lengths)[:, None]).long()
)


@pytest.mark.parametrize("name", LOSSES)
@given(masks, st.integers(0, 50), st.integers(100, 150))
def test_nothing_where_student_and_teacher_agree_and_more_elsewhere(
    name: str, mask: Tensor, ours: int, theirs: int
) -> None:
    assert LOSSES[name](ours, ours, mask) == pytest.approx(0, abs=1e-6)
    different = LOSSES[name](ours, theirs, mask)
    # Of one piece alone the relation and the attention are 1, whatever its vectors are.
    assert different > 0 or (mask.sum(dim=1) == 1).all()


@pytest.mark.parametrize("name", LOSSES)
def test_padding_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = torch.ones(BATCH, LENGTH)
    exact = LOSSES[name](1, 2, mask)
    real = random

    def padded(*shape: int, seed: int) -> Tensor:
        inner = real(*shape, seed=seed)
        junk = torch.full((*shape[:-2], 4, shape[-1]), 7.0 + seed)
        return torch.cat([inner, junk], dim=-2)

    monkeypatch.setitem(globals(), "random", padded)
    longer = torch.cat([mask, torch.zeros(BATCH, 4)], dim=1)
    assert LOSSES[name](1, 2, longer) == pytest.approx(float(exact), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_no_piece_costs_nothing(name: str) -> None:
    assert LOSSES[name](1, 2, torch.zeros(BATCH, LENGTH)) == 0


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[[0.0, math.log(3)], [5.0, 1.0], [0.0, 0.0]]])
    labels = torch.tensor([[1, -100, 0]])
    mask = labels != -100
    assert losses.cross_entropy(logits, labels, mask) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert losses.cross_entropy(logits, torch.full((1, 3), -100), torch.zeros(1, 3)) == 0


def test_kl_by_hand() -> None:
    teacher, student = torch.tensor([[[math.log(9), 0.0]]]), torch.tensor([[[0.0, 0.0]]])
    mask = torch.ones(1, 1)
    plain = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert losses.logits_kl(student, teacher, mask, 1.0) == pytest.approx(plain)
    softened = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert losses.logits_kl(student, teacher, mask, 2.0) == pytest.approx(4 * softened)


def test_squares_by_hand() -> None:
    ours, theirs, mask = torch.tensor([[[1.0, 2.0], [9.0, 9.0]]]), torch.zeros(1, 2, 2), torch.tensor([[1, 0]])
    assert losses.logits_mse(ours, theirs, mask) == pytest.approx(2.5)
    assert losses.hidden_mse(ours, theirs, mask) == pytest.approx(2.5)
    shares = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]]]])
    uniform = torch.full((1, 1, 2, 2), 0.5)
    assert losses.attention_mse(shares, uniform, torch.ones(1, 2)) == pytest.approx(0.125)


def test_relations_by_hand() -> None:
    # One head of size 1: scores are products, and the second piece relates to both alike.
    teacher, student = torch.tensor([[[math.sqrt(math.log(3))], [0.0]]]), torch.zeros(1, 2, 1)
    one = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    mask = torch.ones(1, 2)
    assert losses.relations_kl([student] * 3, [teacher] * 3, mask, 1) == pytest.approx(3 * one / 2)
    assert losses.relations_kl([student], [teacher], torch.tensor([[1, 0]]), 1) == pytest.approx(0)


def test_attention_is_the_models_own() -> None:
    mask = torch.tensor([[1, 1, 1, 0]])
    queries, keys = random(1, 4, 6, seed=1), random(1, 4, 6, seed=2)
    values = torch.eye(4).expand(1, 2, 4, 4)
    expected = torch.nn.functional.scaled_dot_product_attention(
        losses.heads_of(queries, 2), losses.heads_of(keys, 2), values, attn_mask=mask.bool()[:, None, None]
    )
    assert torch.allclose(losses.attention_of(queries, keys, mask, 2), expected, atol=1e-6)


def test_relations_do_not_care_for_widths() -> None:
    ours, theirs = random(3, BATCH, LENGTH, 6, seed=1), random(3, BATCH, LENGTH, WIDTH, seed=2)
    assert losses.relations_kl(ours, theirs, torch.ones(BATCH, LENGTH), HEADS) > 0
    # Turning a head's vectors about leaves what relates to what.
    turn = torch.linalg.qr(random(4, 4, seed=3)).Q
    turned = (theirs.unflatten(-1, (HEADS, 4)) @ turn).flatten(-2)
    assert losses.relations_kl(turned, theirs, torch.ones(BATCH, LENGTH), HEADS) == pytest.approx(0, abs=1e-5)
