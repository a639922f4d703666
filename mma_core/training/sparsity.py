"""Gradual magnitude pruning: more and more of the smallest weights become zero, and stay so, as training goes on.

After Zhu & Gupta 2017, "To prune, or not to prune", section 3, the share of zeros at step t is, from no zeros on,
    s_t = s (1 - (1 - (t - t0) / (t1 - t0))³)
between the first step t0 of pruning and its last t1, and s from there on. Begin, end and frequency are our choice, as
Ogueji et al. 2022 are silent on theirs: from 10% to 60% of the steps, every 1% of them; the last 40% only heal. Every
matrix has the same share of zeros. The learning rate stays at its peak while weights go, and falls while the rest heal:
what falls from the start on has nothing left to heal with. 3e-4 is three times the teachers' own.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..checkpoint import Checkpoint
from ..errors import RecipeError
from ..recipe import Step, World
from . import budgets, students
from .distil import Losses
from .loop import After
from .material import gather, labelled, text
from .tags import tagged

BEGIN, END, EVERY = 0.1, 0.6, 0.01
RATE = 3e-4


def share_of_zeros(step: int, steps: int, final: float) -> float:
    """The share that is zero after so many steps of a run.

    Args:
        step: optimiser steps done.
        steps: of the whole run.
        final: the share that the run ends with.
    """
    begin, end, every = round(BEGIN * steps), round(END * steps), max(1, round(EVERY * steps))
    if step >= end:
        return final
    if step < begin:
        return 0.0
    reached = begin + (step - begin) // every * every
    return final * (1 - (1 - (reached - begin) / (end - begin)) ** 3)


def sparsified(step: Step, share: float, *, model: Checkpoint, world: World, embeddings: bool) -> Checkpoint:
    """A copy of a checkpoint, fine-tuned on labels while its weights become zero.

    Where there are no labels, those are the tags that the teacher gives the text.

    Args:
        step: who asks, for its budget and its name.
        share: of zeros in the end.
        model: what is pruned; it stays as it is.
        world: sentences, budget, places.
        embeddings: whether the word embeddings lose their share too.

    Raises:
        RecipeError: there are no sentences.
    """
    world.report(0.0, "reading the sentences")
    count, languages = budgets.TABLE[step.name][world.budget].sentences, students.languages_of(model, world)
    teacher = students.teacher_of(model, world)
    parts = labelled(world, languages) or tagged(text(world, count, languages), teacher)
    material = gather(parts, count, teacher=teacher, world=world)
    if not material.encoded:
        raise RecipeError(f"step {step}: no sentences to fine-tune on; pass --data or other languages")

    def pruning(trained: PreTrainedModel, steps: int) -> After:
        return MagnitudePruning(matrices(trained, embeddings=embeddings), steps=steps, final=share)

    student = replace(model, model=copy.deepcopy(model.model))
    phase = students.Phase(Losses(task=1.0), learning_rate=RATE, train_embeddings=embeddings, hold=END, change=pruning)
    return students.taught(step, student, material, world, [phase])


class MagnitudePruning:
    """What the training loop calls after each step.

    The zeros need no place of their own in the loop's checkpoints: a weight that is zero is one that was taken out, so
    a run that is taken up finds its masks in the weights. Matrices that do not learn follow from the step alone.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], *, steps: int, final: float) -> None:
        self._matrices, self._steps, self._final = list(matrices), steps, final
        self._share = -1.0
        self._masks: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, step: int) -> None:
        """Put back the zeros of the step before, and add those that the schedule wants after so many steps."""
        for matrix, mask in zip(self._matrices, self._masks, strict=False):
            matrix.mul_(mask)
        share = share_of_zeros(step, self._steps, self._final)
        if share != self._share:
            for matrix in self._matrices:
                zero_smallest(matrix, round(share * matrix.numel()))
            self._share, self._masks = share, [matrix != 0 for matrix in self._matrices]


def zero_smallest(weights: Tensor, count: int) -> None:
    """Set `count` weights of the smallest magnitude to zero, in place; of equal ones the first."""
    if not count:
        return
    flat = weights.detach().view(-1)
    sizes = flat.abs()
    border = sizes.kthvalue(count).values
    flat[sizes < border] = 0
    missing = count - int((sizes < border).sum())
    flat[(sizes == border).nonzero().flatten()[:missing]] = 0


def matrices(model: PreTrainedModel, *, embeddings: bool) -> list[nn.Parameter]:
    """The weights that may become zeros: all matrices of the encoder's layers, never normalisations, biases or head.

    Args:
        model: a token classifier.
        embeddings: the table of word embeddings too.
    """
    inside = [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and "embeddings" not in name and "classifier" not in name
    ]
    table = [model.get_input_embeddings().weight] if embeddings else []
    return [*inside, *table]
