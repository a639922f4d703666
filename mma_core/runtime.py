"""Words → tags: one corridor for the app's text and for CoNLL, over two kinds of tagger.

Texts enter split into words, raw ones into sentences too. They are joined, cut into windows that fit the model, tagged
at each word's first piece, put together again and repaired to valid IOB2. A word's tag comes from the window in which
it stands furthest from a border, so nothing is cut off silently. Many texts go through in pools of bounded size: while
the model reads one pool, the next is split and tokenised, and then waits at the model's door until it is free.
"""

import abc
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from tokenizers import Tokenizer

from . import engines
from .artifact import Artifact
from .chunks import ChunkTokenizer, cut, ends_at_spaces
from .decoding import PieceTags, TagSet, Window, WordTags, entities
from .pieces import first_pieces, join, join_all
from .sentences import sentences
from .shortlist import BriefTokenizer, Encoded, Pieces
from .spans import Span, Word, words
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

POOL_TEXTS = 1024
# While a small pool is read, the next is prepared; a smaller one has fewer texts of similar length to batch.
FIRST_TEXTS, GROWTH = 128, 4
POOL_CHARACTERS = 400_000
# What the widest layer of the teacher (1536) gives for so many pieces, 2.4 MB in 32 bits, stays in a processor's cache.
# On a Xeon, over 20 test files of 100 sentences, ONNX Runtime tagged a sixth faster than in batches of 2048 (alone
# on the machine `int8` by up to a half), OpenVINO as fast.
BATCH_PIECES = 384
OVERLAP = 0.25
SPECIALS = 2
T = TypeVar("T")
P = TypeVar("P")
# Words of each text, (text, words) of each sentence, and what waits for the sentences' tags.
_Begun = tuple[list[list[Word]], list[tuple[int, range]], Callable[[], WordTags]]


@dataclass(frozen=True)
class Tagged:
    """A sentence's tags (valid IOB2, one a word) and the probability of each."""

    tags: list[str]
    scores: list[float]


