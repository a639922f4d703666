"""Tags of pieces → tags of words → spans, for many sentences at once.

Sentences, windows and pieces lie end to end in flat arrays, so that nothing loops over words. A sentence that was cut
into overlapping windows takes each word's tag from the window in which the word stands furthest from a border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .pieces import NO_PIECE, first_pieces

OUTSIDE, BEGIN, INSIDE = range(3)
_PREFIXES = ("O", "B-", "I-")


@dataclass(frozen=True)
class Window:
    """Consecutive words of a sentence, joined to one text that fits the model.

    Attributes:
        sentence: number of the sentence.
        begin: the first word's number in the sentence.
        text: the joined words.
        borders: each word's start and end in the text, shape (words, 2).
    """

    sentence: int
    begin: int
    text: str
    borders: np.ndarray


@dataclass(frozen=True)
class PieceTags:
    """What a model says of windows laid end to end, special pieces left out.

    Attributes:
        counts: how many pieces each window has, shape (windows,).
        offsets: each piece's start and end in its window's text, shape (pieces, 2).
        tags: each piece's tag number, shape (pieces,).
        scores: the probability of that tag, shape (pieces,).
    """

    counts: np.ndarray
    offsets: np.ndarray
    tags: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class WordTags:
    """Valid IOB2 tags of sentences laid end to end.

    Attributes:
        first: number of each sentence's first word, and the number of words, shape (sentences + 1,).
        prefixes: `OUTSIDE`, `BEGIN` or `INSIDE` of each word, shape (words,).
        kinds: number of each word's entity type, shape (words,).
        scores: the probability of each word's tag, 0 where the tokenizer dropped the word, shape (words,).
    """

    first: np.ndarray
    prefixes: np.ndarray
    kinds: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Entities:
    """Entities in the order of the text, one row each.

    Attributes:
        sentences: number of the sentence, shape (entities,).
        begins: first word in the sentence, shape (entities,).
        ends: word after the last, shape (entities,).
        kinds: number of the entity type, shape (entities,).
        scores: mean probability of the words' tags, shape (entities,).
    """

    sentences: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    kinds: np.ndarray
    scores: np.ndarray


class TagSet:
    """A model's tags as pairs of numbers, prefix and entity type.

    Attributes:
        labels: tags in the order of the model's outputs, `O`, `B-…` or `I-…`.
        kinds: entity types by number; the type of `O` is the empty text.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)
        self.kinds = sorted({"", *(label[2:] for label in labels)})
        self._prefixes = np.array([_PREFIXES.index(label[:2]) for label in labels])
        self._kinds = np.array([self.kinds.index(label[2:]) for label in labels])
        self._names = [[prefix + kind for kind in self.kinds] for prefix in _PREFIXES]

    def words(self, windows: Sequence[Window], answer: PieceTags, lengths: Sequence[int]) -> WordTags:
        """Tag each word as its first piece, and make the tags valid IOB2.

        A word that shares its piece with the word before it continues that word's entity; a word that the tokenizer
        dropped is `O`.

        Args:
            windows: what was tagged, covering every word of every sentence.
            answer: the tags of the windows' pieces.
            lengths: number of words of each sentence.
        """
        first = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        if not windows:
            nothing = np.zeros(0, dtype=np.int64)
            return WordTags(first, nothing, nothing, np.zeros(0))
        pieces = _aligned(windows, answer)
        known = pieces != NO_PIECE
        tags = answer.tags[pieces] if len(answer.tags) else np.zeros(len(pieces), dtype=np.int64)
        scores = answer.scores[pieces] if len(answer.tags) else np.zeros(len(pieces))
        prefixes = np.where(known, self._prefixes[tags], OUTSIDE)
        kinds = np.where(known, self._kinds[tags], 0)
        shared = np.concatenate([[False], pieces[1:] == pieces[:-1]])
        prefixes[shared & (prefixes == BEGIN)] = INSIDE
        chosen = _chosen(windows, first)
        prefixes, kinds, scores = prefixes[chosen], kinds[chosen], np.where(known, scores, 0.0)[chosen]
        return WordTags(first, repair(prefixes, kinds, first), kinds, scores)

    def names(self, tagged: WordTags) -> list[list[str]]:
        """The tags of each sentence as text."""
        flat = [
            self._names[prefix][kind]
            for prefix, kind in zip(tagged.prefixes.tolist(), tagged.kinds.tolist(), strict=True)
        ]
        return [flat[begin:end] for begin, end in pairwise(tagged.first.tolist())]


def _aligned(windows: Sequence[Window], answer: PieceTags) -> np.ndarray:
    """The first piece of every word of every window, numbered over all windows."""
    lengths = np.fromiter((len(window.text) + 1 for window in windows), np.int64, len(windows))
    bases = lengths.cumsum() - lengths
    words = np.fromiter((len(window.borders) for window in windows), np.int64, len(windows))
    borders = np.concatenate([window.borders for window in windows]) + np.repeat(bases, words)[:, None]
    offsets = answer.offsets + np.repeat(bases, answer.counts)[:, None]
    return first_pieces("\n".join([window.text for window in windows]), borders, offsets)


def _chosen(windows: Sequence[Window], first: np.ndarray) -> np.ndarray:
    """For each word of the sentences, where it stands in the words of the windows laid end to end.

    Of the windows that hold a word, the one with more words on the word's shorter side counts, the earlier if equal.
    """
    counts = np.fromiter((len(window.borders) for window in windows), np.int64, len(windows))
    begins = np.fromiter((first[window.sentence] + window.begin for window in windows), np.int64, len(windows))
    total, inner = int(counts.sum()), _ranges(counts)
    places = np.repeat(begins, counts) + inner
    context = np.minimum(inner, np.repeat(counts, counts) - 1 - inner)
    # Where a place is written twice the last one stands.
    order = np.lexsort((-np.arange(total), context)) if total > first[-1] else np.arange(total)
    chosen = np.zeros(int(first[-1]), dtype=np.int64)
    chosen[places[order]] = order
    return chosen


def _ranges(counts: np.ndarray) -> np.ndarray:
    """0 … n - 1 for each count n, end to end."""
    return np.arange(int(counts.sum())) - np.repeat(counts.cumsum() - counts, counts)


def repair(prefixes: np.ndarray, kinds: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Make tags valid IOB2: an I that continues nothing of its type becomes a B.

    Args:
        prefixes: prefix of each word, shape (words,).
        kinds: entity type of each word, shape (words,).
        first: where each sentence begins, and the number of words, shape (sentences + 1,).

    Returns:
        The repaired prefixes, shape (words,).
    """
    before = np.concatenate([[-1], kinds[:-1]])[: len(kinds)]
    before[first[first < len(kinds)]] = -1
    return np.where((prefixes == INSIDE) & (before != kinds), BEGIN, prefixes)


def entities(tagged: WordTags) -> Entities:
    """Read entities from valid IOB2 tags."""
    count = len(tagged.prefixes)
    begins = np.flatnonzero(tagged.prefixes == BEGIN)
    if not len(begins):
        return Entities(begins, begins, begins, begins, np.zeros(0))
    stops = np.append(np.flatnonzero(tagged.prefixes != INSIDE), count)
    ends = stops[np.searchsorted(stops, begins, side="right")]
    sums = np.add.reduceat(np.append(tagged.scores, 0.0), np.stack([begins, ends], axis=1).ravel())[::2]
    sentences = np.searchsorted(tagged.first, begins, side="right") - 1
    starts = tagged.first[sentences]
    return Entities(sentences, begins - starts, ends - starts, tagged.kinds[begins], sums / (ends - begins))
