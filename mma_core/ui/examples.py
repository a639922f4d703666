"""Example texts: short sample sentences, their words put together again as people write them."""

from functools import lru_cache

from ..data import Sentence, samples
from ..measure.rebuild import rebuild

EXAMPLES = 3
LONGEST = 130


@lru_cache(maxsize=1)
def examples() -> dict[str, tuple[str, ...]]:
    """Language code → up to three sentences with entities of several types, of those with samples."""
    return {corpus.language: _choose(corpus.sentences, corpus.language) for corpus in samples()}


def _choose(sentences: list[Sentence], code: str) -> tuple[str, ...]:
    written = [(rebuild(sentence.words, code)[0], sentence) for sentence in sentences]
    short = [(text, sentence) for text, sentence in written if len(text) <= LONGEST]
    ranked = sorted(short, key=lambda pair: -len({tag[2:] for tag in pair[1].tags if tag != "O"}))
    return tuple(text for text, _ in ranked[:EXAMPLES])


def of(code: str) -> tuple[str, ...]:
    """A language's examples; none where it has no samples."""
    return examples().get(code, ())


def is_example(text: str) -> bool:
    """Whether a text is an example as it stands, so that nothing of the user's is lost in replacing it."""
    return any(text in texts for texts in examples().values())
