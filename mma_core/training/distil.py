"""The one distillation, of every student: a mixture of losses over the training loop."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..checkpoint import Checkpoint
from ..progress import Report, portion
from ..surgery import Parts, parts
from . import losses as terms
from .loop import Batch, Settings, accelerator, attention, fit, plan_batches
from .material import Material
from .ner import IGNORE, collate
from .outputs import LOGITS, Outputs, Silence, open_outputs, states

# The share of the progress that the teacher's part of the work takes.
TEACHER_PART = 0.3
# The name in a batch of the rows of the student's word embeddings, (batch, length).
ROWS = "rows"


@dataclass(frozen=True)
class Losses:
    """Weights of the terms; 0 leaves a term out. All are means over pieces, so weights compare.

    Attributes:
        task: cross-entropy with the labels, at words' first pieces that have one.
        logits: KL to the teacher's softened tags, times T².
        logits_mse: half the squared distance to the teacher's logits.
        hidden: squared difference of hidden states, through a learned projection where widths differ.
        attention: squared difference of attention probabilities; teacher and student have as many heads.
        relations: MiniLMv2's relations of the student's last layer to those of a layer of the teacher.
        temperature: of `logits`.
        layers: numbers of the teacher's hidden states (0: the embeddings') that the student's last ones are to match,
            one by one; empty for even spacing from the embeddings on: j → j n / m of m and n layers.
        relation_layer: number of the teacher's layer, from 1, whose relations are learnt; 0 for the last.
    """

    task: float = 0.0
    logits: float = 0.0
    logits_mse: float = 0.0
    hidden: float = 0.0
    attention: float = 0.0
    relations: float = 0.0
    temperature: float = 2.0
    layers: tuple[int, ...] = ()
    relation_layer: int = 0


# Measured with 4 of 12 layers: 91% to 95% of the teacher's F1 after seven minutes on two cores.
HEALING = Losses(task=0.5, logits=1.0)


def distil(  # noqa: PLR0913  (who learns what from whom, how, where it is kept, and who follows it)
    student: Checkpoint,
    *,
    material: Material,
    losses: Losses,
    settings: Settings,
    folder: Path,
    report: Report,
    after: Callable[[int], None] | None = None,
    train_embeddings: bool = False,
) -> Checkpoint:
    """Train a student in place by its teacher's outputs; a run that was cut off goes on from its last checkpoint.

    Args:
        student: of the material's vocabulary and tags; who makes it keeps no other use for its model.
        material: sentences and teacher.
        losses: what is learnt.
        settings: the loop's.
        folder: the loop's checkpoints and log.
        report: progress.
        after: as the loop's; changes the student's model as training goes.
        train_embeddings: whether the word embeddings learn too.

    Returns:
        The student, in eval mode on the CPU.
    """
    lesson = _Lesson(losses, student.model, material.teacher.model)
    begun = TEACHER_PART if lesson.asks else 0.0
    outputs = open_outputs(material, lesson.teacher_states, portion(report, 0, begun)) if lesson.asks else Silence()
    pad = int(material.teacher.config.pad_token_id or 0)

    torch.manual_seed(settings.seed)
    pupil = _Pupil(student.model, lesson)
    student.model.get_input_embeddings().weight.requires_grad_(train_embeddings)
    # Weights that have no gradient stay as they are unless they decay.
    few = train_embeddings and not settings.weight_decay
    with _quick_attention(student.model), _rows(student.model, material, pad, few=few) as rows:

        def prepare(step: int, indices: np.ndarray) -> Batch:
            batch = collate([material.encoded[index] for index in indices.tolist()], pad)
            read = outputs.read(indices, batch["input_ids"].shape[1])
            return batch | read | {ROWS: torch.from_numpy(rows[batch["input_ids"].numpy()])}

        fit(
            pupil,
            batches=plan_batches(material.lengths, material.groups, exponent=1.0, settings=settings),
            prepare=prepare,
            loss=lambda model, batch: model(batch, outputs),
            settings=settings,
            folder=folder,
            report=portion(report, begun, 1),
            after=after,
        )
    student.model.cpu().requires_grad_(requires_grad=True)
    return student


def relation_heads(teacher: int, student: int) -> int:
    """The number of relation heads for widths of queries: the most that divide both, and leave the teacher's 16 wide.

    MiniLMv2 and TiME have 48 for a width of 768 and 64 for 1024, so 16 wide each.
    """
    return max(count for count in range(1, max(teacher // 16, 1) + 1) if teacher % count == student % count == 0)


@contextmanager
def _quick_attention(model: PreTrainedModel) -> Iterator[None]:
    """Within the block, the model's attention is the one that trains fastest; a model without any has no choice."""
    if not hasattr(model.config, "num_attention_heads"):
        yield
        return
    before = model.config._attn_implementation
    model.set_attn_implementation(attention())
    yield
    model.set_attn_implementation(before)


@contextmanager
def _rows(model: PreTrainedModel, material: Material, pad: int, *, few: bool) -> Iterator[np.ndarray]:
    """Within the block, with `few`, the model has the word embeddings of a material's pieces alone.

    An optimiser's step takes in every row, and most pieces of a large vocabulary do not occur in the material.

    Yields:
        The row of each piece that occurs, shape (vocabulary,).
    """
    full = model.get_input_embeddings()
    size = full.num_embeddings
    if not few:
        yield np.arange(size)
        return
    # Padding keeps its number, from which some models count their positions.
    kept = np.unique(np.concatenate([np.arange(pad + 1), *(pieces for pieces, _ in material.encoded)]))
    small = nn.Embedding(len(kept), full.embedding_dim, padding_idx=full.padding_idx)
    small.weight = nn.Parameter(full.weight.detach()[kept].clone())
    numbers = np.zeros(size, dtype=np.int64)
    numbers[kept] = np.arange(len(kept))
    model.set_input_embeddings(small)
    try:
        yield numbers
    finally:
        full.weight.data[kept] = small.weight.detach().cpu()
        model.set_input_embeddings(full)


