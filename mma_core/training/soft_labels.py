"""Self-training on unlabelled text: a tagger learns what earlier stages, taken together, say of text without labels.

Source: Wu et al. 2020, "Single-/multi-source cross-lingual NER via teacher-student learning on unlabeled data in the
target language", section 3. Our choices: cross-entropy with the mean of the teachers' probabilities instead of the
squared error; on first pieces alone, as gold labels are; the student may see hidden pieces, its teachers see all.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertForTokenClassification

from ..data import Sentence
from ..progress import Report
from ..spans import words
from . import encoder, ner
from .loop import Batch, attention, fit
from .ner import IGNORE, Labelled
from .plans import Stage


def train(  # noqa: PLR0913  (a stage as the others, and who teaches it)
    stage: Stage,
    *,
    start: Path | None,
    teachers: Sequence[Path],
    tokenizer: Tokenizer,
    labels: Labelled,
    folder: Path,
    report: Report,
) -> BertForTokenClassification:
    """Run one stage, as `ner.train` does; its labels come from the checkpoint folders `teachers`."""
    torch.manual_seed(stage.settings.seed)
    model = _Taught(ner.initial_model(stage, start), teachers)
    draw = _Preparation(labels, stage, tokenizer, pad=model.tagger.config.pad_token_id)
    fit(
        model,
        batches=ner.plan(labels, stage),
        prepare=draw.batch,
        loss=lambda trained, batch: trained(**batch),
        settings=stage.settings,
        folder=folder,
        report=report,
    )
    return model.tagger


class _Taught(nn.Module):
    """A tagger beside the teachers whose probabilities it learns."""

    def __init__(self, tagger: BertForTokenClassification, teachers: Sequence[Path]) -> None:
        super().__init__()
        self.tagger = tagger
        self.teachers = nn.ModuleList(BertForTokenClassification.from_pretrained(path) for path in teachers)
        for teacher in self.teachers:
            teacher.set_attn_implementation(attention())
            teacher.requires_grad_(False)

    def train(self, mode: bool = True) -> "_Taught":
        """Set the tagger's mode; teachers never train."""
        super().train(mode)
        self.teachers.eval()
        return self

    def forward(
        self, input_ids: torch.Tensor, plain_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        """The mean cross-entropy on first pieces.

        Args:
            input_ids: with hidden pieces, shape (batch, length), int64.
            plain_ids: as the teachers see them, of the same shape.
            attention_mask: 1 for pieces, 0 for padding, of the same shape.
            labels: `IGNORE` where there is nothing to be learnt, of the same shape.
        """
        wanted = labels != IGNORE
        with torch.no_grad():
            answers = [teacher(plain_ids, attention_mask=attention_mask).logits[wanted] for teacher in self.teachers]
            target = torch.stack([answer.float().softmax(dim=-1) for answer in answers]).mean(dim=0)
        logits = self.tagger(input_ids, attention_mask=attention_mask).logits[wanted]
        return nn.functional.cross_entropy(logits.float(), target)


class _Preparation:
    """Draws and encodes the texts of a step, by chance that depends on seed and step alone."""

    def __init__(self, labels: Labelled, stage: Stage, tokenizer: Tokenizer, pad: int) -> None:
        self._labels, self._tokenizer, self._pad, self._stage = labels, tokenizer, pad, stage
        self._mask = int(tokenizer.token_to_id(encoder.MASK) or 0)

    def batch(self, step: int, indices: np.ndarray) -> Batch:
        """The tensors of a step."""
        rng = np.random.default_rng([self._stage.settings.seed, step])
        batch = ner.collate(ner.encode(self._tokenizer, [self._split(index) for index in indices.tolist()]), self._pad)
        drop = self._stage.mixture.drop
        hidden = torch.from_numpy(rng.random(batch["labels"].shape) < drop) & batch["attention_mask"].bool()
        return {
            **batch,
            "plain_ids": batch["input_ids"],
            "input_ids": batch["input_ids"].masked_fill(hidden, self._mask),
        }

    def _split(self, index: int) -> Sentence:
        code = self._labels.files[self._labels.groups[index]].language
        found = tuple(word.text for word in words(self._labels.sentences[index].words[0], code))
        return Sentence(found, ("O",) * len(found))
