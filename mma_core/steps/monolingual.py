"""A tiny encoder of one language (TiME)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..recipe import Kind, Step, World, argument
from ..shapes import head_size
from .minilm import check_attention, check_shape

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

# Size → layers kept of 12, width of 384.
SHAPES = {"xs": (2, 128), "s": (4, 256), "m": (6, 384)}
_DEPTH, _WIDTH = 12, 384


@dataclass(frozen=True)
class Time(Step):
    """A tiny student of one language, which learns the teacher's attention relations on that language alone.

    TiME (Schulmeister et al. 2025) distils MiniLMv2 relations of one teacher layer on monolingual text into students of
    absolute positions; its largest, m, is 6 × 768 under a teacher of 24 × 1024. Sizes here are our own: by the built-in
    teacher's 12 × 384, m = 6 × 384, s = 4 × 256, xs = 2 × 128, and for other teachers in proportion, to whole heads.
    Differences by choice: the vocabulary is cut to the language before training, so the word embeddings are few and
    learn too; the student starts from the teacher's weights; the last weights are taken, not those with the least loss
    on unseen text; a second phase learns the teacher's tags in that language, where the paper fine-tunes on labels. The
    loss of the first phase is the paper's alone: adding logits did not help its authors.
    """

    name, kind, title = "time", Kind.STUDENT, "Tiny and monolingual"
    summary = "A tiny student of one language with its own small vocabulary."
    paper = ("TiME (Schulmeister et al. 2025)", "https://arxiv.org/abs/2512.14645")
    example = "time:de,s"
    trains = True
    revision = 1
    language: str = argument("Language", language=True)
    size: str = argument("Size", choices=tuple(SHAPES))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose text is compared and calibrated on."""
        return (self.language,)

    def check_teacher(self, config: Any) -> None:
        """Refuse a teacher that is too small for this size.

        Raises:
            RecipeError: naming what is accepted.
        """
        check_shape(self, config, *self._shape(config))

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Return the student.

        Raises:
            RecipeError: the teacher is too small for this size or its vocabulary cannot be cut, or there is nothing to
                learn from.
        """
        from ..training import students
        from ..training.shrink import shrunk
        from ..trimming import trim

        check_attention(self, model)
        self.check_teacher(model.config)
        layers, width = self._shape(model.config)
        small = trim(model, self.languages, world)
        material = students.material(self, small, world, self.languages)
        student = shrunk(material, layers=layers, width=width)
        phases = [students.relations(small, train_embeddings=True), students.healing(train_embeddings=True)]
        return students.taught(self, student, material, world, phases)

    def _shape(self, config: Any) -> tuple[int, int]:
        layers, width = SHAPES[self.size]
        size = head_size(config)
        heads = config.hidden_size * width // (_WIDTH * size)
        return max(config.num_hidden_layers * layers // _DEPTH, 1), max(heads, 1) * size
