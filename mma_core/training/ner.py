"""One stage of NER training: labelled sentences, changed by chance, to tensors and through the loop."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForTokenClassification

from ..data import SILVER, TAGS, Corpus, Sentence, corpora, entities, may_train
from ..errors import DataError
from ..pieces import NO_PIECE, STARTS_UNSPACED, first_pieces, join
from ..progress import Report
from ..spans import words
from . import encoder
from .loop import Batch, attention, fit, plan_batches
from .plans import Mixture, Stage

IGNORE = -100
MAX_PIECES = 96
SAMPLE = 200
_ONSETS, _VOWELS = ("", *"bdghklmnrstwyz", "kw", "ng"), tuple("aeiou")


def encode(
    tokenizer: Tokenizer, sentences: Sequence[Sentence], *, labels: Sequence[str] = TAGS, longest: int = MAX_PIECES
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each sentence's piece ids and piece tags (`IGNORE` where a piece is no word's first).

    Where two words share a first piece (scripts without spaces), the earlier word's tag stands.

    Args:
        tokenizer: cuts words into pieces.
        sentences: words and tags.
        labels: tags in the order of their numbers; a tag that is not among them becomes `IGNORE`.
        longest: pieces beyond so many are left out.
    """
    number = {tag: index for index, tag in enumerate(labels)}
    joined = [join(sentence.words) for sentence in sentences]
    encodings = tokenizer.encode_batch([text for text, _ in joined])
    encoded = []
    for sentence, (text, borders), encoding in zip(sentences, joined, encodings, strict=True):
        real = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
        offsets = np.array(encoding.offsets, dtype=np.int64)[real]
        first = first_pieces(text, borders, offsets)
        tags = np.array([number.get(tag, IGNORE) for tag in sentence.tags])
        target = np.full(len(encoding.ids), IGNORE, dtype=np.int64)
        known = first != NO_PIECE
        target[real[first[known][::-1]]] = tags[known][::-1]
        encoded.append((np.array(encoding.ids[:longest], dtype=np.int64), target[:longest]))
    return encoded


def collate(encoded: Sequence[tuple[np.ndarray, np.ndarray]], pad: int) -> Batch:
    """Pad one batch: `input_ids`, `attention_mask`, `labels`, each of shape (batch, longest), int64."""
    longest = max(len(pieces) for pieces, _ in encoded)
    ids = np.full((len(encoded), longest), pad, dtype=np.int64)
    labels = np.full((len(encoded), longest), IGNORE, dtype=np.int64)
    for row, (pieces, tags) in enumerate(encoded):
        ids[row, : len(pieces)], labels[row, : len(tags)] = pieces, tags
    arrays = {"input_ids": ids, "attention_mask": (ids != pad).astype(np.int64), "labels": labels}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@dataclass(frozen=True)
class Labelled:
    """All sentences that a stage may draw.

    Attributes:
        files: the corpora they come from.
        sentences: file after file, in the order of their files.
        groups: number of each sentence's file, shape (sentences,).
        lengths: pieces of each sentence, estimated, shape (sentences,).
    """

    files: list[Corpus]
    sentences: list[Sentence]
    groups: np.ndarray
    lengths: np.ndarray

    @cached_property
    def mentions(self) -> dict[tuple[int, str], list[tuple[str, ...]]]:
        """The words of every entity, by number of file and type."""
        found = defaultdict(list)
        for sentence, group in zip(self.sentences, self.groups.tolist(), strict=True):
            for start, end, label in sorted(entities(sentence.tags)):
                found[group, label].append(sentence.words[start:end])
        return dict(found)


def labelled(data: Path, mixture: Mixture, tokenizer: Tokenizer) -> Labelled:
    """Read the training files whose licences let shipped weights be trained on them.

    Tokenising every sentence takes minutes, so lengths are estimated from pieces a character, file by file.

    Raises:
        DataError: the folder holds none, or none of the mixture's sources and languages.
    """
    files = [
        corpus
        for corpus in corpora(data, "train")
        if may_train(corpus)
        and (not mixture.sources or corpus.source in mixture.sources)
        and (not mixture.languages or corpus.language in mixture.languages)
    ]
    if not files:
        raise DataError(f"{data} holds no training file of {mixture.sources or 'any source'}, {mixture.languages}")
    return gathered(files, [corpus.sentences for corpus in files], tokenizer)


def gathered(files: list[Corpus], parts: Sequence[list[Sentence]], tokenizer: Tokenizer) -> Labelled:
    """The sentences of several files, file after file."""
    groups = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    lengths = np.concatenate([_lengths(part, tokenizer) for part in parts])
    return Labelled(files, [sentence for part in parts for sentence in part], groups, lengths)


