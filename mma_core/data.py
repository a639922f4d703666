"""Labelled and unlabelled text from files: CoNLL (plain or xz), the samples in `assets/`, folders of test files."""

import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import numpy as np

from .errors import DataError
from .languages import LANGUAGES

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
WORDS = Path(__file__).parents[1] / "assets" / "words"
T = TypeVar("T")
LABELS = ("PER", "ORG", "LOC")
TAGS = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))

DOCUMENT_START = "-DOCSTART-"
_BETWEEN = re.compile(r"\d+[-.]\d+")

# Labelled by machine; all other sources by hand.
SILVER = ("wikiann", "wikineural")
# What may train weights that the project ships, as the corpora's own licences allow; the rest serves evaluation.
TRAINING_SOURCES = ("masakhaner2", "uner", "wikiann", "wikineural")
TRAINING_EXTRA = {"transfer": ("da", "fi", "ko", "nb", "ro")}


@dataclass(frozen=True)
class Sentence:
    """One labelled sentence: words and their IOB2 tags, of equal number."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """One labelled file: which source, language and split it is, and where."""

    source: str
    language: str
    split: str
    path: Path

    @property
    def sentences(self) -> list[Sentence]:
        """All sentences of the file."""
        return list(read_conll(self.path))


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 text file, xz-compressed or plain, with or without a byte order mark.

    Raises:
        DataError: there is no such file, or what is read of it inside the block is not UTF-8 or not a whole .xz.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        try:
            yield lines
        except (UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
            raise DataError(f"{path} is not UTF-8 text (or a whole .xz of it): {error}") from error


def read_conll(path: Path) -> Iterator[Sentence]:
    """Read a file of labelled sentences, as `parse_conll` does.

    Raises:
        DataError: as `parse_conll`, or the file is missing or not UTF-8.
    """
    with open_text(path) as lines:
        yield from parse_conll(lines, str(path))


def parse_conll(lines: Iterable[str], name: str) -> Iterator[Sentence]:
    """Read `token<TAB>tag` lines (any white space between, the tag last), blank lines between sentences.

    CoNLL-2003's `-DOCSTART-` lines and CoNLL-U's comments are no words and are skipped. Where the first columns of a
    sentence count its words from 1, as CoNLL-U's do, the words are in the second.

    Args:
        lines: of a file or a text.
        name: what errors call it.

    Raises:
        DataError: a line has no tag or a tag that is not IOB2 over PER, ORG, LOC; the message names text and line.
    """
    alone: list[list[list[str]]] = []
    counted = None
    for rows in _sentences(lines, name):
        if sum(not _BETWEEN.fullmatch(cells[0]) for cells in rows) > 1:
            counted = _is_counted(rows)
        if counted is None:  # one word alone does not tell a number from a count
            alone.append(rows)
            continue
        yield from (_sentence(each, counted) for each in (*alone, rows))
        alone.clear()
    yield from (_sentence(rows, len(alone) > 1 and all(map(_is_counted, alone))) for rows in alone)


def _sentences(lines: Iterable[str], name: str) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(DOCUMENT_START) or _is_comment(line):
            continue
        if line.strip():
            rows.append(_row(line, f"{name}:{number}", rows[-1][-1] if rows else "O"))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _is_comment(line: str) -> bool:
    return line.startswith("#") and line.rsplit(maxsplit=1)[-1] not in TAGS


def _is_counted(rows: list[list[str]]) -> bool:
    counts = [cells[0] for cells in rows if not _BETWEEN.fullmatch(cells[0])]
    return counts == [str(number + 1) for number in range(len(counts))] and all(len(cells) > 2 for cells in rows)


def _sentence(rows: list[list[str]], counted: bool) -> Sentence:
    # Of a CoNLL-U file, contracted words (1-2) and those that are only understood (5.1) are no words.
    if counted and all(len(cells) > 2 for cells in rows):
        rows = [cells[1:] for cells in rows if not _BETWEEN.fullmatch(cells[0])]
    return Sentence(tuple(cells[0] for cells in rows), tuple(cells[-1] for cells in rows))


def _row(line: str, where: str, before: str) -> list[str]:
    cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
    if len(cells) < 2 or not cells[0]:
        raise DataError(f"{where}: expected a token and a tag, found {line.strip()[:40]!r}")
    tag = cells[-1]
    if tag not in TAGS:
        raise DataError(
            f"{where}: tag {tag!r} is not one of {', '.join(TAGS)}; write O for what is none of these types"
        )
    if tag[0] == "I" and tag[2:] != before[2:]:
        label = tag[2:]
        raise DataError(f"{where}: {tag} continues no {label}; tags are IOB2, where an entity begins with B-{label}")
    return cells


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Entities of valid IOB2 tags as (first word, word after the last, label)."""
    found = set()
    start = None
    for index in range(len(tags) + 1):
        if start is not None and (index == len(tags) or not tags[index].startswith("I-")):
            found.add((start, index, tags[start][2:]))
            start = None
        if index < len(tags) and tags[index].startswith("B-"):
            start = index
    return found


def corpora(folder: Path, split: str) -> list[Corpus]:
    """All labelled files `ner/<source>/<language>/<split>.conll.xz` (or `.conll`) under a data folder, in name order.

    Where a folder has a file in both forms, the compressed one counts.

    Raises:
        DataError: there are none in a known language.
    """
    names = (f"{split}.conll", f"{split}.conll.xz")
    paths = {path.parent: path for name in names for path in (folder / "ner").glob(f"*/*/{name}")}
    found = [Corpus(path.parts[-3], path.parts[-2], split, path) for _, path in sorted(paths.items())]
    known = [corpus for corpus in found if corpus.language in LANGUAGES]
    if not known:
        others = ", ".join(sorted({corpus.language for corpus in found}))
        but = f" in a known language, only in {others}" if others else ""
        raise DataError(f"{folder} holds no ner/<source>/<language>/{split}.conll.xz{but}")
    return known


def may_train(corpus: Corpus) -> bool:
    """Whether weights trained on this file may be shipped."""
    return corpus.source in TRAINING_SOURCES or corpus.language in TRAINING_EXTRA.get(corpus.source, ())


def samples() -> list[Corpus]:
    """The built-in sample sentences, one file a language."""
    return [Corpus("samples", path.stem, "test", path) for path in sorted(SAMPLES.glob("*.conll"))]


def draw(sentences: list[T], count: int, seed: int) -> list[T]:
    """At most `count` sentences, drawn without replacement and kept in their order."""
    if len(sentences) <= count:
        return sentences
    chosen = np.random.default_rng(seed).choice(len(sentences), size=count, replace=False)
    return [sentences[index] for index in sorted(chosen)]


def word_list(language: str) -> list[str]:
    """The frequent words of a language, shipped for trimming vocabularies (`train words` made them).

    Raises:
        DataError: there is no list for the language.
    """
    with open_text(WORDS / f"{language}.txt.xz") as lines:
        return lines.read().split("\n")


def text_path(folder: Path, language: str) -> Path:
    """Where a data folder has the unlabelled sentences of a language."""
    return folder / "text" / f"{language}.txt.xz"


def read_text(folder: Path, language: str, count: int, seed: int) -> list[str]:
    """At most `count` unlabelled sentences of `text/<language>.txt.xz`, drawn by seed and kept in their order.

    Raises:
        DataError: the folder has no text of that language, or an empty one.
    """
    path = text_path(folder, language)
    with open_text(path) as lines:
        found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise DataError(f"{path} holds no sentence; delete it, or put one a line into it")
    return draw(found, count, seed)
