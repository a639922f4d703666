"""What the steps that make students share: their sentences by budget, and their phases one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel

from ..checkpoint import Checkpoint
from ..errors import RecipeError
from ..progress import portion
from ..recipe import Step, World
from . import budgets
from .distil import HEALING, Losses, distil
from .loop import After, Settings
from .material import Material, gather, labelled, text
from .tags import tagged


@dataclass(frozen=True)
class Phase:
    """One distillation of a student, as long as the budget says.

    Attributes:
        losses: what is learnt.
        learning_rate: the peak.
        train_embeddings: whether the word embeddings learn too.
        weight_decay: of matrices; without it, word embeddings that learn cost only what the pieces that occur do.
        hold: the share of the phase after which the rate falls.
        change: (model, steps of the phase) → what the loop calls after each step, to change the model as it learns.
    """

    losses: Losses
    learning_rate: float
    train_embeddings: bool = False
    weight_decay: float = 0.01
    hold: float = 0.0
    change: Callable[[PreTrainedModel, int], After] | None = None


def healing(learning_rate: float = 5e-4, *, train_embeddings: bool = False) -> Phase:
    """The phase in which a student learns the teacher's tags.

    In 200 steps 4 of the teacher's 12 layers came to a macro F1 of 49.5 on 14 dev files at a rate of 1e-4, 54.4 at 3e-4
    and 55.1 at 6e-4; 4 narrowed to 256, in 300 steps, to 38.8 at 2e-4, 45.1 at 6e-4 and 44.0 at 1.5e-3.

    No other mixture was clearly better. After 400 steps of 6 layers, one run each, macro F1 on 65 dev files, gold and
    zero-shot: 69.1 and 52.3 with these losses; 68.1 and 53.8 without labels, 68.4 and 57.0 at a temperature of 1, 68.7
    and 54.2 from squared distances of logits, 68.9 and 52.9 with the teacher's last hidden state, 69.3 and 51.6 with
    six of them. More steps help: 74.2 and 60.5 after 5,000, where the teacher has 78.0 and 66.4.
    """
    return Phase(HEALING, learning_rate, train_embeddings)


def relations(teacher: Checkpoint, *, train_embeddings: bool = False) -> Phase:
    """The phase in which a student's last layer learns the relations of a layer of the teacher (MiniLMv2).

    That is the last of up to 12 layers, and of deeper teachers one as far up as the 19th of 24 is. The rate is TiME's.
    """
    depth = teacher.config.num_hidden_layers
    layer = depth if depth <= 12 else round(depth * 19 / 24)
    return Phase(Losses(relations=1.0, relation_layer=layer), 6e-4, train_embeddings)


def material(
    step: Step, teacher: Checkpoint, world: World, languages: Sequence[str] = (), *, labels: bool = False
) -> Material:
    """The sentences that a step's budget grants: labelled ones of each file, and text of each language.

    Languages without labels have text here, so a student learns the teacher's answers in these too: most of what
    XtremeDistil gains where labels are few comes from there (section 5, table 6).

    Args:
        step: whose budget counts.
        teacher: of the vocabulary that the student shall have.
        world: sentences and budget.
        languages: of these alone; empty for all.
        labels: whether the step cannot do without; where there are none, the text has the teacher's own tags as labels.

    Raises:
        RecipeError: there are none.
    """
    count = budgets.TABLE[step.name][world.budget].sentences
    known, texts = labelled(world, languages), text(world, count, languages)
    texts = tagged(texts, teacher) if labels and not known else texts
    found = gather(known + texts, count, teacher=teacher, world=world)
    if not found.encoded:
        raise RecipeError(f"step {step}: no sentences to learn from; pass --data or other --languages")
    return found


def languages_of(student: Checkpoint, world: World) -> tuple[str, ...]:
    """The languages that a student with a vocabulary of its own is for; none named, as in `material`, for all."""
    return () if student.tokenizer is world.teacher.tokenizer else tuple(sorted(world.texts))


def teacher_of(student: Checkpoint, world: World) -> Checkpoint:
    """The teacher in the student's vocabulary, whose pieces are some of its own."""
    if student.tokenizer is world.teacher.tokenizer:
        return world.teacher
    pieces = student.tokenizer.get_vocab(with_added_tokens=True)
    rows = [world.teacher.tokenizer.token_to_id(piece) for piece in sorted(pieces, key=pieces.__getitem__)]
    return world.teacher.with_vocabulary(rows, student.tokenizer)


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
                hold=phase.hold,
                head_factor=1.0,
                weight_decay=phase.weight_decay,
                seed=world.seed,
            ),
            folder=world.work / str(number + 1),
            report=portion(world.report, number / len(phases), (number + 1) / len(phases)),
            after=phase.change and phase.change(student.model, length),
            train_embeddings=phase.train_embeddings,
        )
    return student
