"""BISTILLATION: half the layers, two languages; general distillation, then sparse fine-tuning on the task.

Source: Ansell et al. 2023 and the authors' published code. That code's last state copies no layer and drops the
singular values of the embeddings; here every layer is copied from the one that the code's layer map gives it.

What is our choice: there is one teacher, tuned on the task, in both phases, and no sparse tuning of it to a language
comes first, since none is published for any teacher of ours (theirs is the untuned model plus the language's own sparse
tuning in phase 1); so batches mix the languages. Inputs are not masked. A piece's logits count wherever a text has one,
not at words' first pieces alone. The word embeddings are frozen in both phases, and an input has at most 96 pieces. No
checkpoint is chosen by scores on labelled sentences.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ..checkpoint import Checkpoint
from ..progress import portion
from ..recipe import World
from .budgets import Budget
from .distil import Losses, distil
from .loop import Settings
from .lottery import RUNS, Masks, tune
from .material import Material

GENERAL_RATE, TASK_RATE = 1e-4, 5e-5
SHARE = 0.08
TEMPERATURE = 2.0


def half(depth: int) -> list[int]:
    """Every second of an even number of layers, the upper of each pair: 1, 3, 5, …."""
    return list(range(1, depth, 2))


def general(student: Checkpoint, material: Material, *, budget: Budget, world: World) -> None:
    """Phase 1, in place: hidden states and attention of the teacher, without labels.

    L = mean over layers of MSE(attention probabilities) + mean over layers and embeddings of MSE(hidden states), each
    layer with the one that it was copied from; no dropout.
    """
    with _without_dropout(student.model):
        distil(
            student,
            material=material,
            losses=Losses(hidden=1.0, attention=1.0, layers=_layers(material.teacher)),
            settings=Settings(
                steps=budget.steps[0], batch_size=budget.batch, learning_rate=GENERAL_RATE, seed=world.seed
            ),
            folder=world.work / "general",
            report=portion(world.report, *_ends(budget, 0)),
        )


def task(student: Checkpoint, material: Material, *, budget: Budget, world: World) -> Masks:
    """Phase 2, in place: sparse fine-tuning by the teacher's answers to sentences of the source language.

    L = MSE(attention) + MSE(hidden states) + cross-entropy with the teacher's tags at T = 2, not multiplied by T² (so
    the KL, which is, has a weight of 1 / T²); gold labels play no part.

    Returns:
        Which weights of the encoder were tuned.
    """
    layers, weight = _layers(material.teacher), 1 / TEMPERATURE**2
    losses = Losses(logits=weight, temperature=TEMPERATURE, hidden=1.0, attention=1.0, layers=layers)

    def train(run: str) -> None:
        number = 1 + RUNS.index(run)
        distil(
            student,
            material=material,
            losses=losses,
            settings=Settings(
                steps=budget.steps[number],
                batch_size=budget.batch,
                learning_rate=TASK_RATE,
                head_factor=1.0,
                weight_decay=0.0,
                seed=world.seed,
            ),
            folder=world.work / run,
            report=portion(world.report, *_ends(budget, number)),
        )

    return tune(student.model, train, share=SHARE)


def _ends(budget: Budget, number: int) -> tuple[float, float]:
    """Where a phase begins and ends in the progress of all."""
    steps = budget.steps
    return sum(steps[:number]) / sum(steps), sum(steps[: number + 1]) / sum(steps)


def _layers(teacher: Checkpoint) -> tuple[int, ...]:
    """Numbers of the teacher's hidden states that the student's match, the embeddings' first."""
    return (0, *(layer + 1 for layer in half(int(teacher.config.num_hidden_layers))))


@contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    dropouts = {part: part.p for part in model.modules() if isinstance(part, nn.Dropout)}
    for part in dropouts:
        part.p = 0.0
    try:
        yield
    finally:
        for part, probability in dropouts.items():
            part.p = probability
