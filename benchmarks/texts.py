"""What everyone is given: the same raw texts to tag, and the same sentences to learn from.

A text is a test sentence's words, joined with spaces (with nothing where a script has none), so no contender must guess
where punctuation ends a word, and each finds words by its own means. What it finds are characters of that text; a word
of the corpus has an entity's tag if it lies inside the entity as a whole.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mma_core import data
from mma_core.data import Corpus, Sentence
from mma_core.errors import DataError
from mma_core.folders import cache_root
from mma_core.measure.accuracy import Accuracy, accuracy
from mma_core.pieces import join
from mma_core.spans import Span, Word, spans, tags

from .rival import Entity

SEED = 13
TRAINING_SENTENCES = 1500


@dataclass(frozen=True)
class Heat:
    """Sentences of one test file, as everyone tags them."""

    corpus: Corpus
    sentences: list[Sentence]

    @property
    def texts(self) -> list[str]:
        """The raw texts."""
        return [join(sentence.words)[0] for sentence in self.sentences]

    @property
    def words(self) -> int:
        """The number of words in all texts."""
        return sum(len(sentence.words) for sentence in self.sentences)

    def score(self, entities: Sequence[Sequence[Entity]]) -> Accuracy:
        """Strict F1 of what a contender found in the texts."""
        found = [_tags(s.words, ours) for s, ours in zip(self.sentences, entities, strict=True)]
        return accuracy([sentence.tags for sentence in self.sentences], found, SEED)


def _words(sentence: Sequence[str]) -> list[Word]:
    borders = join(sentence)[1].tolist()
    return [Word(word, start, end) for word, (start, end) in zip(sentence, borders, strict=True)]


def _tags(sentence: Sequence[str], entities: Sequence[Entity]) -> list[str]:
    return tags(_words(sentence), [Span(start, end, label, 1.0) for start, end, label in entities])


def heats(folder: Path, names: Sequence[str], count: int) -> list[Heat]:
    """At most `count` sentences of each named test file, drawn by seed.

    Raises:
        DataError: as `files`, or a file holds no sentences.
    """
    found = [Heat(corpus, data.draw(corpus.sentences, count, SEED)) for corpus in files(folder, names, "test")]
    for heat in found:
        if not heat.sentences:
            raise DataError(f"{heat.corpus.path} holds no sentences to tag")
    return found


def files(folder: Path, names: Sequence[str], split: str) -> list[Corpus]:
    """Labelled files by name, `<source>/<language>`.

    Raises:
        DataError: there is no such file under the data folder.
    """
    known = {f"{corpus.source}/{corpus.language}": corpus for corpus in data.corpora(folder, split)}
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(f"{folder} has no {split} file of {', '.join(missing)}; it has those of {', '.join(known)}")
    return [known[name] for name in names]


def training_file(folder: Path, names: Sequence[str]) -> Path:
    """Write what contenders may learn from, for `rival.Job.training`; named by what it holds.

    Raises:
        DataError: as `files`.
    """
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _training(files(folder, names, "train")))
    name = hashlib.sha256(lines.encode()).hexdigest()[:16]
    path = cache_root() / "benchmarks" / f"training-{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(lines, encoding="utf-8")
    partial.rename(path)
    return path


def _training(corpora: Sequence[Corpus]) -> Iterator[dict[str, Any]]:
    for corpus in corpora:
        for sentence in data.draw(corpus.sentences, TRAINING_SENTENCES, SEED):
            found = spans(_words(sentence.words), sentence.tags, [1.0] * len(sentence.tags))
            yield {
                "words": sentence.words,
                "text": join(sentence.words)[0],
                "entities": [(span.start, span.end, span.label) for span in found],
                "spans": sorted(data.entities(sentence.tags)),
            }
