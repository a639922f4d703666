"""Raw text against a corpus's own words: what F1 costs when a user types text instead of words.

Each sentence is written as people write it (`rebuild`), cut into words again and tagged. Entities are compared as
characters of that text on both sides, so another cut counts only where it moves an entity's border; a quote that a
corpus left on a name is no part of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .. import bootstrap, build, sources
from ..data import LABELS, Corpus, Sentence, draw
from ..errors import DataError
from ..orders import revision
from ..progress import Report, quiet
from ..recipe import Recipe
from ..results import SCHEMA, RawText
from ..runtime import Tagger
from ..spans import Span, Word, repair, spans, words
from .bench import SENTENCES, cpu
from .rebuild import rebuild
from .scoring import SEED

QUOTES = "'’‘\"“” "

Entity = tuple[int, int, str]


def compare(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    *,
    teacher: str = "multi",
    sentences: int = SENTENCES,
    command: str = "",
    report: Report = quiet,
) -> Iterator[RawText]:
    """Tag each corpus twice, from its words and from its raw text.

    Args:
        recipe: whose tagger.
        corpora: labelled files.
        teacher: the recipe's teacher.
        sentences: at most so many of each, drawn by seed.
        command: what is stored beside each row as the way to get it again.
        report: progress.

    Yields:
        One row a corpus, in order.

    Raises:
        MMAError: the recipe cannot be built, or a corpus cannot be read or holds no sentences.
    """
    tagger = build.tagger(recipe, teacher=teacher, report=report)
    made: dict[str, Any] = {
        "recipe": str(recipe),
        "teacher": teacher,
        "seed": SEED,
        "cpu": cpu(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "weights": sources.locate(teacher).sha256[:12],
        "revision": revision(recipe),
        "schema": SCHEMA,
    }
    for done, corpus in enumerate(corpora):
        report(done / len(corpora), f"{corpus.language}, {corpus.source}")
        chosen = draw(corpus.sentences, sentences, SEED)
        if not chosen:
            raise DataError(f"{corpus.path} holds no sentences to compare on")
        yield RawText(**made, **_compared(tagger, corpus, chosen))


def _compared(tagger: Tagger, corpus: Corpus, chosen: Sequence[Sentence]) -> dict[str, Any]:
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
    return {
        "language": corpus.language,
        "dataset": corpus.source,
        "sentences": len(chosen),
        "f1_words": f1(gold, from_words),
        "f1_raw": f1(gold, from_text),
        "difference": round(found.points, 2),
        "low": round(found.low, 2),
        "high": round(found.high, 2),
        "same_words": round(100 * sum(same) / len(same), 1),
    }


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
