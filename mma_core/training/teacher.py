"""Fine-tune the built-in encoder for NER: the teacher `multi`."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForTokenClassification

from ..data import TAGS, Corpus, Sentence, corpora, may_train
from ..pieces import NO_PIECE, first_pieces, join
from . import encoder
from .loop import Report, Settings, device, fit, plan_batches

IGNORE = -100
MAX_PIECES = 96
SAMPLING_EXPONENT = 0.5


def encode(tokenizer: Tokenizer, sentences: Sequence[Sentence]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each sentence's piece ids and piece tags (`IGNORE` where a piece is no word's first).

    What is beyond `MAX_PIECES` is left out of training. Where two words share a first piece (scripts without
    spaces), the earlier word's tag stands.
    """
    joined = [join(sentence.words) for sentence in sentences]
    encodings = tokenizer.encode_batch([text for text, _ in joined])
    encoded = []
    for sentence, (text, borders), encoding in zip(sentences, joined, encodings, strict=True):
        real = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
        offsets = np.array(encoding.offsets, dtype=np.int64)[real]
        first = first_pieces(text, borders, offsets)
        tags = np.array([TAGS.index(tag) for tag in sentence.tags])
        target = np.full(len(encoding.ids), IGNORE, dtype=np.int64)
        known = first != NO_PIECE
        target[real[first[known][::-1]]] = tags[known][::-1]
        encoded.append((np.array(encoding.ids[:MAX_PIECES], dtype=np.int64), target[:MAX_PIECES]))
    return encoded


def collate(encoded: Sequence[tuple[np.ndarray, np.ndarray]], pad: int, where: torch.device) -> dict[str, torch.Tensor]:
    """Pad one batch: `input_ids`, `attention_mask`, `labels`, each of shape (batch, longest)."""
    longest = max(len(pieces) for pieces, _ in encoded)
    ids = np.full((len(encoded), longest), pad, dtype=np.int64)
    labels = np.full((len(encoded), longest), IGNORE, dtype=np.int64)
    for row, (pieces, tags) in enumerate(encoded):
        ids[row, : len(pieces)], labels[row, : len(tags)] = pieces, tags
    arrays = {"input_ids": ids, "attention_mask": (ids != pad).astype(np.int64), "labels": labels}
    return {name: torch.from_numpy(array).to(where, non_blocking=True) for name, array in arrays.items()}


def initial_model(packed: encoder.PackedEncoder) -> BertForTokenClassification:
    """The encoder with a new NER head; its word embeddings are frozen."""
    config = encoder.config()
    # No sentence is seen twice in a short run, and drawing masks costs a fifth of a CPU step.
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.id2label = dict(enumerate(TAGS))
    config.label2id = {tag: index for index, tag in enumerate(TAGS)}
    config.num_labels = len(TAGS)
    model = BertForTokenClassification(config)
    model.bert.load_state_dict(encoder.state_dict(packed), strict=True)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model


def training_corpora(data: Path) -> list[Corpus]:
    """The training files whose licences let shipped weights be trained on them."""
    return [corpus for corpus in corpora(data, "train") if may_train(corpus)]


def train(*, data: Path, work: Path, settings: Settings, report: Report) -> Path:
    """Fine-tune on all labelled data that shipped weights may use; resumable.

    Args:
        data: the data folder.
        work: checkpoints and log; the same folder and settings resume a run.
        settings: hyper-parameters.
        report: progress.

    Returns:
        The stock checkpoint folder that was written.

    Raises:
        DataError: the folder holds no training files.
        ArtifactError: the encoder's package is missing or another one.
    """
    torch.manual_seed(settings.seed)
    packed = encoder.read(encoder.package_file())
    tokenizer = encoder.tokenizer(packed.pieces)
    report(0.0, "reading the training files")
    chosen = training_corpora(data)
    parts = [corpus.sentences for corpus in chosen]
    groups = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    sentences = [sentence for part in parts for sentence in part]
    characters = np.array([sum(map(len, sentence.words)) for sentence in sentences])
    where = device()
    model = initial_model(packed).to(where)
    pad = model.config.pad_token_id

    def loss(trained: torch.nn.Module, batch: np.ndarray) -> torch.Tensor:
        encoded = encode(tokenizer, [sentences[index] for index in batch])
        return trained(**collate(encoded, pad, where)).loss

    batches = plan_batches(characters, groups, exponent=SAMPLING_EXPONENT, settings=settings)
    fit(model, batches=batches, loss=loss, settings=settings, folder=work, report=report)
    return write_checkpoint(model.cpu(), tokenizer, work / "checkpoint")


def write_checkpoint(model: BertForTokenClassification, tokenizer: Tokenizer, folder: Path) -> Path:
    """Write a stock `BertForTokenClassification` folder."""
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(encoder.tokenizer_config(), indent=1))
    return folder
