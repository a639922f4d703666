"""Words → the text as people write it: the way back from a corpus's words to raw text.

Punctuation, closing quotes and brackets close up to the word before them, opening ones to the word after; clitics,
elided articles and numbers cut in two are whole again; scripts without spaces get none. What the corpus changed in
the letters themselves (Portuguese `de o` for `do`) stays as the corpus has it, so that each word keeps its place.
"""

from collections.abc import Sequence

import regex

from ..languages import Language, WordRule, language
from ..pieces import ENDS_UNSPACED, STARTS_UNSPACED
from ..spans import Word

_CLOSING = regex.compile(r"[.,:;!?…%‰°²³ºª™®)\]}،؛؟।॥۔、。，．：；！？）】》〉」』፡።፣፤፥፦፧·]+")
_FRENCH_CLOSING = regex.compile(r"[.,…°²³)\]}]+")
_OPENING = regex.compile(r"[(\[{¿¡（【《〈「『@]+")
_CURRENCY = regex.compile(r"[#$£€¥₦₹]|\p{Lu}{1,2}\$")
_DASH = regex.compile(r"[-‐‑–—−]")
_SLASH = regex.compile(r"/")
_ENDS_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]\Z")
_STARTS_WORD = regex.compile(r"[\p{L}\p{N}]")
_ENDS_DIGIT = regex.compile(r"\p{Nd}\Z")
_STARTS_DIGIT = regex.compile(r"\p{Nd}")
_THOUSANDS = regex.compile(r"\p{Nd}{3}(?!\p{Nd})")

# What closes each quote. A straight quote opens and closes; where nothing closes it, see `_lone`.
_CLOSERS = {
    '"': ('"', "”", "“"),
    '""""': ('""""',),
    "'": ("'",),
    "''": ("''",),
    "``": ("''",),
    "„": ("“", "”", '"'),
    "“": ("”", '"'),
    "”": ("”",),
    "«": ("»",),
    "»": ("«", "»"),
    "‹": ("›",),
    "›": ("‹", "›"),
    "‚": ("‘", "’"),
    "‛": ("’",),
    "‘": ("’", "'"),
    "’": ("’",),
}

_ELIDED = regex.compile(r"(?!(?:po|mo|e)['’])\p{L}+['’]", regex.IGNORECASE)
# Words that close up to the one before, and to the one after, by language.
_CLITICS = {
    "ceb": regex.compile(r"-n?g"),
    "en": regex.compile(r"['’](?:s|m|d|re|ve|ll)|n['’]t", regex.IGNORECASE),
    "fr": regex.compile(r"-\p{L}+"),
    "ne": regex.compile(r"(?:हरू)?(?:को|का|की|मा|ले|लाई|बाट|सँग|द्वारा)|हरू"),
    "nl": regex.compile(r"['’]s"),
    "ro": regex.compile(r"-\p{L}+"),
    "tl": regex.compile(r"-ng|['’][ty]"),
}
_PROCLITICS = {"ro": regex.compile(r"\p{L}+-")}


def rebuild(words: Sequence[str], code: str) -> tuple[str, list[Word]]:
    """Write words as running text by the conventions of their language.

    Args:
        words: as a corpus cuts them.
        code: language code.

    Returns:
        The text, and each word's place in it.

    Raises:
        DataError: the language is unknown.
    """
    row = language(code)
    left, right = _clinging(words, row)
    parts: list[str] = []
    borders: list[Word] = []
    position = 0
    for index, word in enumerate(words):
        if index and not (right[index - 1] or left[index] or _written_together(words[index - 1], word, row)):
            parts.append(" ")
            position += 1
        parts.append(word)
        borders.append(Word(word, position, position + len(word)))
        position += len(word)
    return "".join(parts), borders


