"""Raw text against a corpus's own words: what F1 costs when a user types text instead of words.

Each sentence is written as people write it (`rebuild`), cut into words again and tagged. Entities are compared as
characters of that text on both sides, so another cut counts only where it moves an entity's border; a quote that a
corpus left on a name is no part of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import bootstrap
from ..data import LABELS, Corpus, Sentence, draw
from ..errors import DataError
from ..runtime import Tagger
from ..spans import Span, Word, repair, spans, words
from .bench import SENTENCES, Report
from .rebuild import rebuild
from .scoring import SEED

QUOTES = "'’‘\"“” "

Entity = tuple[int, int, str]


@dataclass(frozen=True)
class Comparison:
    """One data set of a language, tagged from the corpus's words and from raw text.

    Attributes:
        language: language code.
        dataset: the data set.
        sentences: how many were compared.
        f1_words: strict micro F1 from the corpus's words, in percent.
        f1_raw: the same from raw text.
        difference: `f1_raw` less `f1_words`, in points.
        low: lower end of its 95% interval, by a paired bootstrap over sentences.
        high: upper end.
        same_words: share of the sentences whose words come out as the corpus has them, in percent.
    """

    language: str
    dataset: str
    sentences: int
    f1_words: float
    f1_raw: float
    difference: float
    low: float
    high: float
    same_words: float


def compare(
    tagger: Tagger,
    corpora: Sequence[Corpus],
    *,
    sentences: int = SENTENCES,
    report: Report = lambda fraction, desc: None,
) -> list[Comparison]:
    """Tag each corpus twice, from its words and from its raw text.

    Args:
        tagger: any recipe's.
        corpora: labelled files.
        sentences: at most so many of each, drawn by seed.
        report: progress.

    Returns:
        One row a corpus, in order.

    Raises:
        DataError: a corpus cannot be read or holds no sentences.
    """
    rows = []
    for done, corpus in enumerate(corpora):
        report(done / len(corpora), f"{corpus.language}, {corpus.source}")
        chosen = draw(corpus.sentences, sentences, SEED)
        if not chosen:
            raise DataError(f"{corpus.path} holds no sentences to compare on")
        rows.append(_row(tagger, corpus, chosen))
    return rows


def _row(tagger: Tagger, corpus: Corpus, chosen: Sequence[Sentence]) -> Comparison:
    written = [rebuild(sentence.words, corpus.language) for sentence in chosen]
    texts = [text for text, _ in written]
    tagged = tagger.tag([sentence.words for sentence in chosen])
    gold = [_of_tags(*one, sentence.tags) for one, sentence in zip(written, chosen, strict=True)]
    from_words = [_of_tags(*one, answer.tags) for one, answer in zip(written, tagged, strict=True)]
    answers = tagger.tag_texts(texts, corpus.language)
    from_text = [_entities(text, found) for text, found in zip(texts, answers, strict=True)]
    one_file = np.zeros(len(chosen), dtype=np.int64)
    found = bootstrap.paired(_counts(gold, from_text), _counts(gold, from_words), one_file, SEED)
    same = [words(text, corpus.language) == borders for text, borders in written]
    return Comparison(
        language=corpus.language,
        dataset=corpus.source,
        sentences=len(chosen),
        f1_words=f1(gold, from_words),
        f1_raw=f1(gold, from_text),
        difference=round(found.points, 2),
        low=round(found.low, 2),
        high=round(found.high, 2),
        same_words=round(100 * sum(same) / len(same), 1),
    )


def _of_tags(text: str, borders: Sequence[Word], tags: Sequence[str]) -> set[Entity]:
    return _entities(text, spans(borders, repair(tags), [1.0] * len(tags)))


def _entities(text: str, found: Iterable[Span]) -> set[Entity]:
    trimmed = set()
    for span in found:
        name = text[span.start : span.end]
        start = span.start + len(name) - len(name.lstrip(QUOTES))
        end = span.end - len(name) + len(name.rstrip(QUOTES))
        if span.label in LABELS:
            trimmed.add((start, max(start, end), span.label))
    return trimmed


def _counts(gold: Sequence[set[Entity]], found: Sequence[set[Entity]]) -> np.ndarray:
    """Right, found and gold entities of each sentence, shape (sentences, 3)."""
    return np.array([(len(g & f), len(f), len(g)) for g, f in zip(gold, found, strict=True)])


def f1(gold: Sequence[set[Entity]], found: Sequence[set[Entity]]) -> float:
    """Strict micro F1 in percent: an entity counts if both borders and the label are right.

    Args:
        gold: entities of each sentence.
        found: the same, of a tagger.
    """
    counts = _counts(gold, found)
    return round(float(bootstrap.f1(counts, np.ones((1, len(counts))))[0]), 2)
