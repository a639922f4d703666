"""Example texts: short sample sentences, their words put together again as people write them."""

import re
from functools import lru_cache

from ..data import Sentence, samples
from ..languages import LANGUAGES, WordRule
from ..pieces import join

EXAMPLES = 3
LONGEST = 130

_CLOSING = re.compile(r" ([,.;:!?…%)\]}»”’،؛؟।、。！？።፤፣])")
_OPENING = re.compile(r"([(\[{«„¿¡]) ")
_POSSESSIVE = re.compile(r" (['’]s)\b")
_ELIDED = re.compile(r"(\b(?!po['’])\w+['’]) (?=\w)")  # Italian `po'` is cut short, not elided
_QUOTED = re.compile(r"([\"“]) ([^\"“”]*?) ?([\"”])")
_MIDDLE_DOT = re.compile(r" ・ ")
_LOW_QUOTED = re.compile(r"(„[^“”]*?) ([“”])")


def detokenise(words: tuple[str, ...], code: str) -> str:
    """Join words as one writes them: punctuation, quotes and elided articles closed up."""
    text = _MIDDLE_DOT.sub("・", join(words)[0])
    text = _LOW_QUOTED.sub(r"\1\2", _OPENING.sub(r"\1", _CLOSING.sub(r" \1", text)))
    text = _QUOTED.sub(r"\1\2\3", _CLOSING.sub(r"\1", text))
    rule = LANGUAGES[code].rule
    if rule is WordRule.ENGLISH:
        return _POSSESSIVE.sub(r"\1", text)
    return _ELIDED.sub(r"\1", text) if rule is WordRule.ELISION else text


@lru_cache(maxsize=1)
def examples() -> dict[str, tuple[str, ...]]:
    """Language code → up to three sentences with entities of several types, of those with samples."""
    return {corpus.language: _choose(corpus.sentences, corpus.language) for corpus in samples()}


def _choose(sentences: list[Sentence], code: str) -> tuple[str, ...]:
    short = [s for s in sentences if len(detokenise(s.words, code)) <= LONGEST]
    ranked = sorted(short, key=lambda s: -len({tag[2:] for tag in s.tags if tag != "O"}))
    return tuple(detokenise(sentence.words, code) for sentence in ranked[:EXAMPLES])


def of(code: str) -> tuple[str, ...]:
    """A language's examples; none where it has no samples."""
    return examples().get(code, ())


def is_example(text: str) -> bool:
    """Whether a text is an example as it stands, so that nothing of the user's is lost in replacing it."""
    return any(text in texts for texts in examples().values())
