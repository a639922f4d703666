"""Lottery-ticket sparse fine-tuning: only the weights that change most are tuned, the rest stay bit by bit.

Source: Ansell et al. 2022 ("Composable sparse fine-tuning for cross-lingual transfer"), section 3, as BISTILLATION's
phase 2 uses it: train all, keep the K weights with the largest change, go back to the start, train these alone. The
classifier is trained whole both times; layer norms and embeddings stay as they are.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from transformers import PreTrainedModel

Masks = dict[str, Tensor]
RUNS = ("full", "sparse")


def tune(model: PreTrainedModel, train: Callable[[str], None], *, share: float) -> Masks:
    """Fine-tune in place.

    Args:
        model: the student; its classifier is trained whole.
        train: called with each of `RUNS`: trains the parameters with `requires_grad`. It may leave
            that of all of them set, must not decay weights, and takes up a run that was cut off.
        share: of the encoder's weights that may change, from 0 to 1.

    Returns:
        By name of each matrix and bias of the encoder which of its weights were tuned.
    """
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    _freeze(model)
    train(RUNS[0])
    masks = most_changed({name: start[name] for name in encoder_weights(model)}, dict(model.named_parameters()), share)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(start[name])
    _freeze(model)
    # A weight whose gradient was always 0 has no momentum either, so the optimiser leaves it exactly as it was.
    hooks = [value.register_hook(_masked(masks[name])) for name, value in model.named_parameters() if name in masks]
    train(RUNS[1])
    for hook in hooks:
        hook.remove()
    return masks


def most_changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float) -> Masks:
    """Which weights changed most, over all tensors together.

    Args:
        before: weights by name.
        after: those of the same names, and perhaps others.
        share: of all of them to choose, rounded to a whole number of weights.

    Returns:
        True where a weight is chosen, by name, in the tensor's shape.
    """
    changes = {name: (after[name].detach() - value).abs() for name, value in before.items()}
    whole = torch.cat([change.flatten() for change in changes.values()])
    chosen = torch.zeros(len(whole), dtype=torch.bool)
    chosen[whole.topk(round(share * len(whole))).indices] = True
    parts = chosen.split([change.numel() for change in changes.values()])
    return {name: part.view(change.shape) for (name, change), part in zip(changes.items(), parts, strict=True)}


def encoder_weights(model: PreTrainedModel) -> list[str]:
    """Names of the matrices and biases of an encoder's layers, layer norms left out."""
    return [name for name, _ in model.named_parameters() if ".layer." in name and "norm" not in name.lower()]


def _freeze(model: PreTrainedModel) -> None:
    learning = set(encoder_weights(model))
    for name, value in model.named_parameters():
        value.requires_grad_(name in learning or name.startswith("classifier"))


def _masked(mask: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda gradient: gradient * mask.to(gradient.device)
