"""What a perturbation is, and how chance decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar
from zlib import crc32

import numpy as np

from ...data import Sentence
from ...languages import Language

Mention = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Material:
    """What the perturbations of one language may draw from.

    Attributes:
        language: of the sentences.
        mentions: language code → type → the words of each different entity of the corpora given.
        english: word in lower case → the English word that stands for it when languages are mixed.
    """

    language: Language
    mentions: Mapping[str, Mapping[str, Sequence[Mention]]] = field(default_factory=dict)
    english: Mapping[str, str] = field(default_factory=dict)


class Draw(NamedTuple):
    """What chance says of one unit, a word or an entity.

    Attributes:
        hit: whether it changes.
        which: which of its changes, from 0 to 1.
        source: which source that comes from, where there are several, from 0 to 1.
    """

    hit: bool
    which: float
    source: float


Change = Callable[[Sentence, Material, Sequence[Draw]], Sentence]
Variants = Callable[[str, Language], Sequence[str]]


@dataclass(frozen=True)
class Perturbation:
    """One way in which text is worse than a model's training text.

    Attributes:
        name: on the command line and in tables.
        title: in the app.
        summary: one line on what it does.
        change: changes one sentence; there is a draw for each of its words, and entities take the first ones.
        lacks: why it cannot be applied to a language; empty where it can.
    """

    name: str
    title: str
    summary: str
    change: Change
    lacks: Callable[[Material], str]

    def apply(self, sentence: Sentence, material: Material, *, strength: float, seed: Sequence[int]) -> Sentence:
        """Change a sentence.

        Chance depends on the seed and this perturbation's name alone, so what changes at one strength changes in the
        same way at every higher one.

        Args:
            sentence: with valid IOB2 tags.
            material: of its language.
            strength: the share of what can change that does, from 0 (the sentence as it is) to 1.
            seed: numbers that stand for the run and the sentence.

        Returns:
            A sentence whose tags are valid IOB2 and name the entities of its words.

        Raises:
            ValueError: the strength is not from 0 to 1.
        """
        if not 0 <= strength <= 1:
            raise ValueError(f"strength {strength} is not from 0 to 1")
        rng = np.random.default_rng([*seed, crc32(self.name.encode())])
        chances = rng.random((len(sentence.words), 3)).tolist()
        return self.change(sentence, material, [Draw(hit < strength, *others) for hit, *others in chances])


def pick(options: Sequence[T], chance: float) -> T:
    """The option that a number from 0 to 1 (exclusive) stands for."""
    return options[int(chance * len(options))]


def rewriting(variants: Variants) -> Change:
    """A change that replaces words by one of their variants and leaves the tags.

    Args:
        variants: a word and its language → the forms that it may take; none where it stays.
    """

    def change(sentence: Sentence, material: Material, draws: Sequence[Draw]) -> Sentence:
        pairs = zip(sentence.words, draws, strict=True)
        words = tuple(_rewritten(word, draw, variants, material.language) for word, draw in pairs)
        return Sentence(words, sentence.tags)

    return change


def _rewritten(word: str, draw: Draw, variants: Variants, language: Language) -> str:
    found = [form for form in variants(word, language) if form.strip() and form != word] if draw.hit else []
    return pick(found, draw.which) if found else word


def one_off(word: str, others: Mapping[str, Sequence[str]]) -> list[str]:
    """All forms of a word in which one occurrence of a key is replaced.

    Args:
        word: any.
        others: one or two letters → what may stand in their place.
    """
    return [
        word[:place] + other + word[place + length :]
        for place in range(len(word))
        for length in (1, 2)
        if place + length <= len(word)
        for other in others.get(word[place : place + length], ())
    ]
