"""Word lists for trimming vocabularies: the frequent words of each language, from unlabelled text."""

import lzma
from collections import Counter
from pathlib import Path

from ..data import WORDS, open_text, text_path
from ..languages import LANGUAGES, WordRule
from ..progress import Report
from ..spans import words
from . import encoder

MOST = 12_000


def write_word_lists(folder: Path, report: Report) -> dict[str, int]:
    """Write `assets/words/<language>.txt.xz` from `text/<language>.txt.xz` of a data folder.

    Where a language is written without spaces its "words" are the built-in tokenizer's pieces.

    Returns:
        The number of words by language.

    Raises:
        DataError: the folder has no text of a known language.
    """
    pieces = encoder.tokenizer(encoder.read(encoder.package_file()).pieces)
    WORDS.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for done, (code, language) in enumerate(LANGUAGES.items()):
        report(done / len(LANGUAGES), language.name)
        counts: Counter[str] = Counter()
        with open_text(text_path(folder, code)) as lines:
            for line in lines:
                if language.rule is WordRule.CHARACTERS:
                    counts.update(token.lstrip("▁") for token in pieces.encode(line, add_special_tokens=False).tokens)
                else:
                    counts.update(word.text for word in words(line.strip(), code))
        frequent = sorted(word for word, _ in counts.most_common(MOST) if word.strip())
        (WORDS / f"{code}.txt.xz").write_bytes(lzma.compress("\n".join(frequent).encode(), preset=9))
        sizes[code] = len(frequent)
    return sizes
