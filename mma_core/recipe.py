"""The recipe grammar: `step("+"step)*`, a step is `name` or `name:arg,arg`.

A recipe is an ordered list of steps that turns a teacher into a smaller or faster model. It has one canonical
spelling (steps ordered by kind, then by name), which is its identity: cache key, file name, link and table key.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from .errors import DataError, RecipeError
from .languages import language

if TYPE_CHECKING:
    from .data import Sentence

# How long a step may train: under 10 minutes on two cores, under an hour, and what the method asks for.
BUDGETS = ("quick", "standard", "full")


class Kind(IntEnum):
    """What a step changes; also the canonical order and the order of application."""

    BASE = 0
    STUDENT = 1
    PRUNE = 2
    VOCAB = 3
    PRECISION = 4


@dataclass(frozen=True)
class World:
    """What a step may use besides the model.

    Attributes:
        teacher: the checkpoint that the recipe starts from.
        texts: language code → unlabelled sentences, each as its words.
        words: language code → the words to keep pieces for.
        encode: words of a sentence → piece ids, specials included, by the tokenizer of the exported model.
        seed: of every random choice.
        threads: processor threads to use.
        report: called with a share from 0 to 1 and a description of what is being done.
        labelled: → (source, language) → the labelled sentences that students of this teacher may learn from; it
            reads files, so a step that needs them calls it once.
        unlabelled: language codes (empty for all), at most so many sentences of each → unlabelled sentences by
            language, each as its words.
        budget: one of `BUDGETS`.
        work: where this step's training keeps checkpoints and logs; it goes when the artifact is written.
        shared: where the teacher's outputs are kept for all its students.
    """

    teacher: Any
    texts: Mapping[str, Sequence[tuple[str, ...]]]
    words: Callable[[str], Iterable[str]]
    encode: Callable[[Sequence[str]], list[int]]
    seed: int
    threads: int
    report: Callable[[float, str], None]
    labelled: Callable[[], Mapping[tuple[str, str], Sequence["Sentence"]]]
    unlabelled: Callable[[Sequence[str], int], Mapping[str, Sequence[tuple[str, ...]]]]
    budget: str
    work: Path
    shared: Path


def argument(label: str, *, low: float = 0, high: float = 0, start: float = 0) -> Any:
    """Declare a step's argument: its label, its accepted range, and where a form starts.

    For a `tuple[str, ...]` of language codes only the label counts.
    """
    return field(metadata={"label": label, "low": low, "high": high, "start": start})


@dataclass(frozen=True)
class Step:
    """One technique with its arguments; a subclass states itself once, and everything else reads it there.

    Class attributes:
        name: its word in the grammar.
        kind: what it changes; at most one student and one precision in a recipe.
        title: a heading of a few words.
        summary: what it does, in one sentence.
        paper: (name, address) of the work it follows.
        example: a legal spelling, for help and tests.
        engine: the engine a precision runs in, empty for the others.
        quantises: whether a precision rounds the graph's matrices to integers, and can leave some of them as they are.
        trains: whether it learns from sentences, for as long as the budget says.

    The arguments are the dataclass fields, declared with `argument`: `int`, `float` or a `tuple[str, ...]` of
    language codes.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    title: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[tuple[str, str]]
    example: ClassVar[str]
    engine: ClassVar[str] = ""
    quantises: ClassVar[bool] = False
    trains: ClassVar[bool] = False
    registry: ClassVar[dict[str, type["Step"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the step; a module that is loaded again replaces its own class, never another's."""
        known = Step.registry.get(cls.name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"two steps are named {cls.name!r}: {known.__qualname__} and {cls.__qualname__}")
        Step.registry[cls.name] = cls

    def __post_init__(self) -> None:
        """Check ranges and languages, and put languages in canonical order.

        Raises:
            ValueError: an argument is out of its range, or there is no language.
            DataError: a language is unknown.
        """
        for declared in fields(self):
            value = getattr(self, declared.name)
            if isinstance(value, tuple):
                codes = tuple(sorted({language(code).code for code in value}))
                object.__setattr__(self, declared.name, codes)
                if not codes:
                    raise ValueError(f"{declared.metadata['label']}: at least one is needed")
            elif not declared.metadata["low"] <= value <= declared.metadata["high"]:
                low, high = declared.metadata["low"], declared.metadata["high"]
                raise ValueError(f"{declared.metadata['label']} {value!s:.20} is not from {low:g} to {high:g}")

    @classmethod
    def parse(cls, arguments: str) -> Self:
        """Read the part after the colon.

        Raises:
            RecipeError: the arguments do not fit.
        """
        parts = [part.strip() for part in arguments.split(",")] if arguments else []
        wanted = fields(cls)
        try:
            if parts and len(wanted) == 1 and wanted[0].type == tuple[str, ...]:
                return cls(*[tuple(parts)])
            if len(parts) != len(wanted):
                raise ValueError(f"takes {len(wanted)} arguments, not {len(parts)}")
            return cls(
                *(
                    cast("Callable[[str], Any]", declared.type)(part)
                    for declared, part in zip(wanted, parts, strict=True)
                )
            )
        except (ValueError, DataError) as error:
            step = f"{cls.name}:{arguments}" if arguments else cls.name
            raise RecipeError(f"step {step:.60}: {error}; accepted is, for example, {cls.example}") from error

    def __str__(self) -> str:
        """The canonical spelling."""
        values = [getattr(self, declared.name) for declared in fields(self)]
        texts = [",".join(value) if isinstance(value, tuple) else repr(value).removesuffix(".0") for value in values]
        return f"{self.name}:{','.join(texts)}" if texts else self.name

    def check(self) -> None:
        """Raise `RecipeError` where this machine cannot run the step's result."""

    def apply(self, model: Any, world: World) -> Any:
        """Checkpoint → Checkpoint, or for a precision: exported graph → graph."""
        raise NotImplementedError

    def rounding(self, model: Any, world: World) -> Callable[[Collection[str]], Any]:
        """For a precision that `quantises`: do what takes long once, so that several graphs can be made.

        Returns:
            A function from the names of nodes that shall stay as they are in the exported graph to the rounded graph.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Recipe:
    """Steps in canonical order; `str(recipe)` is its identity."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        """The canonical spelling."""
        return "+".join(map(str, self.steps))

    @property
    def is_teacher(self) -> bool:
        """Whether this is the baseline: the teacher itself, nothing exported."""
        return str(self) == "teacher"

    @property
    def before_export(self) -> tuple[Step, ...]:
        """Steps that change the checkpoint."""
        return tuple(step for step in self.steps if Kind.BASE < step.kind < Kind.PRECISION)

    @property
    def after_export(self) -> tuple[Step, ...]:
        """Steps that change the exported graph."""
        return tuple(step for step in self.steps if step.kind is Kind.PRECISION)

    @property
    def trains(self) -> bool:
        """Whether any step learns from sentences."""
        return any(step.trains for step in self.steps)

    @property
    def engine(self) -> str:
        """`onnxruntime` or `openvino`: where the artifact runs."""
        return next((step.engine for step in self.after_export if step.engine), "onnxruntime")


def parse(text: str) -> Recipe:
    """Read a recipe in any order of its steps.

    Args:
        text: for example `vocab:en,de+int8+layers:6`.

    Returns:
        The recipe, canonically ordered.

    Raises:
        RecipeError: naming the step at fault and what is accepted.
    """
    return of([_parse_step(part.strip()) for part in text.strip().split("+")])


def _parse_step(text: str) -> Step:
    name, _, arguments = (part.strip() for part in text.partition(":"))
    if name not in Step.registry:
        raise RecipeError(f"unknown step {name!r}; known: {', '.join(sorted(Step.registry))}")
    return Step.registry[name].parse(arguments)


def of(steps: Iterable[Step]) -> Recipe:
    """Order steps canonically.

    Raises:
        RecipeError: the steps do not go together.
    """
    ordered = tuple(sorted(steps, key=lambda step: (step.kind, step.name)))
    for first, second in pairwise(ordered):
        if first.name == second.name:
            raise RecipeError(f"step {second} repeats {first}; at most one step of a name")
        if first.kind == second.kind and first.kind in {Kind.BASE, Kind.STUDENT, Kind.PRECISION}:
            raise RecipeError(f"step {second} does not go with {first}; at most one {first.kind.name.lower()} step")
    if len(ordered) > 1 and ordered[0].kind is Kind.BASE:
        raise RecipeError(f"step {ordered[0]} stands alone; leave it out beside {ordered[1]}")
    return Recipe(ordered)