def _lengths(sentences: Sequence[Sentence], tokenizer: Tokenizer) -> np.ndarray:
    texts = [" ".join(sentence.words) for sentence in sentences]
    if not texts:
        return np.zeros(0)
    sample = texts[:: max(1, len(texts) // SAMPLE)]
    pieces = sum(len(encoding.ids) for encoding in tokenizer.encode_batch_fast(sample))
    return np.array([len(text) for text in texts]) * (pieces / sum(map(len, sample)))


def plan(labels: Labelled, stage: Stage) -> list[np.ndarray]:
    """The stage's batches, as indices of sentences."""
    return plan_batches(labels.lengths, labels.groups, exponent=stage.mixture.exponent, settings=stage.settings)


def train(
    stage: Stage, *, start: Path | None, tokenizer: Tokenizer, labels: Labelled, folder: Path, report: Report
) -> BertForTokenClassification:
    """Run one stage.

    Args:
        stage: what to do.
        start: the checkpoint folder of the stage before; None begins from the built-in encoder.
        tokenizer: the encoder's.
        labels: the sentences.
        folder: the loop's state and log.
        report: progress.

    Returns:
        The model, on the device that it was trained on.
    """
    torch.manual_seed(stage.settings.seed)
    model = initial_model(stage, start)
    draw = _Preparation(labels, stage, tokenizer, pad=model.config.pad_token_id)
    fit(
        model,
        batches=plan(labels, stage),
        prepare=draw.batch,
        loss=lambda trained, batch: trained(**batch).loss,
        settings=stage.settings,
        folder=folder,
        report=report,
    )
    return model


def initial_model(stage: Stage, start: Path | None) -> BertForTokenClassification:
    """The model that a stage begins with: the encoder under a new head, or a checkpoint."""
    shape = {"hidden_dropout_prob": stage.dropout, "attention_probs_dropout_prob": stage.dropout}
    if start is not None:
        model = BertForTokenClassification.from_pretrained(start, **shape)
    else:
        config = encoder.config()
        config.update({**shape, "id2label": dict(enumerate(TAGS)), "label2id": {t: i for i, t in enumerate(TAGS)}})
        model = BertForTokenClassification(config)
        model.bert.load_state_dict(encoder.state_dict(encoder.read(encoder.package_file())), strict=True)
    model.set_attn_implementation(attention())
    model.bert.embeddings.word_embeddings.weight.requires_grad_(stage.train_embeddings)
    return model


class _Preparation:
    """Draws, changes and encodes the sentences of a step, by chance that depends on seed and step alone."""

    def __init__(self, labels: Labelled, stage: Stage, tokenizer: Tokenizer, pad: int) -> None:
        self._labels, self._mixture, self._tokenizer, self._pad = labels, stage.mixture, tokenizer, pad
        self._seed, self._mask = stage.settings.seed, int(tokenizer.token_to_id(encoder.MASK) or 0)

    def batch(self, step: int, indices: np.ndarray) -> Batch:
        """The tensors of a step."""
        rng = np.random.default_rng([self._seed, step])
        encoded = encode(self._tokenizer, [self._sentence(index, rng) for index in indices.tolist()])
        batch = collate([self._hidden(pieces, tags, rng) for pieces, tags in encoded], self._pad)
        if self._mixture.mark:
            marked = torch.from_numpy(self._marked(indices, rng))
            batch["token_type_ids"] = marked[:, None].expand_as(batch["input_ids"]).contiguous()
        return batch

    def _sentence(self, index: int, rng: np.random.Generator) -> Sentence:
        sentence, group = self._labels.sentences[index], int(self._labels.groups[index])
        if self._mixture.swap:
            sentence = swap_entities(sentence, group, self._labels.mentions, self._mixture.swap, rng)
        if self._mixture.prefix:
            sentence = prefix_entities(sentence, self._mixture.prefix, rng)
        following = index + 1
        in_file = following < len(self._labels.groups) and self._labels.groups[following] == group
        if in_file and rng.random() < self._mixture.pair:
            other = self._labels.sentences[following]
            sentence = Sentence(sentence.words + other.words, sentence.tags + other.tags)
        return cut_words(sentence) if rng.random() < self._mixture.cut else sentence

    def _hidden(self, pieces: np.ndarray, tags: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        hidden = rng.random(len(pieces)) < self._mixture.drop
        hidden[[0, -1]] = False
        return np.where(hidden, self._mask, pieces), tags

    def _marked(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        silver = np.array([self._labels.files[group].source in SILVER for group in self._labels.groups[indices]])
        return (silver & (rng.random(len(indices)) < self._mixture.mark)).astype(np.int64)


def cut_words(sentence: Sentence) -> Sentence:
    """Cut the words of scripts without spaces into characters, as `spans.words` does in raw text."""
    cut: list[str] = []
    tags: list[str] = []
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        parts = [part.text for part in words(word, "zh")] if STARTS_UNSPACED.search(word) else []
        cut += parts or [word]
        tags += [tag, *[tag.replace("B-", "I-")] * (len(parts) - 1)]
    return Sentence(tuple(cut), tuple(tags))


def prefix_entities(sentence: Sentence, probability: float, rng: np.random.Generator) -> Sentence:
    """Put one or two random open syllables before entities with a capital, each with the same probability."""
    words = list(sentence.words)
    for start, _, _ in sorted(entities(sentence.tags)):
        if rng.random() < probability and words[start][0].isupper():
            syllables = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.integers(1, 3))]
            words[start] = "".join(syllables) + words[start]
    return Sentence(tuple(words), sentence.tags)


def swap_entities(
    sentence: Sentence,
    group: int,
    mentions: dict[tuple[int, str], list[tuple[str, ...]]],
    probability: float,
    rng: np.random.Generator,
) -> Sentence:
    """Replace entities by others of their type from the same file, each with the same probability."""
    words: list[str] = []
    tags: list[str] = []
    done = 0
    for start, end, label in sorted(entities(sentence.tags)):
        if rng.random() >= probability:
            continue
        choices = mentions[group, label]
        other = choices[rng.integers(len(choices))]
        words += [*sentence.words[done:start], *other]
        tags += [*sentence.tags[done:start], f"B-{label}", *[f"I-{label}"] * (len(other) - 1)]
        done = end
    return Sentence((*words, *sentence.words[done:]), (*tags, *sentence.tags[done:]))
