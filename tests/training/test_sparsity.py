"""Zeros: when, which, how many, and that they stay."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification

from mma_core.training.loop import Settings, fit
from mma_core.training.sparsity import MagnitudePruning, matrices, share_of_zeros, zero_smallest

STEPS, FINAL = 20, 0.9


@given(steps=st.integers(1, 5000), final=st.floats(0.5, 0.98))
def test_the_share_rises_from_none_to_all_and_stays(steps: int, final: float) -> None:
    shares = [share_of_zeros(step, steps, final) for step in range(steps + 1)]
    assert shares == sorted(shares)
    assert all(share == final for share in shares[round(0.6 * steps) :])
    assert all(share == 0 for share in shares[: round(0.1 * steps) + 1])


@pytest.mark.parametrize(
    ("step", "share"),
    [(99, 0), (100, 0), (150, 0.8 * (1 - 0.9**3)), (159, 0.8 * (1 - 0.9**3)), (350, 0.8 * 0.875), (600, 0.8)],
)
def test_the_share_is_the_formulas(step: int, share: float) -> None:
    assert share_of_zeros(step, 1000, 0.8) == pytest.approx(share)


@given(
    st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=40).flatmap(
        lambda values: st.tuples(st.just(values), st.integers(0, len(values)))
    )
)
def test_exactly_so_many_of_the_smallest_become_zero(drawn: tuple[list[float], int]) -> None:
    values, count = drawn
    weights = torch.tensor(values)
    zero_smallest(weights, count)
    order = sorted(range(len(values)), key=lambda place: (abs(values[place]), place))
    expected = [0.0 if place in order[:count] else value for place, value in enumerate(values)]
    assert weights.tolist() == expected


def small(model_type: str = "bert") -> Any:
    torch.manual_seed(5)
    return AutoModelForTokenClassification.from_config(tiny._config(model_type, 50))


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_only_matrices_of_layers_become_zeros_and_the_table_if_asked(model_type: str) -> None:
    model = small(model_type)
    chosen = {id(parameter) for parameter in matrices(model, embeddings=False)}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in chosen}
    assert len(names) == 2 * 6
    assert all(".layer." in name and "norm" not in name.lower() and name.endswith("weight") for name in names)
    table = model.get_input_embeddings().weight
    assert id(table) not in chosen
    assert matrices(model, embeddings=True)[-1] is table
    assert len(matrices(model, embeddings=True)) == 13


def trained(folder: Path, until: int = 0, *, table: bool = True) -> Any:
    """A run of the loop, from the start or taken up, with the word embeddings frozen."""
    model = small()
    model.get_input_embeddings().weight.requires_grad_(requires_grad=False)
    settings = Settings(steps=STEPS, batch_size=2, learning_rate=1e-2, save_every=7, weight_decay=0.1)
    ids = torch.randint(5, 50, (8, 6), generator=torch.Generator().manual_seed(1))

    def prepare(step: int, indices: np.ndarray) -> dict[str, torch.Tensor]:
        return {"input_ids": ids[indices], "labels": ids[indices] % 7}

    fit(
        model,
        batches=[np.array([step % 8, (3 * step) % 8]) for step in range(until or STEPS)],
        prepare=prepare,
        loss=lambda model, batch: model(**batch).loss,
        settings=settings,
        folder=folder,
        report=lambda fraction, desc: None,
        after=MagnitudePruning(matrices(model, embeddings=table), steps=STEPS, final=FINAL),
    )
    return model


@pytest.mark.parametrize("table", [True, False])
def test_every_matrix_ends_with_the_exact_share(tmp_path: Path, table: bool) -> None:
    model = trained(tmp_path, table=table)
    for matrix in matrices(model, embeddings=table):
        assert int((matrix == 0).sum()) == round(FINAL * matrix.numel())
    assert (model.get_input_embeddings().weight == 0).float().mean() > 0.5 or not table
    assert all(
        bool((parameter != 0).any())
        for name, parameter in model.named_parameters()
        if "classifier" in name or "LayerNorm" in name
    )


@pytest.mark.parametrize("until", [1, 5, 9, 16])
def test_a_run_taken_up_ends_where_an_unbroken_one_does(tmp_path: Path, until: int) -> None:
    unbroken = trained(tmp_path / "whole").state_dict()
    trained(tmp_path / "broken", until)
    again = trained(tmp_path / "broken").state_dict()
    assert all(torch.equal(tensor, unbroken[name]) for name, tensor in again.items())


def test_a_weight_that_became_zero_stays_so(tmp_path: Path) -> None:
    early, late = trained(tmp_path, 8), trained(tmp_path)
    for before, after in zip(matrices(early, embeddings=True), matrices(late, embeddings=True), strict=True):
        assert 0 < int((before == 0).sum()) < before.numel()
        assert bool((after[before == 0] == 0).all())
