"""Words to word-pieces and back: one alignment for training, tagging and the baseline.

A sentence's words are joined to one text, the text is tokenised, and each word is tagged at its first piece
(Devlin et al. 2019, section 5.3). Joining is a function of the words alone, so pre-split corpora and the app's
text meet the model in the same form.
"""

from collections.abc import Sequence

import numpy as np
import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3000-\u303F\uFF00-\uFFEFー"
ENDS_UNSPACED = regex.compile(rf"[{_UNSPACED}]\p{{M}}*\Z")
STARTS_UNSPACED = regex.compile(rf"[{_UNSPACED}]")
NO_PIECE = -1


def join(words: Sequence[str]) -> tuple[str, np.ndarray]:
    """Join words with spaces, or with nothing between two that are written without spaces.

    Returns:
        The text, and each word's start and end in it, shape (words, 2), int64.
    """
    parts: list[str] = []
    borders = np.zeros((len(words), 2), dtype=np.int64)
    position, previous_unspaced = 0, False
    for index, word in enumerate(words):
        if index and not (previous_unspaced and STARTS_UNSPACED.match(word)):
            parts.append(" ")
            position += 1
        parts.append(word)
        borders[index] = position, position + len(word)
        position += len(word)
        previous_unspaced = ENDS_UNSPACED.search(word) is not None
    return "".join(parts), borders


def first_pieces(text: str, borders: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Each word's first piece: the first that starts inside it, else the one that covers its start.

    Args:
        text: the joined words.
        borders: word starts and ends, shape (words, 2).
        starts: where each piece starts in the text, ascending, special pieces left out, shape (pieces,); some
            tokenizers count the space before a word as part of its first piece.

    Returns:
        Index into `starts`, shape (words,), int64; `NO_PIECE` where the tokenizer dropped the word.
    """
    if starts.size == 0 or len(borders) == 0:
        return np.full(len(borders), NO_PIECE, dtype=np.int64)
    spaces = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32) == ord(" ")
    starts = starts + spaces[np.minimum(starts, len(text) - 1)]
    found = np.searchsorted(starts, borders[:, 0], side="left")
    inside = (found < starts.size) & (starts[np.minimum(found, starts.size - 1)] < borders[:, 1])
    return np.where(inside, found, found - 1)