class Tagger(abc.ABC):
    """Tags sentences; subclasses say how a text becomes pieces and what the model says of them.

    Attributes:
        labels: tags in the order of the model's outputs.
        threads: processor threads in use.
        limit: pieces, specials included, that fit into one window.
        model: counts the time that the model itself is at work; the rest is the road to it and back.
    """

    def __init__(self, labels: Sequence[str], threads: int, limit: int) -> None:
        self.labels, self.threads, self.limit = list(labels), threads, limit
        self.model = Stopwatch()
        self._tags = TagSet(labels)

    @abc.abstractmethod
    def encode(self, texts: Sequence[str]) -> Sequence[Encoded | None]:
        """The pieces of texts of any length, specials left out; None where a text is sure to fit the model."""

    @abc.abstractmethod
    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoded | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        """Begin to tag the pieces of texts that fit the model.

        Args:
            texts: any number.
            encodings: what `encode` gave for them.
            crew: as many threads as the tagger has, which may do the work meanwhile; None if it has but one.

        Returns:
            What waits for the answer, or works it out then.
        """

    def forget(self) -> None:  # noqa: B027 - not every tagger keeps some
        """Forget what was kept of texts, so that the next are met as new ones are: speed is measured so."""

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        """Tag sentences that are split into words.

        Args:
            sentences: any number, each of any length.

        Returns:
            One result a sentence, in order.
        """
        coming = pools(sentences, lambda sentence: sum(map(len, sentence)), first=FIRST_TEXTS)
        return [tagged for found in self._flow(coming, self._begin) for tagged in self._tagged(found())]

    def tag_texts(self, texts: Iterable[str], language: str) -> list[list[Span]]:
        """Tag raw texts.

        Returns:
            For each text its entities, with character offsets into the text as given.

        Raises:
            DataError: the language is unknown.
        """
        return list(self.stream(texts, language))

    def stream(self, texts: Iterable[str], language: str) -> Iterator[list[Span]]:
        """Tag any number of raw texts in constant memory.

        Yields:
            For each text its entities, in order, with character offsets into the text as given.

        Raises:
            DataError: the language is unknown.
        """

        def begin(pool: Sequence[str], crew: Executor | None) -> _Begun:
            split = [words(text, language) for text in pool]
            parts = [(number, part) for number, text in enumerate(pool) for part in sentences(text, split[number])]
            found = self._begin([[split[number][place].text for place in part] for number, part in parts], crew)
            return split, parts, found

        for split, parts, found in self._flow(pools(texts, len, first=FIRST_TEXTS), begin):
            yield from self._spans(split, parts, found())

    def _flow(self, items: Iterator[T], begin: Callable[[T, Executor | None], P]) -> Iterator[P]:
        """Begin items, each while the one before it is in use where there are threads for both."""
        if self.threads == 1:
            yield from (begin(item, None) for item in items)
            return
        crew = ThreadPoolExecutor(self.threads)
        try:
            yield from _ahead(items, lambda item: begin(item, crew))
        finally:
            crew.shutdown(cancel_futures=True)

    def _begin(self, sentences: Sequence[Sequence[str]], crew: Executor | None) -> Callable[[], WordTags]:
        """Begin to tag a pool of sentences; what is returned waits for their tags."""
        windows, encodings = zip(*self._windows(sentences), strict=True) if any(sentences) else ((), ())
        answer = self.begin([window.text for window in windows], encodings, crew)
        lengths = [len(sentence) for sentence in sentences]
        return lambda: self._tags.words(windows, answer(), lengths)

    def _windows(self, sentences: Sequence[Sequence[str]]) -> list[tuple[Window, Encoded | None]]:
        """The windows that cover sentences, and their pieces."""
        numbers = [number for number, sentence in enumerate(sentences) if sentence]
        joined = join_all([sentences[number] for number in numbers])
        windows = self._encoded([Window(number, 0, *one) for number, one in zip(numbers, joined, strict=True)])
        room = self.limit - SPECIALS
        long = [(window, encoding) for window, encoding in windows if encoding is not None and len(encoding) > room]
        if long:
            windows = [(window, encoding) for window, encoding in windows if encoding is None or len(encoding) <= room]
            cuts = (_cut(sentences[window.sentence], window, encoding, room) for window, encoding in long)
            parts = self._encoded([part for cut in cuts for part in cut])
            for _, encoding in parts:
                if encoding is not None:
                    encoding.truncate(room)  # a word alone may be too long
            windows += parts
        return windows

    def _encoded(self, windows: list[Window]) -> list[tuple[Window, Encoded | None]]:
        return list(zip(windows, self.encode([window.text for window in windows]), strict=True))

    def _tagged(self, found: WordTags) -> list[Tagged]:
        names, scores = self._tags.names(found), found.scores.tolist()
        return [
            Tagged(tags, scores[begin:end])
            for tags, (begin, end) in zip(names, pairwise(found.first.tolist()), strict=True)
        ]

    def _spans(
        self, split: Sequence[Sequence[Word]], parts: Sequence[tuple[int, range]], tagged: WordTags
    ) -> list[list[Span]]:
        spans: list[list[Span]] = [[] for _ in split]
        found = entities(tagged)
        columns = (found.sentences, found.begins, found.ends, found.kinds, found.scores.round(4))
        for sentence, begin, end, kind, score in zip(*(column.tolist() for column in columns), strict=True):
            number, part = parts[sentence]
            first, last = split[number][part[begin]], split[number][part[end - 1]]
            spans[number].append(Span(first.start, last.end, self._tags.kinds[kind], score))
        return spans


def pools(items: Iterable[T], size: Callable[[T], int], *, first: int = POOL_TEXTS) -> Iterator[list[T]]:
    """Group items in order: at most `POOL_TEXTS`, and no more once their sizes reach `POOL_CHARACTERS`.

    Args:
        items: any number.
        size: of an item, in characters.
        first: how many the first pool may have; each one after it `GROWTH` times as many as the one before.
    """
    pool: list[T] = []
    characters, most = 0, min(first, POOL_TEXTS)
    for item in items:
        pool.append(item)
        characters += size(item)
        if len(pool) == most or characters >= POOL_CHARACTERS:
            yield pool
            pool, characters, most = [], 0, min(GROWTH * most, POOL_TEXTS)
    if pool:
        yield pool


def _ahead(items: Iterator[T], prepare: Callable[[T], P]) -> Iterator[P]:
    """Prepare items; each after the first in a thread, while the one before it is in use."""
    first = next(items, None)
    if first is None:
        return
    prepared, coming = prepare(first), next(items, None)
    if coming is not None:
        with ThreadPoolExecutor(1) as thread:
            while coming is not None:
                later = thread.submit(prepare, coming)
                yield prepared
                prepared, coming = later.result(), next(items, None)
    yield prepared


