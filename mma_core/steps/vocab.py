"""Trim the vocabulary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Vocab(Step):
    """Keep the word-pieces that the named languages use, and cut the embedding rows of the others.

    As in BISTILLATION (Ansell et al. 2023, section 3), a piece is kept whose share of any one language's text is 1e-6
    or more; without a data folder the languages' word lists stand for their text. Kept too are specials, single
    characters (of Han and Hangul only for languages written in them) and what builds a kept piece (merges of a BPE).
    Text whose pieces were all kept is segmented as before (trimming.py says why), so the only loss is in words that
    fall apart into smaller pieces: rare names, above all where word lists stand for text.
    """

    name, kind, title = "vocab", Kind.VOCAB, "Trim the vocabulary"
    summary = "Keeps only the word-pieces that the named languages use: a much smaller file, nearly the same tags."
    paper = ("BISTILLATION (Ansell et al. 2023)", "https://arxiv.org/abs/2306.01709")
    example = "vocab:de,en"
    revision = 2
    languages: tuple[str, ...] = argument("Languages kept")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a copy of the checkpoint with a smaller vocabulary.

        Raises:
            RecipeError: the tokenizer is of a kind that cannot be trimmed exactly.
        """
        from ..trimming import trim

        return trim(model, self.languages, world)
