"""BISTILLATION: half the layers, two languages; general distillation, then sparse fine-tuning on the task.

Source: Ansell et al. 2023 and the authors' published code. That code's last state copies no layer and drops the
singular values of the embeddings; here all is copied, as the paper says.

What is our choice: there is one teacher, tuned on the task, in both phases, and no sparse tuning of it to a language
comes first, since none is published for any teacher of ours (theirs is the untuned model plus the language's own sparse
tuning in phase 1); so batches mix the languages. Inputs are not masked. A piece's logits count wherever a text has one,
not at words' first pieces alone. No checkpoint is chosen by scores on labelled sentences.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ..checkpoint import Checkpoint
from .distil import Losses, distil, portion
from .loop import Report, Settings
from .lottery import Masks, tune
from .material import Material

BATCH = 32
GENERAL_RATE, TASK_RATE = 1e-4, 5e-5
SHARE = 0.08
TEMPERATURE = 2.0


@dataclass(frozen=True)
class Budget:
    """How much a student learns: sentences and steps of both phases, those of the second in full and then sparse."""

    texts: int
    labelled: int
    general: int
    full: int
    sparse: int


BUDGETS = {
    "quick": Budget(texts=8_000, labelled=4_000, general=250, full=70, sparse=200),
    "standard": Budget(texts=14_000, labelled=12_000, general=2_000, full=450, sparse=1_500),
    "full": Budget(texts=200_000, labelled=50_000, general=50_000, full=3_000, sparse=10_000),
}


def half(depth: int) -> list[int]:
    """Every second of a teacher's layers, the upper of each pair: 1, 3, 5, ….

    A teacher with an odd number of them gives its last to none.
    """
    return list(range(1, depth, 2))


def general(student: Checkpoint, material: Material, *, steps: int, folder: Path, report: Report) -> None:
    """Phase 1, in place: hidden states and attention of the teacher, without labels.

    L = mean over layers of MSE(attention probabilities) + mean over layers and embeddings of MSE(hidden states), each
    layer with the one that it was copied from; no dropout.
    """
    losses = Losses(hidden=1.0, attention=1.0, layers=_layers(material.teacher))
    settings = Settings(steps=steps, batch_size=BATCH, learning_rate=GENERAL_RATE)
    with _without_dropout(student.model):
        distil(student, material=material, losses=losses, settings=settings, folder=folder, report=report)


def task(student: Checkpoint, material: Material, *, budget: Budget, folder: Path, report: Report) -> Masks:
    """Phase 2, in place: sparse fine-tuning by the teacher's answers to sentences of the source language.

    L = MSE(attention) + MSE(hidden states) + cross-entropy with the teacher's tags at T = 2, not multiplied by T² (so
    the KL that is, has a weight of 1 / T²); gold labels play no part.

    Returns:
        Which weights of the encoder were tuned.
    """
    losses = Losses(
        logits=1 / TEMPERATURE**2,
        temperature=TEMPERATURE,
        hidden=1.0,
        attention=1.0,
        layers=_layers(material.teacher),
    )
    whole = budget.full + budget.sparse
    parts = {"full": (budget.full, 0.0, budget.full / whole), "sparse": (budget.sparse, budget.full / whole, 1.0)}

    def train(name: str) -> None:
        steps, begin, end = parts[name]
        distil(
            student,
            material=material,
            losses=losses,
            settings=Settings(
                steps=steps, batch_size=BATCH, learning_rate=TASK_RATE, head_factor=1.0, weight_decay=0.0
            ),
            folder=folder / name,
            report=portion(report, begin, end),
        )

    return tune(student.model, train, share=SHARE)


def _layers(teacher: Checkpoint) -> Sequence[int]:
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
