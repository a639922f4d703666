"""Text to words, tags to spans: pure, no model.

A span's offsets are characters (Unicode code points) of the text as given, end exclusive.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import regex

from .languages import WordRule, language

# The long-vowel marks and the full-width letters and digits are written as these scripts are, and belong to no script.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー\uFF10-\uFF5A\uFF70"
_SPACED = rf"[[\p{{L}}\p{{N}}_]--[{_UNSPACED}]]"
_LETTER = rf"{_SPACED}\p{{M}}*"
_JOINERS = r"[\u200C\u200D\u00AD]?"
# Atomic, so that no rule ends a word in the middle of its letters.
_RUN = rf"(?>{_LETTER}(?:{_JOINERS}{_LETTER})*{_JOINERS})"
_END = r"(?![\p{L}\p{M}\p{N}])"
_INNER = r"['’ʼ´`.\-‐‑·&@]"
_NUMBER = r"(?>\p{Nd}+(?:[.,:٫٬]\p{Nd}+)+)(?![\p{L}\p{N}])"
# What goes on in lower case is an ordinal, not the end of a sentence, and so is a club's: `2013. godine`, `1. FC Köln`.
_ORDINAL = r"(?>\p{Nd}+(?:\.\p{Nd}+)*)\.(?=\s+\p{Ll})|\p{Nd}{1,2}\.(?=\s+\p{Lu}{2,4}\s)"
_INITIALS = r"(?:\p{Lu}\.){2,}|\p{Lu}\.(?=,|[\s-]*\p{Lu}|\s+\p{Ll})|\p{Devanagari}\p{M}*\."
# Abbreviations keep their full stop: `m.in.`, `Dr. Who`, `Siemens Corp. said`, `nr. 5`.
_DOTTED = rf"\p{{L}}{{1,2}}(?:\.\p{{L}}{{1,3}})+\.{_END}"
_TITLES = rf"(?:Mrs?|Ms|Drs?|Prof|Ste?|St[ao]|Mt|Gen|Col|Capt|Lt|Sgt|Rev|Sen|Rep|Gov|Sf|św)\.{_END}"
_FIRMS = rf"(?:Inc|Corp|Ltd|Co|Bros|[JS]r|Rt|Kft)\.(?!\s*\Z){_END}"
_NAMED = "nr|no|vol|art|kr|ca|kl|mia|mill|mio|mld|bzw|etc|tel|np|pt"
_UNITS = rf"(?i:{_NAMED})\.(?=,|\s+[\p{{Ll}}\p{{Nd}}])"
# All in small letters that may keep a single full stop; and none that does is longer.
_SHORT, _LONGEST_SHORT = frozenset([*_NAMED.split("|"), "św"]), 4
# Many words end at a space: to say so first is faster and changes no cut.
_PLAIN = rf"{_SPACED}++(?=,?\s)"
_WHOLE = "|".join([_ORDINAL, _DOTTED, _TITLES, _FIRMS, _UNITS, _INITIALS, _NUMBER])
# Case endings after a colon, as in Finnish `EU:n`; a hyphen that stands for the rest of a compound, `Nord- und`.
_CASE = rf":\p{{Ll}}{{1,4}}{_END}"
_SUSPENDED = r"-(?=\s+(?:und|oder|bzw|og|eller|och|samt|ja|tai|sekä)\s)"
_CLITIC = rf"['’](?i:s|m|d|re|ve|ll){_END}"
_NOT = rf"(?i:n['’]t){_END}"
_PLURAL, _CASES = "हर[ूु]", "को|का|की|मा|ले|लाई|बाट|सँग|द्वारा"
_POSTPOSITION = rf"(?:{_PLURAL}(?:{_CASES})?|{_CASES}){_END}"
# Names and common words that end as a postposition does.
_NO_POSTPOSITION = (
    r"(?:एमाले|\p{Devanagari}*ि(?:का|की)|श्रील(?:ं|ङ्)का|ढाका|ओसाका|बाँकी|मेक्सिको|\p{Devanagari}*सिस्को|मोनाको|मस्को"
    rf"|लामा|ओबामा|आमा|सीमा|प्रतिमा|महिमा|अहिले|पहिले|कहिले){_END}"
)
# A Thai or Lao vowel that stands after its consonant is a character of its own, though one grapheme with it; no word
# reaches over a space, as a grapheme does that begins with a sign of the Arabic script for numbers.
_REST = r"(?P<mark>[\p{P}\p{S}--\p{Emoji_Presentation}])(?P=mark)+|[\p{Thai}\p{Lao}]\p{M}*|\p{Cf}++(?=\s)|\X"

_RULES = {
    WordRule.SPACES: rf"{_PLAIN}|{_WHOLE}|{_RUN}(?:{_INNER}{_RUN})*(?:{_CASE}|{_SUSPENDED})?",
    WordRule.CHARACTERS: rf"{_PLAIN}|{_WHOLE}|{_RUN}(?:{_INNER}{_RUN})*",
    WordRule.POSSESSIVE: (
        rf"{_PLAIN}|{_WHOLE}|{_CLITIC}|{_NOT}|(?:{_LETTER})+?(?={_NOT})|{_RUN}(?:(?!{_CLITIC}){_INNER}{_RUN})*"
    ),
    WordRule.ELISION: (
        rf"{_PLAIN}|{_WHOLE}|(?i:aujourd['’]hui)|{_RUN}['’´`](?=\w)|{_RUN}(?:[.\-‐‑·&@]{_RUN}(?!['’´`]\w))*"
    ),
    # An apostrophe is a letter inside words, at the start of some in Hausa (’yan), at the end of some in Luo (ng’)
    # and of single letters (Yoruba n’); elsewhere at an end it is a quote.
    WordRule.MARKS: (
        rf"{_PLAIN}|(?:['‘’](?=[Yy]a))?{_RUN}(?:['’ʼ]{_RUN})*"
        rf"(?:(?<=[Nn]g|(?<![\p{{L}}\p{{M}}])\p{{L}})['’]{_END})?"
    ),
    WordRule.POSTPOSITION: (
        rf"{_WHOLE}|{_POSTPOSITION}|(?!{_NO_POSTPOSITION})(?:{_LETTER}){{2,}}?(?<![रम]\u094D)(?={_POSTPOSITION})"
        rf"|{_RUN}(?:(?!\.{_POSTPOSITION}){_INNER}{_RUN})*"
    ),
}
# No script that is written without spaces stands below Thai in Unicode, nor from the Latin letters of Yoruba and
# Vietnamese to the signs before the radicals of Han.
MAY_BE_UNSPACED = re.compile("[\u0e00-\u1dff\u2e80-\U0010ffff]")
# Letters that are a word each by all rules, if two such follow: no mark or full stop is near enough to change that.
_APART = re.compile("[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]{3,}")
_OPENING, _CLOSING = '("“„«[', ',;:!?)"”“»].،؛؟۔।'
_LETTERS = regex.compile(r"(?:[\p{L}\p{N}]\p{M}*)++")
_INVISIBLE = regex.compile(r"[\s\p{Z}\p{Cc}\p{Cf}]+")


@cache
def _pattern(rule: WordRule) -> regex.Pattern[str]:
    return regex.compile(rf"\s*+({_RULES[rule]}|{_REST})", regex.V1)


@dataclass(frozen=True)
class Span:
    """One entity: characters `start` to `end` (exclusive) of the text, its label, and a score from 0 to 1."""

    start: int
    end: int
    label: str
    score: float


class Word(NamedTuple):
    """One word of a text and where it stands."""

    text: str
    start: int
    end: int


def words(text: str, code: str) -> list[Word]:
    """Cut a text into words as the corpora of its language do.

    Punctuation stands apart, but for what belongs to a word, as in abbreviations; Han, kana, Hangul and Thai are cut
    into single characters with their marks, in every language. White space is dropped, and so are invisible characters
    that stand alone.

    Args:
        text: any text.
        code: language code.

    Returns:
        The words in order; their offsets never overlap.

    Raises:
        DataError: the language is unknown.
    """
    rule = language(code).rule
    if rule is WordRule.POSTPOSITION:
        return _matched(rule, text, 0, len(text))
    found: list[Word] = []
    end = 0
    for run in text.split():
        start = text.index(run, end)
        end = start + len(run)
        if _is_whole(run):
            found.append(Word(run, start, end))
        elif parts := _parts(run):
            for part in parts:
                found.append(Word(part, start, start + len(part)))
                start += len(part)
        else:
            found += _matched(rule, text, start, end)
    return found


def _parts(run: str) -> list[str]:
    """The words of a run between spaces, if by all rules but one they are a whole one and marks; else none."""
    opened = run[0] in _OPENING
    bare = run[opened:].rstrip(_CLOSING)
    marks = run[opened + len(bare) :]
    if len(marks) > 2 or len(set(marks)) < len(marks) or not bare or not _is_whole(bare):
        return []
    if marks[:1] == "." and not _is_never_short(bare):
        return []
    return [*run[:opened], bare, *marks]


def _is_never_short(word: str) -> bool:
    """Whether no rule takes a word for the abbreviation that it would be with the full stop behind it."""
    return word.isalpha() and (len(word) > _LONGEST_SHORT or (word.islower() and word not in _SHORT))


def _is_whole(run: str) -> bool:
    """Whether a run between spaces is letters and digits with their marks, which are one word by all rules but one."""
    if run.isalnum():
        return run.isascii() or MAY_BE_UNSPACED.search(run) is None
    return not run.isascii() and MAY_BE_UNSPACED.search(run) is None and _LETTERS.fullmatch(run) is not None


def _matched(rule: WordRule, text: str, start: int, end: int) -> list[Word]:
    """The words that begin from `start` to `end`, by the rule's pattern."""
    found: list[Word] = []
    pattern = _pattern(rule)
    while start < end:
        if letters := _APART.match(text, start, end):
            stop = letters.end() - 2
            found += map(Word, text[start:stop], range(start, stop), range(start + 1, stop + 1))
            start = stop
        match = pattern.match(text, start)
        if match is None:
            break
        word, start = match[1], match.end()
        if word[0].isalnum() or not _INVISIBLE.fullmatch(word):
            found.append(Word(word, *match.span(1)))
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
