"""Drop layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Layers(Step):
    """Keep `keep` evenly spaced encoder layers of n, then heal the student by distillation from the teacher.

    Kept are layers floor(i * n / keep) for i = 0 … keep - 1. Without re-training the lowest layers do better than
    evenly spaced ones (Sajjad et al. 2023, "On the effect of dropping layers of pre-trained transformer models"); even
    spacing is the start that healing needs (DistilBERT, BISTILLATION), and with the lowest of each stretch rather than
    the uppermost: 55.1 against 51.4 macro F1 on 14 dev files after 200 steps of 4 layers. The loss is T² KL to the
    teacher's tags at T = 2 plus half the cross-entropy with labels, where there are any, on labelled sentences and on
    text of every language; the word embeddings stay as they are. The mixture and its weights are our choice: MMA's are
    unpublished.
    MMA tunes and accelerates in English alone: teacher `en` and the build's `--languages en` are that condition.
    """

    name, kind, title = "layers", Kind.STUDENT, "Drop layers"
    summary = "Keeps evenly spaced layers, and heals the rest by learning the teacher's tags."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "layers:6"
    trains = True
    revision = 2
    keep: int = argument("Layers kept", low=1, high=48, start=6)

    def check_teacher(self, config: Any) -> None:
        """Refuse a teacher that has no more layers than are to be kept.

        Raises:
            RecipeError: it has not.
        """
        depth = config.num_hidden_layers
        if self.keep >= depth:
            raise RecipeError(f"step {self}: the teacher has {depth} layers; keep from 1 to {depth - 1}")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return a healed copy of the checkpoint with fewer layers.

        Raises:
            RecipeError: the teacher has no more layers than are to be kept, or there is nothing to learn from.
        """
        self.check_teacher(model.config)
        from ..training import students
        from ..training.shrink import shrunk

        world.report(0.0, "reading the sentences")
        material = students.material(self, model, world)
        student = shrunk(material, layers=self.keep, width=model.config.hidden_size)
        return students.taught(self, student, material, world, [students.healing()])
