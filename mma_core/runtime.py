"""Words → tags: one corridor for the app's text and for CoNLL, over two kinds of tagger.

Texts enter split into words. They are joined, cut into windows that fit the model, tagged at each word's first
piece, put together again and repaired to valid IOB2. A word's tag comes from the window in which it stands furthest
from a border, so nothing is cut off silently.
"""

import abc
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from .artifact import Artifact
from .engines import Engine, OnnxEngine, OpenVinoEngine
from .pieces import NO_PIECE, first_pieces, join
from .spans import Span, repair, spans, words

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

BATCH_SENTENCES = 32
BATCH_PIECES = 4096
OVERLAP = 0.25


@dataclass(frozen=True)
class Tagged:
    """A sentence's tags (valid IOB2, one a word) and the probability of each."""

    tags: list[str]
    scores: list[float]


@dataclass(frozen=True)
class PieceTags:
    """What a model says of one window, specials left out: each piece's start in the text, tag number, probability."""

    starts: np.ndarray
    tags: np.ndarray
    scores: np.ndarray


class Tagger(abc.ABC):
    """Tags sentences; subclasses say how a window's pieces are tagged.

    Attributes:
        labels: tags in the order of the model's outputs.
        threads: processor threads in use.
        limit: pieces, specials included, that fit into one window.
    """

    def __init__(self, labels: Sequence[str], threads: int, limit: int) -> None:
        self.labels, self.threads, self.limit = list(labels), threads, limit

    @abc.abstractmethod
    def pieces(self, texts: Sequence[str]) -> list[PieceTags]:
        """Tag the pieces of texts that fit into one window each."""

    @abc.abstractmethod
    def starts(self, text: str) -> np.ndarray:
        """Where each piece of a text of any length starts, specials left out."""

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Tag sentences that are split into words.

        Args:
            sentences: any number, each of any length.

        Returns:
            One result a sentence, in order.
        """
        windows = [(index, window) for index, sentence in enumerate(sentences) for window in self._windows(sentence)]
        joined = [join(sentences[index][window.start : window.stop]) for index, window in windows]
        answers = self.pieces([text for text, _ in joined])
        merged = [_Merger(len(sentence)) for sentence in sentences]
        for (index, window), (text, borders), answer in zip(windows, joined, answers, strict=True):
            merged[index].add(window, first_pieces(text, borders, answer.starts), answer)
        return [merger.result(self.labels) for merger in merged]

    def tag_texts(self, texts: Sequence[str], language: str) -> list[list[Span]]:
        """Tag raw texts.

        Returns:
            For each text its entities, with character offsets into the text as given.

        Raises:
            DataError: the language is unknown.
        """
        split = [words(text, language) for text in texts]
        tagged = self.tag([[word.text for word in borders] for borders in split])
        return [spans(borders, t.tags, t.scores) for borders, t in zip(split, tagged, strict=True)]

    def _windows(self, sentence: Sequence[str]) -> Iterator[range]:
        budget = self.limit - 2
        # A piece is at least one byte of the text, normalised or as it is, so most sentences need no look at them.
        plain = " ".join(sentence)
        if max(len(form.encode("utf-8", "replace")) for form in (plain, unicodedata.normalize("NFKC", plain))) < budget:
            if sentence:
                yield range(len(sentence))
            return
        text, borders = join(sentence)
        starts = self.starts(text)
        first = np.maximum(first_pieces(text, borders, starts), 0)
        # Windows are tokenised anew; a few pieces of slack, since a cut can change how a text begins.
        budget -= min(8, budget // 4)
        begin = 0
        while begin < len(sentence):
            end = int(np.searchsorted(first, first[begin] + budget, side="right")) if len(first) else begin + 1
            end = len(sentence) if len(starts) - first[begin] <= budget else max(end - 1, begin + 1)
            yield range(begin, end)
            if end == len(sentence):
                return
            back = int(np.searchsorted(first, first[end - 1] - int(budget * OVERLAP), side="left"))
            begin = max(begin + 1, min(back, end))


class _Merger:
    """Collects one sentence's tags; of two windows, the one in which a word has more context decides."""

    def __init__(self, words_count: int) -> None:
        self._tags = np.zeros(words_count, dtype=np.int64)
        self._scores = np.zeros(words_count)
        self._known = np.zeros(words_count, dtype=bool)
        self._context = np.full(words_count, -1)
        self._shares_piece = np.zeros(words_count, dtype=bool)

    def add(self, window: range, first: np.ndarray, answer: PieceTags) -> None:
        """Take over a window's answers where its context is the longest so far."""
        places = np.arange(window.start, window.stop)
        context = np.minimum(places - window.start, window.stop - 1 - places)
        known = first != NO_PIECE
        better = context > self._context[places]
        chosen, pieces = places[better], np.where(known, first, 0)[better]
        self._context[chosen], self._known[chosen] = context[better], known[better]
        shares = np.concatenate([[False], first[1:] == first[:-1]])
        self._shares_piece[chosen] = shares[better]
        if len(answer.tags):
            self._tags[chosen], self._scores[chosen] = answer.tags[pieces], answer.scores[pieces]

    def result(self, labels: Sequence[str]) -> Tagged:
        """The sentence's repaired tags; a word that shares its piece with the one before it continues its entity."""
        raw = [labels[int(tag)] if known else "O" for tag, known in zip(self._tags, self._known, strict=True)]
        for index in np.flatnonzero(self._shares_piece & self._known):
            raw[index] = raw[index].replace("B-", "I-", 1)
        return Tagged(repair(raw), self._scores.tolist())


