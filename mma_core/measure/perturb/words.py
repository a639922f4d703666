"""Whole words: lost punctuation, and English words among others."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from ...data import Sentence
from ...languages import WordRule
from .base import Draw, Material

ENGLISH = "en"


def drop_punctuation(sentence: Sentence, _material: Material, draws: Sequence[Draw]) -> Sentence:
    """Drop words that are nothing but marks; those inside entities stay, as parts of names, and so does one word."""
    marks = [
        place
        for place, (word, tag) in enumerate(zip(sentence.words, sentence.tags, strict=True))
        if tag == "O" and _is_punctuation(word)
    ]
    if len(marks) == len(sentence.words):
        marks = marks[1:]
    dropped = {place for place in marks if draws[place].hit}
    kept = [place for place in range(len(sentence.words)) if place not in dropped]
    return Sentence(tuple(sentence.words[place] for place in kept), tuple(sentence.tags[place] for place in kept))


def _is_punctuation(word: str) -> bool:
    return all(unicodedata.category(character)[0] in "PS" for character in word)


def nowhere(_material: Material) -> str:
    """Why it cannot be applied: it always can."""
    return ""


def mix(sentence: Sentence, material: Material, draws: Sequence[Draw]) -> Sentence:
    """Replace words outside entities by English ones.

    This is not code-switching as people do it, which follows grammar and meaning: there is no translation in it. It
    shows how far a tagger leans on a sentence's own words rather than on its names. A capital stays one.
    """
    cells = zip(sentence.words, sentence.tags, draws, strict=True)
    words = (_mixed(word, material) if draw.hit and tag == "O" else word for word, tag, draw in cells)
    return Sentence(tuple(words), sentence.tags)


def _mixed(word: str, material: Material) -> str:
    other = material.english.get(word.lower())
    if other is None:
        return word
    return other.capitalize() if word[0].isupper() else other


def english_for(own: Iterable[Sentence], english: Iterable[Sentence]) -> dict[str, str]:
    """The English word for each word of a language: that of the same frequency rank in an English corpus.

    Words rarer than the last English one share the rarer half of the English words.

    Args:
        own: sentences of the language.
        english: English sentences.
    """
    theirs = _by_frequency(english)
    rarer = len(theirs) // 2
    ours = _by_frequency(own) if theirs else []
    return {
        word: theirs[rank] if rank < len(theirs) else theirs[rarer + rank % (len(theirs) - rarer)]
        for rank, word in enumerate(ours)
    }


def _by_frequency(sentences: Iterable[Sentence]) -> list[str]:
    counts = Counter(
        word.lower()
        for sentence in sentences
        for word, tag in zip(sentence.words, sentence.tags, strict=True)
        if tag == "O" and any(letter.isalpha() for letter in word)
    )
    return sorted(counts, key=lambda word: (-counts[word], word))


def lacks_mixing(material: Material) -> str:
    """Why a language cannot be mixed with English."""
    if material.language.code == ENGLISH:
        return "it is English"
    if material.language.rule is WordRule.CHARACTERS:
        return "its corpora have characters for words"
    return "" if material.english else "no English corpus is in the data"
