"""Trim the vocabulary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Vocab(Step):
    """Keep the word-pieces that the named languages use, and cut the embedding rows of the others.

    A piece is kept if it segments any word of the languages' word lists or given texts, is special, is a single
    character or byte, or is needed to build a kept one (merges of a BPE). Text whose pieces were all kept is
    segmented as before (trimming.py says why), so the only loss is in words that fall apart into smaller pieces.
    BISTILLATION trims by unigram probability over two languages (Ansell et al. 2023, section 3).
    """

    name, kind, title = "vocab", Kind.VOCAB, "Trim the vocabulary"
    summary = "Keeps only the word-pieces that the named languages use: a much smaller file, nearly the same tags."
    paper = ("BISTILLATION (Ansell et al. 2023)", "https://arxiv.org/abs/2306.01709")
    example = "vocab:de,en"
    languages: tuple[str, ...] = argument("Languages kept")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a copy of the checkpoint with a smaller vocabulary.

        Raises:
            RecipeError: the tokenizer is of a kind that cannot be trimmed exactly.
        """
        from ..trimming import trim

        return trim(model, self.languages, world)
