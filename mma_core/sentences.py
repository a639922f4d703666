"""Where the sentences of a text end.

Taggers learn from single sentences, and find less in a line of several: of ten Swahili sentences a line (MasakhaNER,
200 in all) `int8` had an F1 of 80.2 and a student of 2 layers 44.0, of one a line 88.8 and 64.4, and of ten that are
cut apart 88.2 and 64.0.
"""

import unicodedata
from collections.abc import Sequence

import regex

from .spans import Word

_FULL_STOPS = frozenset(".…。｡।॥۔።")
# After these no space need follow.
_WIDE = frozenset("。｡！？")
_ENDS = _FULL_STOPS | _WIDE | frozenset("!?؟")
_CLOSING = frozenset({"Pe", "Pf"})
_OPENING = frozenset({"Lu", "Lt", "Lo", "Ps", "Pi", "Pd"})
_QUOTES = frozenset("\"'¿¡")
# A full stop behind an initial, an ordinal or a Roman one: `J. Nehru`, `am 3. Oktober`, `Pius XII. sprach`.
_GOES_ON = regex.compile(r"\p{L}\p{M}*|\p{Nd}{1,2}|[IVXLC]+")
_BLANK_LINE = regex.compile(r"\n\s*\n")


def sentences(text: str, borders: Sequence[Word]) -> list[range]:
    """Group the words of a text into sentences.

    One ends with a mark that ends sentences, a full stop, an exclamation mark or a question mark of any script, and
    what closes behind it, where the next word begins one: with a capital, a letter of a script without case, or what
    opens. Abbreviations keep their full stop as part of the word and end none. A blank line ends one too.

    Args:
        text: any text.
        borders: its words, as `spans.words` cuts them.

    Returns:
        The places of each sentence's words, in order; none is empty, and all words are in one.
    """
    found: list[range] = []
    end = len(borders)
    for place in reversed(range(len(borders))):
        # Quotes and marks that stand alone belong to what is before them.
        if not place or (_begins(text, borders, place) and any(w.text[0].isalnum() for w in borders[place:end])):
            found.append(range(place, end))
            end = place
    return found[::-1]


def _begins(text: str, borders: Sequence[Word], place: int) -> bool:
    """Whether a word that is not the first begins a sentence."""
    word, before = borders[place], borders[place - 1]
    gap = text[before.end : word.start]
    if "\n" in gap and _BLANK_LINE.search(gap):
        return True
    last = place - 1
    while last > 0 and _closes(borders[last]) and borders[last - 1].end == borders[last].start:
        last -= 1
    mark = borders[last].text
    if mark[0] not in _ENDS or (not gap and (mark[0] not in _WIDE or last < place - 1)):
        return False
    if mark == "." and last > 0 and _GOES_ON.fullmatch(borders[last - 1].text):
        return False
    return word.text[0] in _QUOTES or unicodedata.category(word.text[0]) in _OPENING


def _closes(word: Word) -> bool:
    return word.text in _QUOTES or unicodedata.category(word.text[0]) in _CLOSING