def _clinging(words: Sequence[str], row: Language) -> tuple[list[bool], list[bool]]:
    """Whether each word closes up to the one before, and to the one after."""
    left, right = [False] * len(words), [False] * len(words)
    _quotes(words, row, left, right)
    for index, word in enumerate(words):
        before = words[index - 1] if index else ""
        after = words[index + 1] if index + 1 < len(words) else ""
        left[index] |= _to_the_left(word, before, row)
        right[index] |= _to_the_right(word, after, row)
        if _between(word, before, after, row):
            left[index] = right[index] = True
    return left, right


def _to_the_left(word: str, before: str, row: Language) -> bool:
    closing = _FRENCH_CLOSING if row.code == "fr" else _CLOSING
    if closing.fullmatch(word):
        return True
    if row.code == "nl" and not before.casefold().endswith(tuple("aeiouyé")):
        return False  # 's avonds, 's Gravenhage; but logo's, Anna's
    return row.code in _CLITICS and _CLITICS[row.code].fullmatch(word) is not None


def _to_the_right(word: str, after: str, row: Language) -> bool:
    if _OPENING.fullmatch(word):
        return True
    if _CURRENCY.fullmatch(word):
        return _STARTS_DIGIT.match(after) is not None
    if row.rule is WordRule.ELISION and _STARTS_WORD.match(after):
        return _ELIDED.fullmatch(word) is not None
    return row.code in _PROCLITICS and _PROCLITICS[row.code].fullmatch(word) is not None


def _between(word: str, before: str, after: str, row: Language) -> bool:
    """Whether a mark joins its neighbours: a range of numbers, a slash, a hyphen that the corpora cut off."""
    if _ENDS_DIGIT.search(before) and _STARTS_DIGIT.match(after):
        if _DASH.fullmatch(word):
            return True
        if row.rule is WordRule.MARKS and (word in {".", ":"} or (word == "," and _THOUSANDS.match(after))):
            return True
    joins = _DASH if row.rule is WordRule.MARKS else _SLASH
    if not (joins.fullmatch(word) or _SLASH.fullmatch(word)):
        return False
    return _ENDS_WORD.search(before) is not None and _STARTS_WORD.match(after) is not None


def _quotes(words: Sequence[str], row: Language, left: list[bool], right: list[bool]) -> None:
    """Tell opening from closing quotes by what is open so far."""
    opened: list[str] = []
    for index, word in enumerate(words):
        if word not in _CLOSERS or (row.code == "fr" and word in {"«", "»"}):
            continue
        begun = next((place for place in reversed(range(len(opened))) if word in _CLOSERS[opened[place]]), None)
        if begun is not None:
            del opened[begun:]
            left[index] = True
        elif _opens(words, index, row):
            opened.append(word)
            right[index] = True
        else:
            left[index] = _lone(words, index, row)
            right[index] = not left[index]


def _opens(words: Sequence[str], index: int, row: Language) -> bool:
    closed = any(other in _CLOSERS[words[index]] for other in words[index + 1 :])
    return closed and not _possessive(words, index, row)


def _possessive(words: Sequence[str], index: int, row: Language) -> bool:
    """Whether a mark is the apostrophe of `the players ' cup`, not a quote."""
    plural = index > 0 and words[index - 1].endswith(("s", "S"))
    return row.code == "en" and words[index] in {"'", "’"} and plural


def _lone(words: Sequence[str], index: int, row: Language) -> bool:
    """Whether a quote without a partner closes what the sentence before opened, rather than opens."""
    if _possessive(words, index, row):
        return True
    last = index + 1 == len(words)
    return index > 0 and (last or _CLOSING.fullmatch(words[index - 1]) is not None)


def _written_together(before: str, after: str, row: Language) -> bool:
    """Whether a script leaves no space between two words."""
    unspaced = ENDS_UNSPACED.search(before) is not None, STARTS_UNSPACED.match(after) is not None
    if row.script in {"Hans", "Jpan", "Thai"}:
        return any(unspaced)
    if row.script == "Kore" and _ENDS_WORD.search(before) and _STARTS_WORD.match(after):
        return any(unspaced) or len(before) == len(after) == 1
    return all(unspaced)