def _cut(sentence: Sequence[str], whole: Window, encoding: Encoded, room: int) -> Iterator[Window]:
    """Windows of at most `room` pieces over a long sentence; each repeats a quarter of the one before."""
    offsets = np.array(encoding.offsets, dtype=np.int64)
    first = np.maximum.accumulate(np.maximum(first_pieces(whole.text, whole.borders, offsets), 0))
    first = np.append(first, len(offsets))
    # Windows are tokenised anew; a few pieces of slack, since a cut can change how a text begins.
    room -= min(8, room // 4)
    begin = end = 0
    while end < len(sentence):
        end = max(int(np.searchsorted(first, first[begin] + room, side="right")) - 1, begin + 1)
        yield Window(whole.sentence, begin, *join(sentence[begin:end]))
        back = np.searchsorted(first, first[end - 1] - int(room * OVERLAP), side="left")
        # The next window must reach a word that this one did not.
        reach = np.searchsorted(first, first[min(end + 1, len(sentence))] - room, side="left")
        begin = min(end, max(begin + 1, int(back), int(reach)))


class ArtifactTagger(Tagger):
    """Tags with an artifact's graph; needs an engine, tokenizers and numpy only."""

    def __init__(
        self,
        engine: engines.Engine,
        tokenizer: Tokenizer | BriefTokenizer,
        config: dict,
        threads: int,
        limit: int,
    ) -> None:
        super().__init__([config["id2label"][str(i)] for i in range(len(config["id2label"]))], threads, limit)
        self._engine, self._tokenizer, self._pad = engine, tokenizer, int(config.get("pad_token_id") or 0)
        self._chunks = None
        if isinstance(tokenizer, Tokenizer) and ends_at_spaces(tokenizer):
            self._chunks = ChunkTokenizer(tokenizer, alone=threads == 1)
        # Every allowed model type puts one special before a text and the others behind it.
        specials = tokenizer.encode("").ids
        self._before, self._after = specials[:1], specials[1:]

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """The pieces of texts of any length, specials left out."""
        if self._chunks is not None:
            return self._chunks.encode_batch(texts)
        if isinstance(self._tokenizer, BriefTokenizer):
            return self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return cut(self._tokenizer, texts, alone=self.threads == 1)

    def forget(self) -> None:
        """Forget the pieces of the chunks that it met."""
        if self._chunks is not None:
            self._chunks.forget()

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoded | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        """Begin to tag the pieces of texts that fit the model, in batches of similar length."""
        known = [encoding for encoding in encodings if encoding is not None]
        counts = np.fromiter(map(len, known), np.int64, len(known))
        total = int(counts.sum())
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *(encoding.ids for encoding in known)])
        offsets = np.concatenate([np.zeros((0, 2), dtype=np.int64), *(encoding.offsets for encoding in known)])
        begins = counts.cumsum() - counts
        todo = [self._padded(ids, begins[batch], counts[batch]) for batch in batches(counts.tolist(), BATCH_PIECES)]
        found = engines.start(self._engine, [(batch.ids, batch.mask) for batch in todo], crew, self.model)

        def answer() -> PieceTags:
            tags, scores = np.zeros(total, dtype=np.int64), np.zeros(total)
            for batch, (batch_tags, batch_scores) in zip(todo, found(), strict=True):
                tags[batch.places] = batch_tags[batch.inside]
                scores[batch.places] = batch_scores[batch.inside]
            return PieceTags(counts, offsets, tags, scores)

        return answer

    def _padded(self, ids: np.ndarray, begins: np.ndarray, counts: np.ndarray) -> "_Batch":
        """A batch of the texts whose pieces begin at `begins` of `ids`, so many each; specials added."""
        grid = np.arange(len(self._before) + int(counts.max(initial=0)) + len(self._after))
        ends = (len(self._before) + counts)[:, None]
        inside = (grid >= len(self._before)) & (grid < ends)
        places = (begins[:, None] + grid - len(self._before))[inside]
        padded = np.full(inside.shape, self._pad, dtype=np.int64)
        padded[:, : len(self._before)] = self._before
        padded[inside] = ids[places]
        for number, special in enumerate(self._after):
            padded[grid == ends + number] = special
        return _Batch(padded, (grid < ends + len(self._after)).astype(np.int64), inside, places)


