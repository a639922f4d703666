"""Take out attention heads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Heads(Step):
    """Take out the share F of each layer's attention heads, those of least first-order importance, then heal.

    A head's importance is the mean over labelled sentences of |∂L/∂m|, m a factor of one on the head's output (Michel
    et al. 2019, "Are Sixteen Heads Really Better than One?", section 4.1). MMA does not publish its criterion; this
    is TextPruner's (Yang et al. 2022), whose rounds we follow too: a quarter of the heads to go, then importance anew.
    The matrices become really smaller. Every layer loses as many heads, round(F n) of n: so one number in config.json
    stays true, and `head_dim` beside it says how wide they are. Healing is learning the teacher's tags, as after
    dropping layers. Where there are no labels, both go by the teacher's own tags.
    """

    name, kind, title = "heads", Kind.PRUNE, "Fewer attention heads"
    summary = "Takes out the attention heads that matter least, and heals the rest by learning the teacher's tags."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "heads:0.5"
    trains = True
    revision = 1
    excludes = ("xtreme",)
    share: float = argument("Share of the heads taken out", low=0.05, high=0.95, start=0.5)

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a healed copy of the checkpoint with fewer heads.

        Raises:
            RecipeError: it has no heads, or none or all would go; or there is nothing to learn from.
        """
        from ..training.thin import HEADS, thinned

        return thinned(self, self.share, HEADS, model=model, world=world)
