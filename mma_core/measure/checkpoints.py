"""F1 of checkpoints on many files at once, in PyTorch, in batches, on a GPU where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

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

    def macro(self, kind: str) -> float:
        """Mean strict F1 over the files of a kind, in percent; NaN if there is none."""
        return float(self.macros(kind, np.ones((1, len(self.groups))))[0])

    def macros(self, kind: str, weights: np.ndarray) -> np.ndarray:
        """The same for several weightings of the sentences.

        Args:
            kind: which files.
            weights: how often each sentence counts, shape (weightings, sentences).

        Returns:
            Shape (weightings,).
        """
        found = []
        for number in np.flatnonzero(np.array(self.kinds) == kind):
            (members,) = np.nonzero(self.groups == number)
            right, ours, gold = (weights[:, members] @ self.counts[members]).T
            found.append(200 * right / np.maximum(ours + gold, 1))
        return np.mean(found, axis=0) if found else np.full(len(weights), np.nan)


def score(checkpoint: Path, files: Sequence[Corpus], sentences: int, kinds: Sequence[str]) -> Scores:
    """Tag labelled files with a checkpoint.

    Args:
        checkpoint: a stock checkpoint folder.
        files: the files.
        sentences: at most so many of each, drawn by seed.
        kinds: what each file is.
    """
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
    return Scores(np.array(counts), np.array(groups), tuple(kinds))


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
