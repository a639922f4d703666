"""Learn the relations within the teacher's attention (MiniLMv2)."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import Kind, Step, World, argument
from ..shapes import head_size

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class MiniLM(Step):
    """A student of `layers` × `width` that learns the teacher's relations of queries, keys and values, then its tags.

    MiniLMv2 (Wang et al. 2021, section 3): of one teacher layer and the student's last one, queries, keys and values
    are cut into relation heads of equal number, R = softmax(X Xᵀ / √d) for each, and the student minimises the sum of
    KL(R of the teacher ‖ R of the student) over Q-Q, K-K and V-V. The paper takes the last layer of teachers of 12
    layers, and an upper-middle one of deeper teachers (19 of 24 for XLM-R large): here the last up to 12 layers,
    19/24 of the depth above. Relation heads are 16 wide in the teacher, as in the paper, or as many as divide both
    widths. The second phase learns the tags: T² KL at T = 2 and half the cross-entropy (our choice; the paper
    fine-tunes). The paper's students start from random weights; this one from the teacher's, narrowed by projection on
    the principal directions of its hidden states, since that saves hours. Heads keep their size, so the width is a
    multiple of it, and the feed-forward part keeps its proportion. Word embeddings stay as they are unless
    the build is restricted to some languages: then those of the pieces that occur learn too, without weight decay.
    """

    name, kind, title = "minilm", Kind.STUDENT, "MiniLMv2"
    summary = (
        "A shallower and narrower student that learns the relations within the teacher's attention, then its tags."
    )
    paper = ("TiME (Schulmeister et al. 2025)", "https://arxiv.org/abs/2512.14645")
    example = "minilm:6x384"
    separator = "x"
    trains = True
    revision = 2
    layers: int = argument("Layers", low=1, high=48, start=6)
    width: int = argument("Width", low=8, high=2048, start=384)

    def check_teacher(self, config: Any) -> None:
        """Refuse a shape that is no student's of this teacher.

        Raises:
            RecipeError: naming what is accepted.
        """
        check_shape(self, config, self.layers, self.width)

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return the student.

        Raises:
            RecipeError: the shape is none for this teacher, or there is nothing to learn from.
        """
        from ..training import students
        from ..training.shrink import shrunk

        check_attention(self, model)
        self.check_teacher(model.config)
        world.report(0.0, "reading the sentences")
        material = students.material(self, model, world)
        student = shrunk(material, layers=self.layers, width=self.width)
        phases = [students.relations(model), students.healing()]
        if world.languages:
            phases = [replace(phase, train_embeddings=True, weight_decay=0.0) for phase in phases]
        return students.taught(self, student, material, world, phases)


def check_attention(step: Step, teacher: "Checkpoint") -> None:
    """Refuse a recurrent teacher, who has no relations to learn.

    Raises:
        RecipeError: the teacher is one.
    """
    from ..surgery import has_layers

    if not has_layers(teacher.config):
        raise RecipeError(f"step {step}: the teacher is a {teacher.config.model_type} model and has no attention")


def check_shape(step: Step, config: Any, layers: int, width: int) -> None:
    """Refuse a student that is no smaller than its teacher, or that its heads cannot fill.

    Raises:
        RecipeError: naming what is accepted.
    """
    depth, widest, size = config.num_hidden_layers, config.hidden_size, head_size(config)
    if layers > depth or width > widest or (layers, width) == (depth, widest):
        raise RecipeError(f"step {step}: the teacher is {depth}x{widest}; a student is smaller")
    if width % size:
        raise RecipeError(f"step {step}: width {width} is no multiple of {size}, the size of the teacher's heads")
