"""F1 of checkpoints on many files at once, in PyTorch, in batches, on a GPU where there is one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from .. import bootstrap
from ..data import Corpus, Sentence, draw, entities
from ..runtime import ArtifactTagger

SEED = 13


@dataclass(frozen=True)
class Scores:
    """Counts of entities in the sentences of labelled files.

    Attributes:
        counts: right, found and gold entities of each sentence, shape (sentences, 3).
        groups: number of each sentence's file, shape (sentences,).
        kinds: what each file is, such as `gold` or the name of its source.
    """

    counts: np.ndarray
    groups: np.ndarray
    kinds: tuple[str, ...]

    def of(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """The counts and groups of the sentences in files of a kind."""
        members = np.isin(self.groups, np.flatnonzero(np.array(self.kinds) == kind))
        return self.counts[members], self.groups[members]

    def macro(self, kind: str) -> float:
        """Mean strict F1 over the files of a kind, in percent; NaN if there is none."""
        counts, groups = self.of(kind)
        return float(bootstrap.macro(counts, groups, np.ones((1, len(groups))))[0])


def score(checkpoint: Path, files: Sequence[Corpus], sentences: int, kinds: Sequence[str]) -> Scores:
    """Tag labelled files with a checkpoint; what was found is kept beside it, and not looked for again.

    Args:
        checkpoint: a stock checkpoint folder, never changed once it is there.
        files: the files.
        sentences: at most so many of each, drawn by seed.
        kinds: what each file is.
    """
    kept = checkpoint.with_name(f"{checkpoint.name}-scores-{_key(files, sentences)}.npz")
    if not kept.exists():
        counts, groups = _counts(checkpoint, files, sentences)
        np.savez(kept, counts=counts, groups=groups)
    with np.load(kept) as arrays:
        return Scores(arrays["counts"], arrays["groups"], tuple(kinds))


def _key(files: Sequence[Corpus], sentences: int) -> str:
    named = [(corpus.source, corpus.language, corpus.split, corpus.path.stat().st_size) for corpus in files]
    return hashlib.sha256(json.dumps([named, sentences, SEED]).encode()).hexdigest()[:12]


def _counts(checkpoint: Path, files: Sequence[Corpus], sentences: int) -> tuple[np.ndarray, np.ndarray]:
    drawn: list[Sentence] = []
    groups: list[int] = []
    for number, corpus in enumerate(files):
        chosen = draw(corpus.sentences, sentences, SEED)
        drawn += chosen
        groups += [number] * len(chosen)
    counts = []
    for sentence, tagged in zip(drawn, tagger(checkpoint).tag([s.words for s in drawn]), strict=True):
        gold, found = entities(sentence.tags), entities(tagged.tags)
        counts.append((len(gold & found), len(found), len(gold)))
    return np.array(counts), np.array(groups)


def tagger(checkpoint: Path) -> ArtifactTagger:
    """A checkpoint folder as it is, fp32, in batches of similar length."""
    import torch
    from transformers import BertForTokenClassification

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = BertForTokenClassification.from_pretrained(checkpoint).to(device).eval()

    @torch.inference_mode()
    def engine(ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        logits = model(**{name: tensor.to(device) for name, tensor in inputs.items()}).logits.float()
        scores, tags = logits.softmax(-1).max(-1)
        return tags.cpu().numpy(), scores.cpu().numpy()

    config = {"id2label": {str(i): label for i, label in model.config.id2label.items()}}
    config["pad_token_id"] = model.config.pad_token_id
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    return ArtifactTagger(engine, tokenizer, config, torch.get_num_threads(), model.config.max_position_embeddings)
