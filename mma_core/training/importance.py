"""How much each attention head and each feed-forward column matters to a tagger.

A part's importance is how much the loss would change, to first order, if the part were taken out: for the output x of
a head or column the mean over sentences of |Σ ∂L/∂x · x|, summed over the sentence's pieces and the part's width
(Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 4.1, where the sum is the gradient of a mask
on the head; TextPruner, Yang et al. 2022, does so for columns too). They then divide by the norm over the layer; where
every layer keeps as many parts as every other, that changes nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .. import surgery
from ..shapes import head_size
from .loop import Batch, accelerator
from .ner import IGNORE


@dataclass(frozen=True)
class Importance:
    """Scores of at least zero.

    Attributes:
        heads: of attention heads, shape (layers, heads).
        columns: of feed-forward columns, shape (layers, columns).
    """

    heads: Tensor
    columns: Tensor


def importance(model: PreTrainedModel, batches: Iterable[Batch]) -> Importance:
    """Go forward and backward through a model once a batch, without dropout.

    Args:
        model: any encoder that `surgery` knows; it is moved to where training runs.
        batches: at least one of `input_ids`, `attention_mask` and `labels`, each of shape (batch, length).
    """
    machine = accelerator()
    model = model.to(machine.device).eval()
    size = head_size(model.config)
    heads = columns = torch.zeros((), device=machine.device)
    sentences = 0
    with _entering(model) as seen:
        for batch in batches:
            seen.clear()
            with machine.autocast():
                loss = _loss(model, {name: tensor.to(machine.device) for name, tensor in batch.items()})
            gradients = torch.autograd.grad(loss, seen)
            # One tensor (batch, width) a matrix: heads' and columns' by turns.
            changes = [(x.float() * slope.float()).sum(1) for x, slope in zip(seen, gradients, strict=True)]
            heads = heads + torch.stack(changes[0::2]).unflatten(-1, (-1, size)).sum(-1).abs().sum(1)
            columns = columns + torch.stack(changes[1::2]).abs().sum(1)
            sentences += len(batch["labels"])
    return Importance((heads / sentences).cpu().detach(), (columns / sentences).cpu().detach())


@contextmanager
def _entering(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    """Within the block, what enters the matrices after heads and after columns, from the lowest layer, as it comes."""
    seen: list[Tensor] = []
    linears = [linear for part in surgery.parts(model) for linear in (part.mixed, part.outer)]
    hooks = [linear.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for linear in linears]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Each sentence's mean cross-entropy, summed, so that each sentence's gradient is its own."""
    labels = batch["labels"]
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float()
    losses = torch.nn.functional.cross_entropy(logits.mT, labels, ignore_index=IGNORE, reduction="none")
    return (losses.sum(1) / (labels != IGNORE).sum(1).clamp(min=1)).sum()


def most_important(scores: Tensor, count: int) -> list[list[int]]:
    """The numbers of each layer's `count` highest scores, in order; scores have shape (layers, parts)."""
    return scores.topk(count, dim=1).indices.sort(dim=1).values.tolist()
