"""Entities replaced by others of their type: the test of Ogueji et al. (2022)."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ...data import Sentence
from ...data import entities as of_tags
from ...languages import LANGUAGES, Language
from .base import Change, Draw, Material, Mention, pick

Source = Mapping[str, Sequence[Mention]]
Kin = Callable[[Language, Language], bool]


def same_language(one: Language, other: Language) -> bool:
    """Whether two are one language."""
    return one.code == other.code


def same_script(one: Language, other: Language) -> bool:
    """Whether they are two languages of one script."""
    return one.code != other.code and one.script == other.script


def same_family(one: Language, other: Language) -> bool:
    """Whether they are two languages of one family."""
    return one.code != other.code and one.family == other.family


def mentions(sentences: Iterable[Sentence]) -> dict[str, list[Mention]]:
    """The words of each different entity, by type, in order of appearance."""
    found: dict[str, dict[Mention, None]] = {}
    for sentence in sentences:
        for start, end, label in sorted(of_tags(sentence.tags)):
            found.setdefault(label, {})[sentence.words[start:end]] = None
    return {label: list(each) for label, each in found.items()}


def swapping(kin: Kin) -> Change:
    """A change that replaces entities by others of their type.

    The language is drawn first, each with the same chance, then one of its entities, each with the same chance. An
    entity for which there is no other stays.

    Args:
        kin: whether another language may give entities to a sentence's own.
    """

    def change(sentence: Sentence, material: Material, draws: Sequence[Draw]) -> Sentence:
        words: list[str] = []
        tags: list[str] = []
        done = 0
        for (start, end, label), draw in zip(sorted(of_tags(sentence.tags)), draws, strict=False):
            other = _another(sentence.words[start:end], label, _sources(material, kin), draw) if draw.hit else None
            if other is not None:
                words += [*sentence.words[done:start], *other]
                tags += [*sentence.tags[done:start], f"B-{label}", *[f"I-{label}"] * (len(other) - 1)]
                done = end
        return Sentence((*words, *sentence.words[done:]), (*tags, *sentence.tags[done:]))

    return change


def _sources(material: Material, kin: Kin) -> list[Source]:
    codes = [code for code in sorted(material.mentions) if kin(material.language, LANGUAGES[code])]
    return [material.mentions[code] for code in codes]


def _another(own: Mention, label: str, sources: Sequence[Source], draw: Draw) -> Mention | None:
    offered = [source[label] for source in sources if any(other != own for other in source.get(label, ()))]
    if not offered:
        return None
    source = pick(offered, draw.source)
    chosen = pick(source, draw.which)
    return chosen if chosen != own else source[source.index(chosen) - 1]


def lacking(kin: Kin, reason: str) -> Callable[[Material], str]:
    """Why a language's entities cannot be replaced.

    Args:
        kin: which languages may give entities.
        reason: what is said when none does.
    """
    return lambda material: "" if any(_sources(material, kin)) else reason
