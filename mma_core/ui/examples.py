"""Example texts: short sample sentences, their words put together again as people write them."""

from functools import cache

from ..data import Sentence, samples
from ..measure.rebuild import rebuild

EXAMPLES = 3
LONGEST = 130


@cache
def of(code: str) -> tuple[str, ...]:
    """Up to three sentences of a language with entities of several types; none where it has no samples."""
    return next((_choose(corpus.sentences, code) for corpus in samples() if corpus.language == code), ())


def _choose(sentences: list[Sentence], code: str) -> tuple[str, ...]:
    written = [(rebuild(sentence.words, code)[0], sentence) for sentence in sentences]
    short = [(text, sentence) for text, sentence in written if len(text) <= LONGEST]
    ranked = sorted(short, key=lambda pair: -len({tag[2:] for tag in pair[1].tags if tag != "O"}))
    return tuple(text for text, _ in ranked[:EXAMPLES])


def is_example(text: str) -> bool:
    """Whether a text is an example as it stands, so that nothing of the user's is lost in replacing it."""
    return any(text in of(corpus.language) for corpus in samples())
