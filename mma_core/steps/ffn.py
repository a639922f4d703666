"""Take out feed-forward columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class FeedForward(Step):
    """Take out the share F of each layer's feed-forward columns, those of least first-order importance, then heal.

    A column is one entry of the inner layer: a row of the matrix before the activation and a column of the one after.
    Its importance is |Σ ∂L/∂x · x| over a sentence's pieces, x the column's activation, in the mean over labelled
    sentences; rounds, healing and what stands for labels are those of `heads` (TextPruner, Yang et al. 2022, prunes
    both so; MMA does not publish its criterion). Every layer loses as many, round(F n) of n, so the width that
    config.json states stays true.
    """

    name, kind, title = "ffn", Kind.PRUNE, "Narrower feed-forward"
    summary = "Takes out the feed-forward columns that matter least, and heals the rest by learning the teacher's tags."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "ffn:0.5"
    trains = True
    revision = 1
    excludes = ("xtreme",)
    share: float = argument("Share of the columns taken out", low=0.05, high=0.95, start=0.5)

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a healed copy of the checkpoint with a narrower feed-forward part.

        Raises:
            RecipeError: it has none, or none or all of it would go; or there is nothing to learn from.
        """
        from ..training.thin import COLUMNS, thinned

        return thinned(self, self.share, COLUMNS, model=model, world=world)
