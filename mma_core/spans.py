"""Text to words, tags to spans: pure, no model.

A span's offsets are characters (Unicode code points) of the text as given, end exclusive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import regex

from .languages import WordRule, language

# The long-vowel marks and the full-width letters and digits are written as these scripts are, and belong to no script.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー\uFF10-\uFF5A\uFF70"
_LETTER = rf"[[\p{{L}}\p{{N}}_]--[{_UNSPACED}]]\p{{M}}*"
_JOINERS = r"[\u200C\u200D]?"
# Atomic, so that no rule ends a word in the middle of its letters.
_RUN = rf"(?>{_LETTER}(?:{_JOINERS}{_LETTER})*{_JOINERS})"
_NUMBER = r"(?>\p{Nd}+(?:[.,:٫٬]\p{Nd}+)+)(?![\p{L}\p{N}])"
_INNER = r"['’ʼ.\-‐‑·&@]"
_INITIALS = r"(?:\p{Lu}\.){2,}|\p{Lu}\.(?=[\s-]*\p{Lu})"
# A Thai or Lao vowel that stands after its consonant is a character of its own, though one grapheme with it.
_REST = r"(?P<mark>[\p{P}\p{S}--\p{Emoji_Presentation}])(?P=mark)+|[\p{Thai}\p{Lao}]\p{M}*|\s|\X"

_RULES = {
    WordRule.SPACES: rf"{_RUN}(?:{_INNER}{_RUN})*",
    WordRule.CHARACTERS: rf"{_RUN}(?:{_INNER}{_RUN})*",
    WordRule.ENGLISH: rf"['’]s\b|{_RUN}(?:(?!['’]s\b){_INNER}{_RUN})*",
    WordRule.ELISION: rf"(?i:aujourd['’]hui)|{_RUN}['’](?=\w)|{_RUN}(?:[.\-‐‑·&@]{_RUN}(?!['’]\w))*",
}
_INVISIBLE = regex.compile(r"[\s\p{Z}\p{Cc}\p{Cf}]+")


@cache
def _pattern(rule: WordRule) -> regex.Pattern[str]:
    return regex.compile(rf"{_INITIALS}|{_NUMBER}|{_RULES[rule]}|{_REST}", regex.V1)


@dataclass(frozen=True)
class Span:
    """One entity: characters `start` to `end` (exclusive) of the text, its label, and a score from 0 to 1."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class Word:
    """One word of a text and where it stands."""

    text: str
    start: int
    end: int


def words(text: str, code: str) -> list[Word]:
    """Cut a text into words as the corpora of its language do.

    Punctuation stands apart; Han, kana, Hangul and Thai are cut into single characters with their marks, in every
    language. White space is dropped, and so are invisible characters that stand alone.

    Args:
        text: any text.
        code: language code.

    Returns:
        The words in order; their offsets never overlap.

    Raises:
        DataError: the language is unknown.
    """
    found = []
    for match in _pattern(language(code).rule).finditer(text):
        word = match.group()
        if word[0].isalnum() or not _INVISIBLE.fullmatch(word):
            found.append(Word(word, *match.span()))
    return found


def repair(tags: Sequence[str]) -> list[str]:
    """Make tags valid IOB2: an I that continues nothing of its label becomes a B."""
    repaired: list[str] = []
    previous = "O"
    for tag in tags:
        starts = tag.startswith("I-") and previous[2:] != tag[2:]
        repaired.append("B-" + tag[2:] if starts else tag)
        previous = tag
    return repaired


def spans(borders: Sequence[Word], tags: Sequence[str], scores: Sequence[float]) -> list[Span]:
    """Read entities from repaired IOB2 tags.

    Args:
        borders: the words.
        tags: one a word, valid IOB2.
        scores: probability of each word's tag; a span's score is their mean.

    Returns:
        Entities in text order.
    """
    found: list[Span] = []
    start = None
    for index in range(len(tags) + 1):
        inside = index < len(tags) and tags[index].startswith("I-")
        if start is not None and not inside:
            score = sum(scores[start:index]) / (index - start)
            found.append(Span(borders[start].start, borders[index - 1].end, tags[start][2:], round(score, 4)))
            start = None
        if index < len(tags) and tags[index].startswith("B-"):
            start = index
    return found


def tags(borders: Sequence[Word], entities: Sequence[Span]) -> list[str]:
    """The inverse of `spans`: IOB2 tags of the words that lie inside entities."""
    found = ["O"] * len(borders)
    for entity in entities:
        prefix = "B-"
        for index, word in enumerate(borders):
            if entity.start <= word.start and word.end <= entity.end:
                found[index], prefix = prefix + entity.label, "I-"
    return found


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
