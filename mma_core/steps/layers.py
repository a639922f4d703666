"""Drop layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RecipeError
from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Layers(Step):
    """Keep `keep` evenly spaced encoder layers of n: layer floor(i * n / keep) for i = 0 … keep - 1.

    Nothing is trained afterwards yet, so accuracy falls quickly with each layer (Sajjad et al. 2023, "On the effect
    of dropping layers of pre-trained transformer models", also find evenly spaced layers weaker than the lowest ones
    without re-training; even spacing is the start that healing needs).
    """

    name, kind, title = "layers", Kind.STUDENT, "Drop layers"
    summary = "Keeps evenly spaced layers and drops the rest, without re-training."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "layers:6"
    keep: int = argument("Layers kept", low=1, high=48, start=6)

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a copy of the checkpoint with fewer layers.

        Raises:
            RecipeError: the teacher has no more layers than are to be kept.
        """
        depth = model.config.num_hidden_layers
        if self.keep >= depth:
            raise RecipeError(f"step {self}: the teacher has {depth} layers; keep from 1 to {depth - 1}")
        world.report(0.0, f"keeping {self.keep} of {depth} layers")
        return model.with_layers([index * depth // self.keep for index in range(self.keep)])
