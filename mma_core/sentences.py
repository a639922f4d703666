"""Where the sentences of a text end.

Taggers learn from single sentences, and find less in a line of several: of ten Swahili sentences a line (MasakhaNER,
200 in all) `int8` had an F1 of 80.2 and a student of 2 layers 44.0, of one a line 88.8 and 64.4, and of ten that are
cut apart 88.2 and 63.9.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import regex

from .spans import Word

# After these no space need follow.
_WIDE = frozenset("。｡！？")
_ENDS = _WIDE | frozenset(".…।॥۔።!?؟")
# Some languages close with what others open with, and the other way round: „so“, »so«.
_CLOSING = frozenset({"Pe", "Pf", "Pi"})
_OPENING = frozenset({"Lu", "Lt", "Lo", "Ps", "Pi", "Pf", "Pd"})
_QUOTES = frozenset("\"'¿¡")
# Behind these a full stop ends nothing: an initial, an ordinal or a Roman one (`J. Nehru`, `am 3. Oktober`, `Pius XII.
# sprach`), and what is abbreviated before a name. Hindi and Nepali end sentences with a danda.
_INITIAL = r"[\p{L}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]\p{M}*"
_INDIC = r"(?:[\p{Tamil}\p{Bengali}]\p{M}*){2}|[\p{Devanagari}\p{M}]+"
_BEFORE_NAMES = (
    "St|[Dd]r|Dkt?|M[rst]|Mrs|[Pp]rof|Adm|Maj|Brig|[Gg]en|Col|Ft|P[Tt]|Tn|T[Pp]|Jl|EE|vs|ul|ks|im|ds|np|pr|angl|engl"
    "|tzv|sv|[Пп]роф|[Гг]ен|[Аа]кад|ул|им|св"
)
_GOES_ON = regex.compile(rf"{_INITIAL}|\p{{Nd}}{{1,2}}|[IVXLC]+|{_INDIC}|{_BEFORE_NAMES}", regex.V1)
# Most texts are one sentence, and have no mark but at their end.
_MAY_END = re.compile(rf"[{re.escape(''.join(_ENDS))}]|\n\s*\n")
_TAIL = "".join(_ENDS) + "\"'”“’‘»«)]}」』】》 "
_BLANK_LINE = regex.compile(r"\n\s*\n")


def sentences(text: str, borders: Sequence[Word]) -> list[range]:
    """Group the words of a text into sentences.

    One ends with a mark that ends sentences, a full stop, an exclamation mark or a question mark of any script, and
    what closes behind it, where the next word begins one: with a capital, a letter of a script without case, or what
    opens. A full stop that belongs to a word, as in abbreviations, or stands behind what is commonly abbreviated ends
    none. A blank line ends one too. What has no letter or digit belongs to the sentence before it.

    Args:
        text: any text.
        borders: its words, as `spans.words` cuts them.

    Returns:
        The places of each sentence's words, in order; none is empty, and all words are in one.
    """
    if not _MAY_END.search(text.rstrip(_TAIL)):
        return [range(len(borders))] if borders else []
    edges = [*_begins(text, borders), len(borders)]
    found: list[range] = []
    for begin, end in pairwise(edges):
        part = range(begin, end)
        if found and not (_says(borders, part) and _says(borders, found[-1])):
            part = range(found.pop().start, end)
        found.append(part)
    return found


def _says(borders: Sequence[Word], part: range) -> bool:
    return any(borders[place].text[0].isalnum() for place in part)


def _begins(text: str, borders: Sequence[Word]) -> Iterator[int]:
    """The places of the words that may begin a sentence."""
    mark = None  # the place of a mark that ends one, if nothing but what closes it has followed
    for place, word in enumerate(borders):
        gap = text[borders[place - 1].end : word.start] if place else ""
        is_blank = "\n" in gap and _BLANK_LINE.search(gap)
        if not place or is_blank or (mark is not None and _is_between(borders, mark, place, gap)):
            yield place
        if word.text[0] in _ENDS:
            mark = place
        elif gap or not _closes(word):
            mark = None


def _is_between(borders: Sequence[Word], mark: int, place: int, gap: str) -> bool:
    """Whether a sentence may end at the mark and begin with the word at the place, a gap behind the one before it."""
    if not gap and (borders[mark].text[0] not in _WIDE or mark < place - 1):
        return False
    if borders[mark].text == "." and mark and _GOES_ON.fullmatch(borders[mark - 1].text):
        return False
    first = borders[place].text[0]
    return first in _QUOTES or unicodedata.category(first) in _OPENING


def _closes(word: Word) -> bool:
    return word.text in _QUOTES or unicodedata.category(word.text[0]) in _CLOSING
