"""Raw text against a corpus's own words, by taggers that answer from a list of names."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Encoding

from mma_core import build, sources
from mma_core.data import Corpus
from mma_core.decoding import PieceTags
from mma_core.errors import DataError
from mma_core.measure.accuracy import accuracy
from mma_core.measure.raw import compare, f1
from mma_core.recipe import parse
from mma_core.results import RawText
from mma_core.runtime import Tagger

CONLL = """Anna B-PER
Karenina I-PER
's O
cat O
saw O
Oslo B-LOC
. O

( O
AT&T B-ORG
) O
left O
Rome O
"""


class Names(Tagger):
    """Tags every piece that is one of the names; its pieces are what stands between spaces."""

    def __init__(self, *names: str) -> None:
        super().__init__(["O", "B-PER", "I-PER", "B-LOC", "B-ORG"], threads=1, limit=128)
        self._names = dict(name.split("/") for name in names)

    def encode(self, texts: Sequence[str]) -> list[None]:
        return [None] * len(texts)

    def begin(
        self, texts: Sequence[str], encodings: Sequence[Encoding | None], crew: Executor | None
    ) -> Callable[[], PieceTags]:
        pieces = [[(m.group(), *m.span()) for m in re.finditer("[^ ]+", text)] for text in texts]
        found = [piece for each in pieces for piece in each]
        tags = [self.labels.index(self._names.get(piece, "O")) for piece, _, _ in found]
        offsets = np.array([border for _, *border in found], dtype=np.int64).reshape(-1, 2)
        counts = np.array([len(each) for each in pieces])
        return lambda: PieceTags(counts, offsets, np.array(tags), np.ones(len(found)))


ALL = Names("Anna/B-PER", "Karenina/I-PER", "Oslo/B-LOC", "AT&T/B-ORG")


def compared(monkeypatch: pytest.MonkeyPatch, tagger: Tagger, corpora: list[Corpus], **rest: Any) -> list[RawText]:
    """The rows of a recipe whose tagger this is."""
    monkeypatch.setattr(build, "tagger", lambda wanted, **_settings: tagger)
    monkeypatch.setattr(sources, "locate", lambda teacher: SimpleNamespace(sha256="0123456789abcdef"))
    return list(compare(parse("int8"), corpora, teacher="mine", **rest))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    path = tmp_path / "test.conll"
    path.write_text(CONLL, encoding="utf-8")
    return Corpus("mine", "en", "test", path)


def test_equal_words_give_equal_f1(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = compared(monkeypatch, ALL, [corpus], command="again")
    assert (row.language, row.dataset, row.sentences) == ("en", "mine", 2)
    assert (row.f1_words, row.f1_raw, row.difference, row.low, row.high) == (100.0, 100.0, 0.0, 0.0, 0.0)
    assert row.same_words == 100.0
    assert (row.recipe, row.teacher, row.weights, row.command) == ("int8", "mine", "0123456789ab", "again")


def test_f1_is_that_of_the_tags(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = Names("Anna/B-PER", "Oslo/B-LOC", "Rome/B-LOC", "AT&T/B-ORG")
    (row,) = compared(monkeypatch, tagger, [corpus])
    tagged = tagger.tag([sentence.words for sentence in corpus.sentences])
    assert row.f1_words == accuracy([s.tags for s in corpus.sentences], [t.tags for t in tagged], 13).f1
    assert row.f1_words == pytest.approx(57.14)


@pytest.mark.parametrize(
    ("conll", "f1_words", "f1_raw", "same_words"),
    [
        ("vint O\n-il O\nOslo B-LOC\n", 100.0, 100.0, 0.0),
        ("Anna B-PER\n-il O\nOslo B-LOC\n", 100.0, 66.67, 0.0),
        ("Anna B-PER\nOslo B-LOC\n\nvint O\n-il O\n", 100.0, 100.0, 50.0),
    ],
)
def test_another_cut_counts_only_where_a_border_moves(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, conll: str, f1_words: float, f1_raw: float, same_words: float
) -> None:
    corpus.path.write_text(conll, encoding="utf-8")
    (row,) = compared(monkeypatch, ALL, [replace(corpus, language="fr")])
    assert (row.f1_words, row.f1_raw, row.same_words) == (f1_words, f1_raw, same_words)
    assert row.difference == pytest.approx(f1_raw - f1_words, abs=0.02)
    assert row.low <= row.difference <= row.high


def test_an_empty_corpus_is_refused(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus.path.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="no sentences"):
        compared(monkeypatch, ALL, [corpus])


def test_progress_names_each_corpus(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, str]] = []
    compared(monkeypatch, ALL, [corpus, corpus], report=lambda fraction, desc: told.append((fraction, desc)))
    assert told == [(0.0, "en, mine"), (0.5, "en, mine")]


def test_at_most_so_many_sentences(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row.sentences for row in compared(monkeypatch, ALL, [corpus], sentences=1)] == [1]


@pytest.mark.parametrize(
    ("gold", "found", "expected"),
    [
        ([{(0, 4, "PER")}], [{(0, 4, "PER")}], 100.0),
        ([{(0, 4, "PER")}], [{(0, 5, "PER")}], 0.0),
        ([{(0, 4, "PER")}], [{(0, 4, "ORG")}], 0.0),
        ([{(0, 4, "PER")}, set()], [{(0, 4, "PER")}, {(1, 2, "LOC")}], 66.67),
        ([set()], [set()], 0.0),
    ],
)
def test_f1(gold: list[set[tuple[int, int, str]]], found: list[set[tuple[int, int, str]]], expected: float) -> None:
    assert f1(gold, found) == expected
