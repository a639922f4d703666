"""XtremeDistil: a recurrent student from its teacher's word embeddings, taught in three stages.

Source: Mukherjee & Awadallah 2020, sections 4 and 5, algorithm 1; the learning rate and dropout are the paper's, its
cosine schedule with restarts is the loop's linear decay here, over a whole stage, so what thaws last learns at half the
rate; and stages end after a number of steps instead of at convergence, with the last weights. The third stage goes on
with the second's head, where their code begins it anew; inputs have up to 96 pieces, not 32.

1. Representation: the projection learns a middle layer's states of the teacher, end to end, without labels. The paper
   writes a KL divergence, and its code applies one to the raw vectors, which are no distributions: what is negative is
   clipped away. Here it is the mean square difference, as in the authors' later code for Transformers. (A GELU gives
   nothing below -0.17, so what is negative in the teacher is matched no further than that in either form.)
2. Logits: half the squared distance to the teacher's logits, without labels.
3. Labels: cross-entropy; where there are none, with the teacher's own tags.

The last two begin with the head alone and thaw the projection, the LSTM and the embeddings one after another.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ..checkpoint import Checkpoint, max_pieces, plain_config
from ..progress import portion
from ..recipe import World
from ..xtreme import XtremeConfig, XtremeForTokenClassification
from .budgets import Budget
from .distil import Losses, distil
from .loop import Settings
from .material import Material, with_labels

RATE = 1e-3
# The share of a stage's steps after which a part learns, from the head down: the head alone has little to learn.
THAWS = (0.0, 0.1, 0.2, 0.5)
_SPECIALS = ("pad_token_id", "bos_token_id", "eos_token_id")


def start(teacher: Checkpoint, *, width: int, states: int, seed: int) -> Checkpoint:
    """A student whose embeddings are the teacher's, narrowed, and whose other weights are random.

    Args:
        teacher: of any architecture.
        width: E of the embeddings, at most the teacher's.
        states: H of the LSTM, by direction.
        seed: of the random weights.
    """
    table = teacher.model.get_input_embeddings().weight.detach()
    specials: dict[str, Any] = {name: getattr(teacher.config, name, None) for name in _SPECIALS}
    config = XtremeConfig(
        vocab_size=len(table),
        embedding_size=width,
        lstm_size=states,
        hidden_size=int(teacher.config.hidden_size),
        max_position_embeddings=max_pieces(plain_config(teacher)),
        id2label=dict(teacher.config.id2label),
        label2id=dict(teacher.config.label2id),
        architectures=[XtremeForTokenClassification.__name__],
        **specials,
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


def taught(student: Checkpoint, material: Material, *, budget: Budget, world: World) -> Checkpoint:
    """Take a student through the three stages, in place, and return it.

    Args:
        student: as `start` makes it.
        material: sentences, of which some have labels, and the teacher.
        budget: steps of the stages.
        world: where they work, their seed and progress.
    """
    middle = max(int(material.teacher.config.num_hidden_layers) // 2, 1)
    stages = (
        ("representation", material, Losses(hidden=1.0, layers=(middle,))),
        ("logits", material, Losses(logits_mse=1.0)),
        ("labels", with_labels(material), Losses(task=1.0)),
    )
    done = 0
    for steps, (name, sentences, losses) in zip(budget.steps, stages, strict=True):
        begin, done = done, done + steps
        distil(
            student,
            material=sentences,
            losses=losses,
            settings=_settings(steps, budget, world.seed),
            folder=world.work / name,
            report=portion(world.report, begin / sum(budget.steps), done / sum(budget.steps)),
            after=None if losses.hidden else thawing(student.model, steps),
            train_embeddings=True,
        )
    return student


def _settings(steps: int, budget: Budget, seed: int) -> Settings:
    return Settings(
        steps=steps, batch_size=budget.batch, learning_rate=RATE, head_factor=1.0, weight_decay=0.0, seed=seed
    )


def thawing(model: XtremeForTokenClassification, steps: int) -> Callable[[int], None]:
    """What sets, when so many of `steps` steps are done, which of a model's parts learn: from the head down."""

    def thaw(done: int) -> None:
        for part, share in zip(model.parts(), THAWS, strict=True):
            part.requires_grad_(done >= share * steps)

    return thaw
