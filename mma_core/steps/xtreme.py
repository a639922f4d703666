"""XtremeDistil: a recurrent student."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Xtreme(Step):
    """A student without attention: embeddings, one bidirectional LSTM, a projection to the teacher's width, a head.

    The embeddings, E wide, are the truncated singular value decomposition of the teacher's; the LSTM has H states by
    direction. It learns in three stages, a middle layer's states, the teacher's logits and the labels, the last two
    thawing from the head to the embeddings (Mukherjee & Awadallah 2020, sections 4 and 5, algorithm 1; what differs
    from the paper is said in training/recurrent.py). The tags are those of the corpus: the paper's further ones, for
    special pieces and for pieces inside words, are left out, since only a word's first piece is read.

    E makes the size and H the time (table 16: from 300 to 50 wide 28 M parameters become 5 M at 1.1 points of F1; from
    600 to 100 states it is 4.4 times as fast at 2.5 points). 8 bits take the LSTM in only where they are dynamic.
    """

    name, kind, title, trains = "xtreme", Kind.STUDENT, "Recurrent student", True
    summary = "A small LSTM that learns from any teacher's middle layer, then from its answers, then from labels."
    paper = ("XtremeDistil (Mukherjee & Awadallah 2020)", "https://arxiv.org/abs/2004.05686")
    example = "xtreme:50,200"
    width: int = argument("Embedding width", low=4, high=1024, start=50)
    states: int = argument("LSTM states by direction", low=4, high=2048, start=200)

    def check_teacher(self, config: Any) -> None:
        """Refuse a teacher whose embeddings are narrower than the student's, or one that is recurrent itself.

        Raises:
            RecipeError: it is one.
        """
        if config.model_type == self.name:
            raise RecipeError(f"step {self}: the teacher is a recurrent student itself; choose a transformer")
        width = getattr(config, "embedding_size", config.hidden_size)
        if self.width > width:
            raise RecipeError(f"step {self}: the teacher's embeddings are {width} wide; choose from 4 to {width}")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Make the student and teach it.

        Raises:
            RecipeError: the teacher's embeddings are narrower, it is recurrent itself, or there are no sentences.
        """
        from ..training import budgets, recurrent, students

        self.check_teacher(model.config)
        world.report(0.0, "reading the sentences")
        material = students.material(self, model, world, labels=True)
        student = recurrent.start(model, width=self.width, states=self.states, seed=world.seed)
        return recurrent.taught(student, material, budget=budgets.TABLE[self.name][world.budget], world=world)
