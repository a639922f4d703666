"""Structured pruning: the parts that matter least are taken out in rounds, and what is left is healed."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from .. import surgery
from ..checkpoint import Checkpoint
from ..errors import RecipeError
from ..recipe import Step, World
from . import budgets, students
from .importance import Importance, importance, most_important
from .loop import Batch, Settings, plan_batches
from .material import Material, with_labels
from .ner import collate

# TextPruner (Yang et al. 2022) finds several rounds, each with an importance of its own, better than one.
ROUNDS = 4
BATCHES = 8
RATE = 3e-4


@dataclass(frozen=True)
class Unit:
    """What is taken out.

    Attributes:
        name: in the plural.
        count: configuration → how many a layer has.
        scores: which of the scores are theirs.
        keep: takes out of a model, in place, all but those that are named by layer.
    """

    name: str
    count: Callable[[Any], int]
    scores: Callable[[Importance], Tensor]
    keep: Callable[[PreTrainedModel, Sequence[Sequence[int]]], None]


HEADS = Unit("attention heads", lambda config: config.num_attention_heads, lambda of: of.heads, surgery.keep_heads)
COLUMNS = Unit("feed-forward columns", surgery.columns, lambda of: of.columns, surgery.keep_columns)


def thinned(step: Step, share: float, unit: Unit, *, model: Checkpoint, world: World) -> Checkpoint:
    """A healed copy of a checkpoint without the least important units of each layer.

    Every layer loses as many, which `surgery` says why. Healing is learning the teacher's tags, in the languages that a
    student with a vocabulary of its own is for, else in all. Where there are no labels, the tags that the teacher gives
    the text stand for them.

    Args:
        step: who asks, for its budget and its name.
        share: of each layer's units, how much is taken out.
        unit: heads or columns.
        model: what is thinned; it stays as it is.
        world: sentences, budget, places.

    Raises:
        RecipeError: the model has no such units, or the share is less than one or all of them; or there are no
            sentences.
    """
    if not surgery.has_layers(model.config):
        raise RecipeError(f"step {step}: a {model.config.model_type} model has no {unit.name}")
    whole = unit.count(model.config)
    left = whole - round(share * whole)
    if left in {0, whole}:
        raise RecipeError(f"step {step}: takes out {whole - left} of {whole} {unit.name} a layer; choose another share")
    world.report(0.0, "reading the sentences")
    teacher, languages = students.teacher_of(model, world), students.languages_of(model, world)
    material = students.material(step, teacher, world, languages, labels=True)
    thin = replace(model, model=copy.deepcopy(model.model))
    rounds = _batches(with_labels(material), world.seed)
    for number, batches in enumerate(rounds, start=1):
        world.report(0.0, f"weighing {unit.name}, round {number} of {ROUNDS}")
        count = whole - round((whole - left) * number / ROUNDS)
        unit.keep(thin.model, most_important(unit.scores(importance(thin.model, batches)), count))
    thin.model.cpu()
    return students.taught(step, thin, material, world, [students.healing(RATE)])


def _batches(material: Material, seed: int) -> list[list[Batch]]:
    """For each round the sentences by which it weighs."""
    settings = Settings(steps=ROUNDS * BATCHES, batch_size=budgets.BATCH, seed=seed)
    planned = plan_batches(material.lengths, material.groups, exponent=1.0, settings=settings)
    pad = int(material.teacher.config.pad_token_id or 0)
    batches = [collate([material.encoded[index] for index in batch.tolist()], pad) for batch in planned]
    return [batches[start : start + BATCHES] for start in range(0, len(batches), BATCHES)]