@dataclass(frozen=True)
class _Batch:
    """What an engine is given, and where its answers go.

    Attributes:
        ids: piece numbers, shape (texts, longest).
        mask: 1 for pieces and specials, 0 for padding, shape (texts, longest).
        inside: where the pieces are, specials left out, shape (texts, longest).
        places: their numbers in all pieces laid end to end, shape (pieces,).
    """

    ids: np.ndarray
    mask: np.ndarray
    inside: np.ndarray
    places: np.ndarray


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Group texts of similar length, the longest first: at most `budget` padded pieces a batch, or one text.

    Lengths are counted as an engine pads them, so most batches of one length are of one size as well: what an engine
    keeps for each shape that it has met stays little.
    """
    batch: list[int] = []
    padded = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and (len(batch) + 1) * padded > budget:
            yield batch
            batch = []
        if not batch:
            padded = engines.bucket(lengths[index] + SPECIALS)
        batch.append(index)
    if batch:
        yield batch


def open_artifact(
    artifact: Artifact, threads: int, *, cache: Path | None = None, brief: bool = False
) -> ArtifactTagger:
    """Load an artifact's graph into its engine, and its tokenizer beside it.

    Args:
        artifact: what to open.
        threads: processor threads to use.
        cache: a folder where what is made of graph and tokenizer may be kept, so that they open faster the next time.
        brief: whether a few texts are all that it will tag, so that reading the whole tokenizer would not pay; it
            needs a cache.

    Raises:
        RecipeError: this CPU cannot run it.
    """
    # Read once, when tokenizers first run in parallel: they would take every processor of the machine.
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
    config, manifest, limit = artifact.config, artifact.manifest, artifact.manifest["max_pieces"]
    engines.load_library(manifest["engine"])
    opening = Event()
    with ThreadPoolExecutor(1) as thread:
        # The tokenizer's library holds Python's lock while it reads, the engine's does not: the engine goes first.
        index = cache / "pieces.safetensors" if cache and brief else None
        reading = thread.submit(_tokenizer, artifact.folder / "tokenizer.json", index, opening)
        opening.set()
        engine = engines.open_engine(
            artifact.model,
            threads,
            precision=manifest["inference_precision"],
            pad=int(config.get("pad_token_id") or 0),
            limit=limit,
            cache=cache,
        )
        return ArtifactTagger(engine, reading.result(), config, threads, limit)


def _tokenizer(path: Path, index: Path | None, opening: Event) -> Tokenizer | BriefTokenizer:
    opening.wait()
    return BriefTokenizer(path, index) if index else Tokenizer.from_file(str(path))


class PipelineTagger(Tagger):
    """The baseline: `transformers.pipeline` at its default batch size of one, in PyTorch fp32."""

    def __init__(self, checkpoint: "Checkpoint", threads: int, limit: int) -> None:
        import torch
        from transformers import PreTrainedTokenizerFast, TokenClassificationPipeline

        super().__init__(checkpoint.labels, threads, limit)
        self._set_threads = torch.set_num_threads
        specials = {"pad_token": checkpoint.tokenizer.id_to_token(int(checkpoint.config.pad_token_id or 0))}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=checkpoint.tokenizer, model_max_length=limit, **specials)
        self._number = {label: index for index, label in enumerate(self.labels)}
        self._tokenizer = checkpoint.tokenizer
        self._pipeline = TokenClassificationPipeline(
            model=checkpoint.model, tokenizer=tokenizer, aggregation_strategy="none", ignore_labels=[], device="cpu"
        )
        checkpoint.model.register_forward_pre_hook(lambda *_: self.model.start())
        checkpoint.model.register_forward_hook(lambda *_: self.model.stop(), always_call=True)

    def encode(self, texts: Sequence[str]) -> list[Encoded | None]:
        """The pieces of texts that might not fit the model; the pipeline tokenises for itself."""
        return [
            None if self._surely_fits(text) else self._tokenizer.encode(text, add_special_tokens=False)
            for text in texts
        ]

    def _surely_fits(self, text: str) -> bool:
        # A piece is at least one byte of the text, normalised or as it is.
        forms = (text, unicodedata.normalize("NFKC", text))
        return max(len(form.encode("utf-8")) for form in forms) < self.limit - SPECIALS

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoded | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        """Put off to tag the pieces of texts, one text after the other."""
        return lambda: self._answer(texts)

    def _answer(self, texts: Sequence[str]) -> PieceTags:
        self._set_threads(self.threads)  # a setting of the process: another tagger may have changed it
        answers = self._pipeline(list(texts)) if texts else []
        pieces = [piece for answer in answers for piece in answer]
        return PieceTags(
            np.fromiter(map(len, answers), np.int64, len(answers)),
            np.array([(piece["start"], piece["end"]) for piece in pieces], dtype=np.int64).reshape(-1, 2),
            np.array([self._number[piece["entity"]] for piece in pieces], dtype=np.int64),
            np.array([float(piece["score"]) for piece in pieces]),
        )


def open_checkpoint(checkpoint: "Checkpoint", threads: int) -> PipelineTagger:
    """The baseline tagger of a checkpoint."""
    from .checkpoint import max_pieces, plain_config

    return PipelineTagger(checkpoint, threads, max_pieces(plain_config(checkpoint)))
