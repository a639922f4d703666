"""XtremeDistil: a recurrent student from its teacher's word embeddings, taught in three stages.

Source: Mukherjee & Awadallah 2020, sections 4 and 5, algorithm 1; the learning rate and dropout are the paper's, its
cosine schedule with restarts is the loop's linear decay here, and stages end after a number of steps instead of at
convergence.

1. Representation: the projection learns a middle layer's states of the teacher, end to end, without labels. The paper
   writes a KL divergence, and its code applies one to the raw vectors, which are no distributions: what is negative is
   clipped away. Here it is the mean square difference, as in the authors' later code for Transformers. (A GELU gives
   nothing below -0.17, so what is negative in the teacher is matched no further than that in either form.)
2. Logits: half the squared distance to the teacher's logits, without labels.
3. Labels: cross-entropy.

The last two begin with the head alone and thaw the projection, the LSTM and the embeddings one after another.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..checkpoint import Checkpoint, max_pieces, plain_config
from ..xtreme import XtremeConfig, XtremeForTokenClassification
from .distil import Losses, distil, portion
from .loop import Report, Settings
from .material import Material
from .ner import IGNORE

BATCH, RATE = 128, 1e-3
# The share of a stage's steps after which a part learns, from the head down: the head alone has little to learn.
THAWS = (0.0, 0.1, 0.2, 0.5)
_SPECIALS = ("pad_token_id", "bos_token_id", "eos_token_id")


@dataclass(frozen=True)
class Budget:
    """How much a student learns: sentences that the teacher reads, and steps of the three stages."""

    sentences: int
    steps: tuple[int, int, int]


BUDGETS = {
    "quick": Budget(16_000, (400, 400, 200)),
    "standard": Budget(100_000, (2_500, 2_500, 1_000)),
    "full": Budget(700_000, (30_000, 30_000, 10_000)),
}


def start(teacher: Checkpoint, *, width: int, states: int, seed: int) -> Checkpoint:
    """A student whose embeddings are the teacher's, narrowed, and whose other weights are random.

    Args:
        teacher: of any architecture.
        width: E of the embeddings, at most the teacher's.
        states: H of the LSTM, by direction.
        seed: of the random weights.
    """
    table = teacher.model.get_input_embeddings().weight.detach()
    config = XtremeConfig(
        vocab_size=len(table),
        embedding_size=width,
        lstm_size=states,
        hidden_size=int(teacher.config.hidden_size),
        max_position_embeddings=max_pieces(plain_config(teacher)),
        id2label=dict(teacher.config.id2label),
        label2id=dict(teacher.config.label2id),
        architectures=[XtremeForTokenClassification.__name__],
        **{name: getattr(teacher.config, name, None) for name in _SPECIALS},
    )
    torch.manual_seed(seed)
    model = XtremeForTokenClassification(config)
    model.word_embeddings.weight.data.copy_(narrowed(table, width))
    return replace(teacher, model=model.eval())


def narrowed(table: torch.Tensor, width: int) -> torch.Tensor:
    """The truncated singular value decomposition of a table: U S of T ≈ U S Vᵀ (the paper's section 4, table 7).

    It is reckoned as T V, with V from the small matrix TᵀT. Each direction's sign is that of its largest entry, so that
    every machine finds the same.

    Args:
        table: shape (rows, columns).
        width: how many of the largest singular values are kept.

    Returns:
        Rows whose inner products are the nearest to the table's that so narrow ones can have, shape (rows, width).
    """
    exact = table.double()
    _, directions = torch.linalg.eigh(exact.T @ exact)
    kept = directions.flip(1)[:, :width]
    largest = kept.gather(0, kept.abs().argmax(dim=0, keepdim=True))
    return (exact @ (kept * largest.sign())).to(table.dtype)


def taught(student: Checkpoint, material: Material, *, budget: Budget, folder: Path, report: Report) -> Checkpoint:
    """Take a student through the three stages, in place.

    Args:
        student: as `start` makes it.
        material: sentences, of which some have labels, and the teacher.
        budget: steps.
        folder: checkpoints and logs of the stages.
        report: progress.
    """
    middle = max(int(material.teacher.config.num_hidden_layers) // 2, 1)
    stages = (
        ("representation", material, Losses(hidden=1.0, layers=(middle,)), False),
        ("logits", material, Losses(logits_mse=1.0), True),
        ("labels", labelled(material), Losses(task=1.0), True),
    )
    done = 0
    for steps, (name, sentences, losses, gradual) in zip(budget.steps, stages, strict=True):
        ends = done / sum(budget.steps), (done + steps) / sum(budget.steps)
        settings = Settings(steps=steps, batch_size=BATCH, learning_rate=RATE, head_factor=1.0, weight_decay=0.0)
        distil(
            student,
            material=sentences,
            losses=losses,
            settings=settings,
            folder=folder / name,
            report=portion(report, *ends),
            after=thawing(student.model, steps) if gradual else None,
            train_embeddings=True,
        )
        done += steps
    return student


def thawing(model: XtremeForTokenClassification, steps: int) -> Callable[[int], None]:
    """What sets, when so many of `steps` steps are done, which of a model's parts learn: from the head down."""

    def thaw(done: int) -> None:
        for part, share in zip(model.parts(), THAWS, strict=True):
            part.requires_grad_(done >= share * steps)

    return thaw


def labelled(material: Material) -> Material:
    """The sentences of a material that have a known tag."""
    known = [index for index, (_, tags) in enumerate(material.encoded) if (tags != IGNORE).any()]
    return replace(
        material,
        encoded=[material.encoded[index] for index in known],
        groups=material.groups[np.array(known, dtype=np.int64)],
    )
