"""Continued masked-language modelling on unlabelled text, for languages that the encoder's pretraining never saw.

Source: Devlin et al. 2019, section 3.1 (of the pieces to be guessed 80% are hidden behind the mask, 10% replaced, 10%
left); that going on with it on the languages of a task helps NER: Alabi et al. 2022, section 4. Here the output matrix
of the head is that of the word embeddings, which stay as they are unless the stage trains them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertForTokenClassification

from ..data import Corpus, Sentence, read_text, text_path
from ..errors import DataError
from ..languages import LANGUAGES
from ..progress import Report
from . import encoder, ner
from .loop import Batch, fit
from .ner import IGNORE, MAX_PIECES, Labelled
from .plans import Mixture, Stage

MOST_TEXTS = 20_000
SEED = 13
SHARE, HIDDEN, REPLACED = 0.15, 0.8, 0.1
SPECIALS = 4


def unlabelled(data: Path, mixture: Mixture, tokenizer: Tokenizer) -> Labelled:
    """Read at most `MOST_TEXTS` texts of each of the mixture's languages, of all that there are by default.

    Raises:
        DataError: the folder holds no text of them.
    """
    codes = [code for code in mixture.languages or LANGUAGES if text_path(data, code).is_file()]
    if not codes:
        raise DataError(f"{data} holds no text/<language>.txt.xz of {', '.join(mixture.languages) or 'any language'}")
    files = [Corpus("text", code, "train", text_path(data, code)) for code in codes]
    return ner.gathered(files, [_sentences(data, code) for code in codes], tokenizer)


def _sentences(data: Path, code: str) -> list[Sentence]:
    return [Sentence((text,), ("O",)) for text in read_text(data, code, MOST_TEXTS, SEED)]


def train(
    stage: Stage, *, start: Path | None, tokenizer: Tokenizer, labels: Labelled, folder: Path, report: Report
) -> BertForTokenClassification:
    """Run one stage, as `ner.train` does; the tagger's own head does not learn."""
    torch.manual_seed(stage.settings.seed)
    model = _MaskedLM(ner.initial_model(stage, start))
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


class _MaskedLM(nn.Module):
    """A tagger's encoder under the head of a masked-language model."""

    def __init__(self, tagger: BertForTokenClassification) -> None:
        super().__init__()
        self.tagger = tagger
        width, pieces = tagger.config.hidden_size, tagger.config.vocab_size
        # The loop knows by this name what begins untrained.
        self.classifier = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.classifier_bias = nn.Parameter(torch.zeros(pieces))
        for parameter in tagger.classifier.parameters():
            parameter.requires_grad_(False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy over the pieces to be guessed; only they meet the output matrix."""
        hidden = self.tagger.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        wanted = labels != IGNORE
        vectors = self.classifier(hidden[wanted])
        logits = vectors @ self.tagger.bert.embeddings.word_embeddings.weight.T + self.classifier_bias
        return nn.functional.cross_entropy(logits, labels[wanted])


class _Preparation:
    """Draws and hides the pieces of a step's texts, by chance that depends on seed and step alone."""

    def __init__(self, labels: Labelled, stage: Stage, tokenizer: Tokenizer, pad: int) -> None:
        self._labels, self._tokenizer, self._pad, self._seed = labels, tokenizer, pad, stage.settings.seed
        self._mask, self._pieces = int(tokenizer.token_to_id(encoder.MASK) or 0), tokenizer.get_vocab_size()

    def batch(self, step: int, indices: np.ndarray) -> Batch:
        """The tensors of a step."""
        rng = np.random.default_rng([self._seed, step])
        texts = [self._labels.sentences[index].words[0] for index in indices.tolist()]
        encodings = self._tokenizer.encode_batch_fast(texts)
        return ner.collate(self._hidden([encoding.ids[:MAX_PIECES] for encoding in encodings], rng), self._pad)

    def _hidden(self, texts: Sequence[Sequence[int]], rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._hide(np.array(pieces, dtype=np.int64), rng) for pieces in texts]

    def _hide(self, pieces: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        inner = np.arange(1, max(len(pieces) - 1, 2))
        wanted = inner[rng.random(len(inner)) < SHARE]
        if not len(wanted):
            wanted = rng.choice(inner, 1)  # a batch in which nothing is to be guessed has no loss
        target = np.full(len(pieces), IGNORE, dtype=np.int64)
        target[wanted] = pieces[wanted]
        fate = rng.random(len(wanted))
        changed = pieces.copy()
        changed[wanted[fate < HIDDEN]] = self._mask
        replaced = wanted[(fate >= HIDDEN) & (fate < HIDDEN + REPLACED)]
        changed[replaced] = rng.integers(SPECIALS, self._pieces, len(replaced))
        return changed, target
