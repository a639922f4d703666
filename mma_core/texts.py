"""The text that a build may use: unlabelled sentences, labelled ones, and words, of a data folder or built in."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from . import builtin, data
from .folders import cache_root
from .languages import LANGUAGES
from .orders import REVISION, SEED
from .pieces import join
from .spans import words

ALL_TEXTS = 1_000_000


def unlabelled(folder: Path | None, codes: Sequence[str], count: int) -> dict[str, list[tuple[str, ...]]]:
    """Unlabelled sentences by language, as words: from a data folder, else the built-in samples without their tags.

    Args:
        folder: the data folder, or None.
        codes: the languages wanted; empty for all there are.
        count: at most so many sentences a language.

    Raises:
        DataError: a wanted language has no text in the data folder, or any has an empty one.
    """
    if folder is None:
        found = {corpus.language: corpus.sentences for corpus in data.samples()}
        return {code: [s.words for s in found[code][:count]] for code in sorted(found) if not codes or code in codes}
    there = codes or [code for code in LANGUAGES if data.text_path(folder, code).exists()]
    return {
        code: [tuple(word.text for word in words(text, code)) for text in data.read_text(folder, code, count, SEED)]
        for code in there
    }


def labelled(folder: Path | None, teacher: str) -> dict[tuple[str, str], list[data.Sentence]]:
    """Labelled sentences that students of a teacher may learn from, by source and language.

    These are the training files of a data folder that may train shipped weights. Without one there are no labels: a
    student then sees the text of the built-in samples and the teacher's answers to it, for `bench` measures on their
    labels. A built-in teacher's students see no labels of a language whose labels it did not see itself, or they would
    not be zero-shot.

    Args:
        folder: the data folder, or None.
        teacher: its name.

    Raises:
        DataError: the data folder has no training files.
    """
    files = [] if folder is None else [f for f in data.corpora(folder, "train") if data.may_train(f)]
    if teacher in builtin.names():
        seen = {code for code, count in builtin.labelled(teacher).items() if count.seen}
        files = [file for file in files if file.language in seen]
    return {(file.source, file.language): file.sentences for file in files}


def word_counts(folder: Path | None, code: str) -> Mapping[str, int]:
    """The words of a language and how often each stands in its text.

    These are of a data folder's unlabelled text, in the form in which the model meets it: what is written without
    spaces is one word, since its pieces reach over the words that a corpus cuts it into. Without a folder they are of
    the built-in word list, which knows no numbers: its words are the most frequent ones, and count alike.

    Counting a million sentences takes half a minute, so what was counted is kept in the cache.
    """
    if folder is None:
        return dict.fromkeys(data.word_list(code), 1)
    kept = _counted(data.text_path(folder, code), code)
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    found = Counter(word for text in unlabelled(folder, [code], ALL_TEXTS)[code] for word in join(text)[0].split())
    partial = kept.with_suffix(f".{os.getpid()}.partial")
    with suppress(OSError):  # a cache that cannot be written to costs only time
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        partial.replace(kept)
    return found


def _counted(path: Path, code: str) -> Path:
    """Where the words of a text are kept, once they are counted as this version cuts them."""
    content = path.read_bytes() if path.is_file() else b""
    name = hashlib.sha256(f"{REVISION} {SEED}\n".encode() + content).hexdigest()[:16]
    return cache_root() / "words" / f"{code}-{name}.json"
