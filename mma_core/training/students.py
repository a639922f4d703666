"""What the steps that make students share: their sentences by budget, and their phases one after another."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..checkpoint import Checkpoint
from ..errors import RecipeError
from ..recipe import Step, World
from . import budgets
from .distil import HEALING, Losses, distil, portion
from .loop import Settings
from .material import Material, gather, transfer


@dataclass(frozen=True)
class Phase:
    """One distillation of a student, as long as the budget says.

    Attributes:
        losses: what is learnt.
        learning_rate: the peak.
        train_embeddings: whether the word embeddings learn too.
    """

    losses: Losses
    learning_rate: float
    train_embeddings: bool = False


def healing(learning_rate: float, *, train_embeddings: bool = False) -> Phase:
    """The phase in which a student learns the teacher's tags."""
    return Phase(HEALING, learning_rate, train_embeddings)


def relations(teacher: Checkpoint, *, train_embeddings: bool = False) -> Phase:
    """The phase in which a student's last layer learns the relations of a layer of the teacher (MiniLMv2).

    That is the last of up to 12 layers, and of deeper teachers one as far up as the 19th of 24 is.
    """
    depth = teacher.config.num_hidden_layers
    layer = depth if depth <= 12 else round(depth * 19 / 24)
    return Phase(Losses(relations=1.0, relation_layer=layer), 3e-4, train_embeddings)


def material(step: Step, teacher: Checkpoint, world: World, languages: Sequence[str] = ()) -> Material:
    """The sentences that a step's budget grants.

    Args:
        step: whose budget counts.
        teacher: of the vocabulary that the student shall have.
        world: sentences and budget.
        languages: of these alone; empty for all.

    Raises:
        RecipeError: there are none.
    """
    count = budgets.TABLE[step.name][world.budget].sentences
    found = gather(transfer(world, count, languages), count, teacher=teacher, world=world)
    if not found.encoded:
        raise RecipeError(f"step {step}: no sentences to learn from; pass --data or other --languages")
    return found


def taught(step: Step, student: Checkpoint, learnt_from: Material, world: World, phases: Sequence[Phase]) -> Checkpoint:
    """Train a student in place through its phases, each taken up where it was cut off, and return it."""
    steps = budgets.TABLE[step.name][world.budget].steps
    for number, (phase, length) in enumerate(zip(phases, steps, strict=True)):
        distil(
            student,
            material=learnt_from,
            losses=phase.losses,
            settings=Settings(
                steps=length,
                batch_size=budgets.BATCH,
                learning_rate=phase.learning_rate,
                head_factor=1.0,
                seed=world.seed,
            ),
            folder=world.work / str(number + 1),
            report=portion(world.report, number / len(phases), (number + 1) / len(phases)),
            train_embeddings=phase.train_embeddings,
        )
    return student
