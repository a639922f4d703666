"""BISTILLATION: a bilingual student."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError
from ..recipe import Kind, Step, World, argument

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint


@dataclass(frozen=True)
class Bistil(Step):
    """A student of half the layers for two languages: the source, whose labels it learns from, and the target.

    The vocabulary is cut to both languages first, as in `vocab`, so teacher and student share their pieces. Layer j is
    copied from the teacher's layer 2j + 1. Phase 1 teaches it the teacher's hidden states and attention on as much text
    of the one language as of the other. Phase 2 tunes 8% of the encoder's weights, those that change most in a first
    run, by the teacher's answers to the source's labelled sentences, whose labels play no part, or to its text where
    there are none (Ansell et al. 2023, section 3, and their code; training/bilingual.py says what is our own choice).
    """

    name, kind, title, trains = "bistil", Kind.STUDENT, "Bilingual student", True
    summary = "Half the layers and the vocabulary of two languages, taught on text of both and on labels of the first."
    paper = ("BISTILLATION (Ansell et al. 2023)", "https://arxiv.org/abs/2306.01709")
    example = "bistil:en,sw"
    revision = 1
    source: str = argument("Source language", language=True)
    target: str = argument("Target language", language=True)

    @property
    def languages(self) -> tuple[str, str]:
        """Both, whose text calibrates and compares what is built."""
        return self.source, self.target

    def check(self) -> None:
        """Refuse one language twice.

        Raises:
            RecipeError: source and target are the same.
        """
        if self.source == self.target:
            raise RecipeError(f"step {self}: source and target are the same language; name two, as in {self.example}")

    def check_teacher(self, config: Any) -> None:
        """Refuse a teacher that has no half.

        Raises:
            RecipeError: its layers are no even number.
        """
        depth = int(config.num_hidden_layers)
        if depth % 2:
            raise RecipeError(f"step {self}: the teacher has {depth} layers; a number that is not even has no half")

    def apply(self, model: "Checkpoint", world: World) -> "Checkpoint":
        """Make the student and teach it.

        Raises:
            RecipeError: the teacher's layers are no even number, its vocabulary cannot be cut, or there is no text of a
                language.
        """
        from ..training import bilingual, budgets
        from ..training.material import gather, labelled, unlabelled
        from ..trimming import trim

        self.check_teacher(model.config)
        world.report(0.0, "reading the sentences")
        budget = budgets.TABLE[self.name][world.budget]
        texts = self._texts(world, budget.sentences * 2 // 3)
        answered = labelled(world, (self.source,)) or unlabelled({self.source: texts[self.source]})
        teacher = trim(model, self.languages, world)
        student = teacher.with_layers(bilingual.half(int(model.config.num_hidden_layers)))
        text = gather(unlabelled(texts), budget.sentences, teacher=teacher, world=world)
        bilingual.general(student, text, budget=budget, world=world)
        task = gather(answered, budget.sentences // 3, teacher=teacher, world=world)
        bilingual.task(student, task, budget=budget, world=world)
        return student

    def _texts(self, world: World, count: int) -> dict[str, Sequence[tuple[str, ...]]]:
        """As much unlabelled text of the one language as of the other."""
        found = world.unlabelled(self.languages, count // 2)
        missing = [code for code in self.languages if not found.get(code)]
        if missing:
            raise RecipeError(f"step {self}: no unlabelled text in {' or '.join(missing)}; pass --data with such text")
        least = min(len(found[code]) for code in self.languages)
        return {code: found[code][:least] for code in self.languages}
