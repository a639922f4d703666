"""Tokenising by what stands between spaces: a chunk that was met before is looked up, not cut anew.

Few words make up most of a text (Zipf 1935). Tokenizers that end all their pieces at spaces, those of XLM-R and BERT,
cut a text into the pieces of its chunks laid end to end, so these are worth keeping: beside a small model, tokenising
is most of the work.
"""

import json
import re
import threading
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import regex
from tokenizers import Tokenizer, models

from .shortlist import Pieces, as_pieces

# With their pieces some 7 MB.
MOST_CHUNKS = 32_768
# Longer ones hardly come again, nor do those of scripts that are written without spaces.
LONGEST = 32
_UNBROKEN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}")
# In fewer texts too much is new: to learn it takes longer than looking up saves.
FEW = 256
# New ones are cut so many at a time: to cut each alone takes several times as long.
AT_ONCE = 32
_LEANS = regex.compile(r"[\p{M}\p{Cf}]")
_LETTERWISE = {"Nmt", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer"}
_LONG = ""  # stands for every chunk that is not kept


def ends_at_spaces(tokenizer: Tokenizer) -> bool:
    """Whether a tokenizer is of a kind that ends its pieces at spaces, and cuts what stands between them alike."""
    if tokenizer.truncation or tokenizer.padding or not _normalises_apart(tokenizer):
        return False
    if any(token.normalized or " " in token.content for token in tokenizer.get_added_tokens_decoder().values()):
        return False
    before = _pre_tokenizers(tokenizer)
    if isinstance(tokenizer.model, models.WordPiece):
        return [one["type"] for one in before] == ["BertPreTokenizer"]
    *others, last = before or [{"type": ""}]
    if not isinstance(tokenizer.model, models.Unigram) or any(one["type"] != "WhitespaceSplit" for one in others):
        return False
    return last["type"] == "Metaspace" and last["split"] and last["prepend_scheme"] == "always"


def _normalises_apart(tokenizer: Tokenizer) -> bool:
    normal = tokenizer.normalizer
    return normal is None or normal.normalize_str("a b") == f"{normal.normalize_str('a')} {normal.normalize_str('b')}"


def _parts(whole: Any, name: str) -> list[dict[str, Any]]:
    """The parts of a normalizer or pre-tokenizer as `tokenizer.json` has them; those of a sequence are under `name`."""
    if whole is None:
        return []
    state = json.loads(whole.__getstate__())
    return state[name] if state["type"] == "Sequence" else [state]


def _pre_tokenizers(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    return _parts(tokenizer.pre_tokenizer, "pretokenizers")


def _is_letterwise(normalizer: dict[str, Any]) -> bool:
    """Whether a normalizer makes spaces of single letters alone, if of any."""
    collapses = normalizer.get("pattern") == {"Regex": " {2,}"} and normalizer.get("content") == " "
    return collapses or normalizer["type"] in _LETTERWISE


class ChunkTokenizer:
    """A tokenizer that keeps the pieces of the chunks it met; several threads may use it."""

    def __init__(self, tokenizer: Tokenizer, *, alone: bool) -> None:
        """Wrap a tokenizer that `ends_at_spaces`; alone, the calling thread does all by itself."""
        self._tokenizer, self._alone = tokenizer, alone
        self._normalizer = tokenizer.normalizer
        specials = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
        self._special = regex.compile("|".join(map(regex.escape, specials)) or r"(?!)")
        # Letters known to be plain; of many normalizers a text of plain letters is plain.
        self._plain: set[str] = set()
        self._letterwise = all(map(_is_letterwise, _parts(tokenizer.normalizer, "normalizers")))
        # What stands for a space after pre-tokenising; a space itself where nothing does.
        self._space = next((one["replacement"] for one in _pre_tokenizers(tokenizer) if "replacement" in one), " ")
        self._lock = threading.Lock()
        self._clear()

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._rows: dict[str, int] = {}
        # By row: its first piece, how many it has, and whether they hang on what stands beside it.
        self._chunks = _Table(3)
        # By piece: its number, and where it starts and ends in its chunk.
        self._pieces = _Table(3)

    def encode_batch(self, texts: Sequence[str]) -> list[Pieces]:
        """The pieces of texts, specials left out."""
        if len(texts) < FEW:
            return self._cut(texts)
        split = [[_LONG] if _UNBROKEN.search(text) else text.split(" ") for text in texts]
        chunks = list(chain.from_iterable(split))
        sizes = np.fromiter(map(len, split), np.int64, len(split))
        with self._lock:
            rows, pieces = self._look_up([chunk if len(chunk) <= LONGEST else _LONG for chunk in chunks])
        begins, counts, leaning = rows.T
        pieces = pieces[np.arange(int(counts.sum())) + np.repeat(begins - counts.cumsum() + counts, counts)]
        first = sizes.cumsum() - sizes
        starts = _starts(chunks)
        offsets = pieces[:, 1:] + np.repeat(starts - np.repeat(starts[first], sizes), counts)[:, None]
        ends = [0, *np.add.reduceat(counts, first).cumsum().tolist()]
        found = [Pieces(pieces[begin:end, 0], offsets[begin:end]) for begin, end in pairwise(ends)]
        if leaning.any():
            whole = np.flatnonzero(np.add.reduceat(leaning, first)).tolist()
            for place, one in zip(whole, self._cut([texts[place] for place in whole]), strict=True):
                found[place] = one
        return found

    def _look_up(self, chunks: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The rows of chunks, shape (chunks, 3), and the pieces that they point to."""
        new = set(chunks).difference(self._rows)
        if new and len(self._rows) + len(new) > MOST_CHUNKS:
            self._clear()
            new = set(chunks)
        if new:
            self._learn(list(new))
        rows = np.fromiter(map(self._rows.__getitem__, chunks), np.int64, len(chunks))
        return self._chunks.values[rows], self._pieces.values

    def _learn(self, chunks: list[str]) -> None:
        leaning = np.fromiter(map(self._leans, chunks), bool, len(chunks))
        counts = np.zeros(len(chunks), dtype=np.int64)
        begin = self._pieces.size
        counts[~leaning] = self._cut_apart([chunks[place] for place in np.flatnonzero(~leaning).tolist()])
        self._rows.update(zip(chunks, range(self._chunks.size, self._chunks.size + len(chunks)), strict=True))
        self._chunks.add(np.stack([begin + counts.cumsum() - counts, counts, leaning], axis=1))

    def _leans(self, chunk: str) -> bool:
        """Whether the pieces of a chunk may depend on what stands beside it.

        They may where a special is spelled out in it, where it begins with what belongs to the letter before, and where
        it has a space once it is normalised, or nothing.
        """
        if not chunk or _LEANS.match(chunk) or self._special.search(chunk):
            return True
        if not self._letterwise:
            return not self._is_plain(chunk)
        if not self._plain.issuperset(chunk):
            self._plain.update(filter(self._is_plain, set(chunk) - self._plain))
        return not self._plain.issuperset(chunk)

    def _is_plain(self, text: str) -> bool:
        """Whether a text has a normal form, without a space in it."""
        form = self._normalizer.normalize_str(text) if self._normalizer else text
        return form != "" and self._space not in form and not any(map(str.isspace, form))

    def _cut_apart(self, chunks: list[str]) -> np.ndarray:
        """Add the pieces of chunks to those that are known, and say how many each has."""
        if not chunks:
            return np.zeros(0, dtype=np.int64)
        texts = [" ".join(chunks[begin : begin + AT_ONCE]) for begin in range(0, len(chunks), AT_ONCE)]
        found = self._cut(texts)
        ids, offsets = (np.concatenate(part) for part in zip(*((one.ids, one.offsets) for one in found), strict=True))
        # As if these texts were joined by a space too.
        offsets = offsets + np.repeat(_starts(texts), [len(one) for one in found])[:, None]
        spaces = np.frombuffer(" ".join(texts).encode("utf-32-le"), dtype=np.uint32) == ord(" ")
        offsets[:, 0] += spaces[offsets[:, 0]]
        starts = _starts(chunks)
        owners = np.searchsorted(starts, offsets[:, 0], side="right") - 1
        self._pieces.add(np.column_stack([ids, offsets - starts[owners][:, None]]))
        return np.bincount(owners, minlength=len(chunks))

    def _cut(self, texts: Sequence[str]) -> list[Pieces]:
        return cut(self._tokenizer, texts, alone=self._alone)


def cut(tokenizer: Tokenizer, texts: Sequence[str], *, alone: bool) -> list[Pieces]:
    """The pieces of texts, specials left out; alone, by the calling thread."""
    # How many threads a batch takes is settled once a process, by its first; a single text takes one.
    parts = [[text] for text in texts] if alone else [texts]
    return as_pieces([one for part in parts for one in tokenizer.encode_batch(part, add_special_tokens=False)])


def _starts(texts: Sequence[str]) -> np.ndarray:
    """Where each text starts if all are joined by spaces, shape (texts,)."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return (lengths + 1).cumsum() - lengths - 1


class _Table:
    """Rows of whole numbers, to which more can be added; what was taken of it before stays as it was."""

    def __init__(self, columns: int) -> None:
        self.size = 0
        self.values = np.zeros((1024, columns), dtype=np.int32)

    def add(self, rows: np.ndarray) -> None:
        """Add rows at the end."""
        size = self.size + len(rows)
        if size > len(self.values):
            grown = np.zeros((2 * size, self.values.shape[1]), dtype=np.int32)
            grown[: self.size] = self.values[: self.size]
            self.values = grown
        self.values[self.size : size] = rows
        self.size = size
