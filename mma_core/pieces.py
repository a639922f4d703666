"""Words to word-pieces and back: one alignment for training, tagging and the baseline.

A sentence's words are joined to one text, the text is tokenised, and each word is tagged at its first piece
(Devlin et al. 2019, section 5.3). Joining is a function of the words alone, so pre-split corpora and the app's
text meet the model in the same form.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import regex

from .spans import MAY_BE_UNSPACED

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3000-\u303F\uFF00-\uFFEFー"
ENDS_UNSPACED = regex.compile(rf"[{_UNSPACED}]\p{{M}}*\Z")
STARTS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")
NO_PIECE = -1
_TAIL = 16  # a character and its marks


def join(words: Sequence[str]) -> tuple[str, np.ndarray]:
    """Join words with spaces, or with nothing between two that are written without spaces.

    Returns:
        The text, and each word's start and end in it, shape (words, 2), int64.
    """
    text = " ".join(words)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    gaps = np.ones(len(words), dtype=np.int64)
    gaps[:1] = 0
    if MAY_BE_UNSPACED.search(text):
        gaps[1:] = [not (_ends_unspaced(a[-_TAIL:]) and _starts_unspaced(b[0])) for a, b in pairwise(words)]
        text = "".join([" " * gap + word for gap, word in zip(gaps.tolist(), words, strict=True)])
    borders = np.empty((len(words), 2), dtype=np.int64)
    borders[:, 1] = (lengths + gaps).cumsum()
    borders[:, 0] = borders[:, 1] - lengths
    return text, borders


def join_all(sentences: Sequence[Sequence[str]]) -> list[tuple[str, np.ndarray]]:
    """As `join`, of many sentences at once, each of one word at least."""
    sizes = np.fromiter(map(len, sentences), np.int64, len(sentences))
    lengths = np.fromiter(map(len, chain.from_iterable(sentences)), np.int64, int(sizes.sum()))
    ends = (lengths + 1).cumsum() - 1
    first = sizes.cumsum() - sizes
    ends -= np.repeat((ends - lengths)[first], sizes)
    borders = np.stack([ends - lengths, ends], axis=1)
    found = []
    for sentence, begin, size in zip(sentences, first.tolist(), sizes.tolist(), strict=True):
        text = " ".join(sentence)
        spaced = MAY_BE_UNSPACED.search(text) is None
        found.append((text, borders[begin : begin + size]) if spaced else join(sentence))
    return found


# Scripts that are written without spaces have words of one character, so few make up most of a text.
@lru_cache(maxsize=50_000)
def _ends_unspaced(word: str) -> bool:
    return ENDS_UNSPACED.search(word) is not None


@lru_cache(maxsize=50_000)
def _starts_unspaced(word: str) -> bool:
    return STARTS_UNSPACED.match(word) is not None


def first_pieces(text: str, borders: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Each word's first piece: the first that starts inside it, else the one that covers its start.

    Several texts can be aligned at once if they are laid end to end with a character between two.

    Args:
        text: the joined words.
        borders: word starts and ends, shape (words, 2), ascending.
        offsets: where each piece starts and ends in the text, ascending, special pieces left out, shape (pieces, 2);
            some tokenizers count the space before a word as part of its first piece.

    Returns:
        Index into `offsets`, shape (words,), int64; `NO_PIECE` where the tokenizer dropped the word.
    """
    if len(offsets) == 0 or len(borders) == 0:
        return np.full(len(borders), NO_PIECE, dtype=np.int64)
    spaces = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32) == ord(" ")
    starts = offsets[:, 0] + spaces[np.minimum(offsets[:, 0], len(text) - 1)]
    found = np.searchsorted(starts, borders[:, 0], side="left")
    inside = (found < len(starts)) & (starts[np.minimum(found, len(starts) - 1)] < borders[:, 1])
    covered = (found > 0) & (offsets[found - 1, 1] > borders[:, 0])
    return np.where(inside, found, np.where(covered, found - 1, NO_PIECE))