class _Lesson:
    """Which of the teacher's states the losses need, and its projections of them."""

    def __init__(self, losses: Losses, student: PreTrainedModel, teacher: PreTrainedModel) -> None:
        taught, depth = teacher.config.num_hidden_layers, student.config.num_hidden_layers
        self.losses = losses
        self.layers = losses.layers or tuple(j * taught // depth for j in range(depth + 1))
        self.relation_layer = losses.relation_layer or taught
        self.width = int(teacher.config.hidden_size)
        self.heads = int(teacher.config.num_attention_heads) if losses.attention else 0
        below = [layer - 1 for layer in self.layers if layer] if losses.attention else []
        below += [self.relation_layer - 1] if losses.relations else []
        self.teacher_states = sorted({*below, *(self.layers if losses.hidden else ())})
        device, taken = accelerator().device, parts(teacher) if below else []
        self.asks = bool(self.teacher_states) or losses.logits > 0 or losses.logits_mse > 0
        self._projections = {state: _projections(taken[state], device) for state in below}

    @torch.no_grad()
    def projected(self, state: int, batch: Batch) -> list[Tensor]:
        """The teacher's queries, keys and values of a layer whose input is its hidden state number `state`."""
        vectors = batch[states(state)].float()
        return [linear(vectors) for linear in self._projections[state]]


def _projections(part: Parts, device: torch.device) -> list[nn.Module]:
    return [copy.deepcopy(linear).to(device) for linear in (part.query, part.key, part.value)]


class _Pupil(nn.Module):
    """A student, and what it needs beside itself to be compared with its teacher; gives the loss of a batch."""

    def __init__(self, student: PreTrainedModel, lesson: _Lesson) -> None:
        super().__init__()
        self.student, self._lesson = student, lesson
        self._parts = parts(student) if lesson.losses.attention or lesson.losses.relations else []
        width = int(student.config.hidden_size)
        if lesson.losses.hidden and width != lesson.width:
            self.projection: nn.Module = nn.Linear(width, lesson.width, bias=False)
            nn.init.orthogonal_(self.projection.weight)
        else:
            self.projection = nn.Identity()

    def forward(self, batch: Batch, outputs: Outputs) -> Tensor:
        """The weighted sum of the terms, a scalar."""
        lesson = self._lesson
        told = batch | outputs.answer(batch)
        found = self.student(
            input_ids=batch[ROWS],
            attention_mask=batch["attention_mask"],
            output_hidden_states=bool(lesson.teacher_states),
        )
        kinds = {
            "task": self._task,
            "logits": self._logits,
            "logits_mse": self._logits_mse,
            "hidden": self._hidden,
            "attention": self._attention,
            "relations": self._relations,
        }
        weights = {kind: getattr(lesson.losses, kind) for kind in kinds}
        return torch.stack([weights[kind] * kinds[kind](found, told) for kind in kinds if weights[kind]]).sum()

    def _task(self, found: Any, told: Batch) -> Tensor:
        return terms.cross_entropy(found.logits, told["labels"], told["labels"] != IGNORE)

    def _logits(self, found: Any, told: Batch) -> Tensor:
        temperature = self._lesson.losses.temperature
        return terms.logits_kl(found.logits, told[LOGITS], told["attention_mask"], temperature)

    def _logits_mse(self, found: Any, told: Batch) -> Tensor:
        return terms.logits_mse(found.logits, told[LOGITS], told["attention_mask"])

    def _pairs(self, found: Any) -> list[tuple[int, int]]:
        """Numbers of the student's hidden states and of the teacher's that belong together."""
        first = len(found.hidden_states) - len(self._lesson.layers)
        return [(first + place, layer) for place, layer in enumerate(self._lesson.layers)]

    def _hidden(self, found: Any, told: Batch) -> Tensor:
        each = [
            terms.hidden_mse(self.projection(found.hidden_states[ours]), told[states(theirs)], told["attention_mask"])
            for ours, theirs in self._pairs(found)
        ]
        return torch.stack(each).mean()

    def _attention(self, found: Any, told: Batch) -> Tensor:
        mask, each = told["attention_mask"], []
        for ours, theirs in self._pairs(found):
            if ours and theirs:
                queries, keys, _ = self._projected(ours - 1, found)
                student = terms.attention_of(queries, keys, mask, int(self.student.config.num_attention_heads))
                queries, keys, _ = self._lesson.projected(theirs - 1, told)
                teacher = terms.attention_of(queries, keys, mask, self._lesson.heads)
                each.append(terms.attention_mse(student, teacher, mask))
        return torch.stack(each).mean()

    def _relations(self, found: Any, told: Batch) -> Tensor:
        student = self._projected(len(self._parts) - 1, found)
        teacher = self._lesson.projected(self._lesson.relation_layer - 1, told)
        heads = relation_heads(teacher[0].shape[-1], student[0].shape[-1])
        return terms.relations_kl(student, teacher, told["attention_mask"], heads)

    def _projected(self, layer: int, found: Any) -> list[Tensor]:
        part, vectors = self._parts[layer], found.hidden_states[layer]
        return [linear(vectors) for linear in (part.query, part.key, part.value)]
