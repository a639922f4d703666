"""The anatomy of a recipe: where its bytes and its milliseconds go, beside the least that this CPU could do."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np

from .. import build, machine
from ..data import samples
from ..decoding import PieceTags
from ..engines import Answer, BulkEngine
from ..errors import DataError, RecipeError
from ..languages import language
from ..pieces import join, join_all
from ..progress import Report, quiet
from ..recipe import Recipe
from ..runtime import ArtifactTagger, open_artifact
from ..sentences import sentences
from ..shortlist import Encoded, Pieces
from ..spans import words
from .anatomy import anatomy
from .bench import cpu
from .peak import peaks

ROUNDS = 5
STAGES = ("splitting", "normalising", "tokenising", "padding", "model", "decoding")


@dataclass(frozen=True)
class Profile:
    """What a recipe's artifact consists of, and what it does with some sentences in bulk.

    Attributes:
        recipe: its spelling.
        teacher: its teacher.
        engine: what it runs in.
        precision: of its products, `fp32`, `bf16` or `int8`.
        language: of the sentences.
        sentences: how many.
        words: in them.
        pieces: word-pieces, specials included.
        bytes: of the embeddings, the layers, the head, the tokenizer and the rest.
        milliseconds: for all sentences, by stage; the medians of five rounds. Normalising is the tokenizer's own.
        operations: that the matrix products need at least, in 10^9: two for each weight and piece, and the attention
            where there is any.
        peaks: 10^9 operations a second that the engine reaches in a large product, by precision.
        floor_ms: operations over peak, by precision.
        threads: in use.
        cpu: where.
    """

    recipe: str
    teacher: str
    engine: str
    precision: str
    language: str
    sentences: int
    words: int
    pieces: int
    bytes: dict[str, int]
    milliseconds: dict[str, float]
    operations: float
    peaks: dict[str, float | None]
    floor_ms: dict[str, float | None]
    threads: int
    cpu: str


def profile(wanted: Recipe, *, teacher: str = "multi", code: str = "en", report: Report = quiet) -> Profile:
    """Take a recipe apart on the sample sentences of a language; it is built if need be.

    Args:
        wanted: any recipe but `teacher`, which has no artifact.
        teacher: the recipe's teacher.
        code: language of the sentences.
        report: progress.

    Raises:
        RecipeError: the recipe has no artifact, or cannot be built.
        DataError: there are no samples in the language.
    """
    if wanted.is_teacher:
        raise RecipeError("step teacher: the baseline has no artifact to take apart; choose onnx, the same exported")
    texts = _texts(code)
    made = build.build(wanted, teacher=teacher, report=lambda fraction, desc: report(0.6 * fraction, desc))
    report(0.6, "reading the graph")
    parts = asdict(anatomy(made))
    weights = parts.pop("weights")
    report(0.7, "timing the stages")
    tagger = _Watched(open_artifact(made, machine.available_threads()))
    times = _milliseconds(tagger, texts, code)
    report(0.9, "measuring the processor's peak")
    found = peaks(made.manifest["engine"], tagger.threads)
    operations = _operations(tagger.engine.lengths, weights, made.config)
    return Profile(
        recipe=str(wanted),
        teacher=teacher,
        engine=made.manifest["engine"],
        precision=_precision(wanted, made.manifest["inference_precision"]),
        language=code,
        sentences=len(texts),
        words=sum(len(words(text, code)) for text in texts),
        pieces=sum(tagger.engine.lengths),
        bytes=parts,
        milliseconds=times,
        operations=round(operations, 3),
        peaks=found,
        floor_ms={name: round(1000 * operations / peak, 3) if peak else None for name, peak in found.items()},
        threads=tagger.threads,
        cpu=cpu(),
    )


def _precision(wanted: Recipe, arithmetic: str) -> str:
    return "int8" if any(step.quantises for step in wanted.after_export) else arithmetic.replace("f32", "fp32")


def _texts(code: str) -> list[str]:
    found = {corpus.language: corpus for corpus in samples()}
    if language(code).code not in found:
        raise DataError(f"there are no sample sentences in {code}; there are in {', '.join(found)}")
    return [join(sentence.words)[0] for sentence in found[code].sentences]


class _WatchedEngine:
    """An engine that notes when its runs begin and end, and the lengths of what it is given."""

    def __init__(self, engine: BulkEngine) -> None:
        self._engine = engine
        self.begins: list[float] = []
        self.ends: list[float] = []
        self.lengths: list[int] = []

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """As the engine's, watched."""
        return self._watched(self._engine, ids, mask)

    def bulk(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """As the engine's, watched."""
        return self._watched(self._engine.bulk, ids, mask)

    def _watched(self, run: Callable[[np.ndarray, np.ndarray], Answer], ids: np.ndarray, mask: np.ndarray) -> Answer:
        self.begins.append(time.perf_counter())
        found = run(ids, mask)
        self.ends.append(time.perf_counter())
        self.lengths += mask.sum(axis=1).tolist()
        return found

    def clear(self) -> None:
        """Forget all that was noted."""
        for noted in (self.begins, self.ends, self.lengths):
            noted.clear()


class _Watched(ArtifactTagger):
    """A tagger that notes the seconds its parts take."""

    def __init__(self, tagger: ArtifactTagger) -> None:
        vars(self).update(vars(tagger))
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.engine = self._engine = _WatchedEngine(cast("BulkEngine", tagger._engine))

    @contextmanager
    def noting(self, part: str) -> Iterator[None]:
        """Add the seconds that the block takes to a part's."""
        began = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - began

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """As the tagger's, watched."""
        with self.noting("tokenising"):
            return super().encode(texts)

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoded | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        """As the tagger's, watched."""
        with self.noting("answer"):
            waiting = super().begin(texts, encodings, crew)

        def answer() -> PieceTags:
            with self.noting("answer"):
                found = waiting()
            # Batches may run at once; all are padded before the first.
            self.seconds["model"] += max(self.engine.ends) - min(self.engine.begins)
            return found

        return answer


def _milliseconds(tagger: _Watched, texts: Sequence[str], code: str) -> dict[str, float]:
    rounds = [_round(tagger, texts, code) for _ in range(1 + ROUNDS)][1:]
    return {stage: round(1000 * statistics.median(times[stage] for times in rounds), 3) for stage in STAGES}


def _round(tagger: _Watched, texts: Sequence[str], code: str) -> dict[str, float]:
    tagger.seconds.clear()
    tagger.engine.clear()
    with tagger.noting("splitting"):
        split = [(text, words(text, code)) for text in texts]
        join_all([[found[place].text for place in part] for text, found in split for part in sentences(text, found)])
    tagger.forget()
    with tagger.noting("all"):
        tagger.tag_texts(texts, code)
    spent = tagger.seconds
    rest = spent["all"] - spent["splitting"] - spent["tokenising"] - spent["answer"]
    normalising = spent["tokenising"] * _normalising(tagger, texts)
    return {
        **spent,
        "normalising": normalising,
        "tokenising": spent["tokenising"] - normalising,
        "padding": spent["answer"] - spent["model"],
        "decoding": max(rest, 0.0),
    }


def _normalising(tagger: _Watched, texts: Sequence[str]) -> float:
    """The share of its time that the tokenizer takes to normalise, text by text: in bulk, threads do both at once."""
    tokenizer = tagger._tokenizer
    normalizer = getattr(tokenizer, "normalizer", None)
    if normalizer is None:
        return 0.0
    with tagger.noting("normaliser"):
        for text in texts:
            normalizer.normalize_str(text)
    with tagger.noting("tokenizer"):
        for text in texts:
            tokenizer.encode(text)
    return min(1.0, tagger.seconds["normaliser"] / tagger.seconds["tokenizer"])


def _operations(lengths: Sequence[int], weights: int, config: Mapping[str, Any]) -> float:
    """10^9 operations that sentences of these lengths need: products by weights, and of activations if it attends."""
    attends = "num_attention_heads" in config or "n_heads" in config
    layers = (config.get("num_hidden_layers") or config.get("n_layers") or 0) if attends else 0
    width = config.get("hidden_size") or config.get("dim") or 0
    return sum(2 * weights * length + 4 * layers * width * length**2 for length in lengths) / 1e9