class ArtifactTagger(Tagger):
    """Tags with an artifact's graph; needs an engine, tokenizers and numpy only."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, config: dict, threads: int, limit: int) -> None:
        super().__init__([config["id2label"][str(i)] for i in range(len(config["id2label"]))], threads, limit)
        self._engine, self._tokenizer, self._pad = engine, tokenizer, int(config.get("pad_token_id") or 0)

    def starts(self, text: str) -> np.ndarray:
        """Where each piece of a text of any length starts, specials left out."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array([start for start, _ in encoding.offsets], dtype=np.int64)

    def pieces(self, texts: Sequence[str]) -> list[PieceTags]:
        """Tag the pieces of texts, in batches of similar length."""
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = [np.array(encoding.ids[: self.limit], dtype=np.int64) for encoding in encodings]
        answers: list[PieceTags | None] = [None] * len(texts)
        for batch in batches([len(piece_ids) for piece_ids in ids]):
            tags, scores = self._run([ids[index] for index in batch])
            for row, index in enumerate(batch):
                real = np.flatnonzero(np.array(encodings[index].special_tokens_mask[: self.limit]) == 0)
                starts = np.array(encodings[index].offsets, dtype=np.int64).reshape(-1, 2)[real, 0]
                answers[index] = PieceTags(starts, tags[row, real], scores[row, real])
        return [answer for answer in answers if answer is not None]

    def _run(self, rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, piece_ids in enumerate(rows):
            ids[row, : len(piece_ids)], mask[row, : len(piece_ids)] = piece_ids, 1
        logits = self._engine(ids, mask)
        peak = logits.max(axis=-1, keepdims=True)
        return logits.argmax(axis=-1), 1 / np.exp(logits - peak).sum(axis=-1)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of similar length: at most 32 sentences and 4,096 padded pieces a batch."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and (len(batch) == BATCH_SENTENCES or (len(batch) + 1) * lengths[batch[0]] > BATCH_PIECES):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def open_artifact(artifact: Artifact, threads: int) -> ArtifactTagger:
    """Load an artifact's graph into its engine.

    Raises:
        RecipeError: this CPU cannot run it.
    """
    tokenizer = Tokenizer.from_file(str(artifact.folder / "tokenizer.json"))
    config, engine = artifact.config, artifact.manifest["engine"]
    loaded: Engine
    if engine == "openvino":
        precision, pad = artifact.manifest["inference_precision"], int(config.get("pad_token_id") or 0)
        loaded = OpenVinoEngine(artifact.model, threads, precision=precision, pad=pad)
    else:
        loaded = OnnxEngine(artifact.model, threads)
    return ArtifactTagger(loaded, tokenizer, config, threads, artifact.manifest["max_pieces"])


class PipelineTagger(Tagger):
    """The baseline: `transformers.pipeline` at its default batch size of one, in PyTorch fp32."""

    def __init__(self, checkpoint: "Checkpoint", threads: int, limit: int) -> None:
        import torch
        from transformers import PreTrainedTokenizerFast, TokenClassificationPipeline

        super().__init__(checkpoint.labels, threads, limit)
        torch.set_num_threads(threads)
        specials = {"pad_token": checkpoint.tokenizer.id_to_token(int(checkpoint.config.pad_token_id or 0))}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=checkpoint.tokenizer, model_max_length=limit, **specials)
        self._number = {label: index for index, label in enumerate(self.labels)}
        self._pipeline = TokenClassificationPipeline(
            model=checkpoint.model, tokenizer=tokenizer, aggregation_strategy="none", ignore_labels=[], device="cpu"
        )

    def starts(self, text: str) -> np.ndarray:
        """Where each piece of a text of any length starts, specials left out."""
        tokenizer = self._pipeline.tokenizer
        answer = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return np.array([start for start, _ in answer["offset_mapping"]], dtype=np.int64)

    def pieces(self, texts: Sequence[str]) -> list[PieceTags]:
        """Tag the pieces of texts, one text after the other."""
        return [self._piece_tags(answer) for answer in self._pipeline(list(texts))] if texts else []

    def _piece_tags(self, answer: list[dict]) -> PieceTags:
        starts = np.array([piece["start"] for piece in answer], dtype=np.int64)
        tags = np.array([self._number[piece["entity"]] for piece in answer], dtype=np.int64)
        return PieceTags(starts, tags, np.array([float(piece["score"]) for piece in answer]))


def open_checkpoint(checkpoint: "Checkpoint", threads: int) -> PipelineTagger:
    """The baseline tagger of a checkpoint."""
    from .checkpoint import max_pieces, plain_config

    return PipelineTagger(checkpoint, threads, max_pieces(plain_config(checkpoint)))
