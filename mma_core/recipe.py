"""The recipe grammar: `step("+"step)*`, a step is `name` or `name:arg,arg`.

A recipe is an ordered list of steps that turns a teacher into a smaller or faster model. It has one canonical
spelling (steps ordered by kind, then by name), which is its identity: cache key, file name, link and table key.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from enum import IntEnum, StrEnum
from itertools import pairwise, permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .errors import DataError, RecipeError
from .languages import language
from .progress import Report

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
        words: language code → its words, and how often each stands in its text.
        encode: words of a sentence → piece ids, specials included, by the tokenizer of the exported model.
        seed: of every random choice.
        threads: processor threads to use.
        full_range: whether weights in 8 bits may take all of them: CPUs without VNNI would overflow.
        report: called with a share from 0 to 1 and a description of what is being done.
        languages: what a step that is for no languages of its own learns from; empty for all there are.
        labelled: → (source, language) → the labelled sentences that students of this teacher may learn from, none
            without a data folder; it reads files, so a step that needs them calls it once.
        unlabelled: language codes (empty for all), at most so many sentences of each → unlabelled sentences by
            language, each as its words.
        budget: one of `BUDGETS`.
        work: where this step's training keeps checkpoints and logs; it goes when the artifact is written.
        shared: where the teacher's outputs are kept for all its students.
    """

    teacher: Any
    texts: Mapping[str, Sequence[tuple[str, ...]]]
    words: Callable[[str], Mapping[str, int]]
    encode: Callable[[Sequence[str]], list[int]]
    seed: int
    threads: int
    full_range: bool
    report: Report
    languages: Sequence[str]
    labelled: Callable[[], Mapping[tuple[str, str], Sequence["Sentence"]]]
    unlabelled: Callable[[Sequence[str], int], Mapping[str, Sequence[tuple[str, ...]]]]
    budget: str
    work: Path
    shared: Path


class Form(StrEnum):
    """What kind of value an argument has."""

    WHOLE = "whole number"
    NUMBER = "number"
    CHOICE = "choice"
    LANGUAGE = "language"
    LANGUAGES = "languages"
    WORD = "word"


def argument(  # noqa: PLR0913  (each kind of argument has its own few)
    label: str,
    *,
    low: float = 0,
    high: float = 0,
    start: float = 0,
    choices: tuple[str, ...] = (),
    language: bool = False,
    word: str = "",
) -> Any:
    """Declare a step's argument, whose type is that of the field.

    Args:
        label: what it is, in a few words.
        low: an `int` or `float` is from here …
        high: … to here.
        start: where a form starts it.
        choices: the words that a `str` is one of.
        language: a `str` is a language code instead.
        word: how a `bool` is spelled where it is true. It is the last argument, and left out where it is false.

    For a `tuple[str, ...]` of language codes only the label counts.
    """
    told = {"low": low, "high": high, "start": start, "choices": choices, "language": language, "word": word}
    return field(metadata={"label": label, **told})


def form_of(declared: Field) -> Form:
    """What kind of value an argument has."""
    text = Form.LANGUAGE if declared.metadata["language"] else Form.CHOICE
    forms: dict[Any, Form] = {int: Form.WHOLE, float: Form.NUMBER, bool: Form.WORD, str: text}
    return forms.get(declared.type, Form.LANGUAGES)


def _read(declared: Field, text: str) -> Any:
    """The value that a word of a recipe spells; whether it is accepted is `_accepted`'s to say."""
    form, about = form_of(declared), declared.metadata
    if form is Form.WORD:
        if text != about["word"]:
            raise ValueError(f"{about['label']} is spelled {about['word']} or left out, not {text!r:.20}")
        return True
    try:
        return {Form.WHOLE: int, Form.NUMBER: float}.get(form, str)(text)
    except ValueError:
        kind = "whole number" if form is Form.WHOLE else "number"
        raise ValueError(f"{about['label']} {text!r:.20} is no {kind}") from None


def _accepted(declared: Field, value: Any) -> Any:
    """The canonical form of an argument's value."""
    form, about = form_of(declared), declared.metadata
    if form is Form.LANGUAGES:
        value = tuple(sorted({language(code).code for code in value}))
        if not value:
            raise ValueError(f"{about['label']}: at least one is needed")
    elif form is Form.LANGUAGE:
        value = language(value).code
    elif form is Form.CHOICE:
        if value not in about["choices"]:
            raise ValueError(f"{about['label']} {value!r:.20} is not one of {', '.join(about['choices'])}")
    elif form is not Form.WORD and not about["low"] <= value <= about["high"]:
        raise ValueError(f"{about['label']} {value!s:.20} is not from {about['low']:g} to {about['high']:g}")
    return value


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
        revision: counts the changes of its code or budgets that altered what it makes.
        separator: what stands between its arguments.
        excludes: names of steps that it does not go with.

    The arguments are the dataclass fields, declared with `argument`: `int`, `float`, one `str` of several or a
    language code, a `bool` as the last, or a `tuple[str, ...]` of language codes as the only one.
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
    revision: ClassVar[int] = 0
    separator: ClassVar[str] = ","
    excludes: ClassVar[tuple[str, ...]] = ()
    registry: ClassVar[dict[str, type["Step"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the step; a module that is loaded again replaces its own class, never another's."""
        known = Step.registry.get(cls.name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"two steps are named {cls.name!r}: {known.__qualname__} and {cls.__qualname__}")
        Step.registry[cls.name] = cls

    def __post_init__(self) -> None:
        """Check ranges, choices and languages, and put languages in canonical order.

        Raises:
            ValueError: an argument is out of its range or none of its choices, or there is no language.
            DataError: a language is unknown.
        """
        for declared in fields(self):
            object.__setattr__(self, declared.name, _accepted(declared, getattr(self, declared.name)))

    @classmethod
    def parse(cls, arguments: str) -> Self:
        """Read the part after the colon.

        Raises:
            RecipeError: the arguments do not fit.
        """
        parts = [part.strip() for part in arguments.split(cls.separator)] if arguments else []
        wanted = fields(cls)
        try:
            if parts and [form_of(declared) for declared in wanted] == [Form.LANGUAGES]:
                return cls(*[tuple(parts)])
            if len(parts) == len(wanted) - 1 and form_of(wanted[-1]) is Form.WORD:
                return cls(*[*map(_read, wanted, parts), False])
            if len(parts) != len(wanted):
                what = "argument" if len(wanted) == 1 else "arguments"
                raise ValueError(f"takes {len(wanted) or 'no'} {what}, not {len(parts)}")
            return cls(*map(_read, wanted, parts))
        except (ValueError, DataError) as error:
            step = f"{cls.name}:{arguments}" if arguments else cls.name
            raise RecipeError(f"step {step:.60}: {error}; accepted is, for example, {cls.example}") from error

    def __str__(self) -> str:
        """The canonical spelling."""
        texts: list[str] = []
        for declared in fields(self):
            value = getattr(self, declared.name)
            form = form_of(declared)
            if form is Form.WORD:
                texts += [declared.metadata["word"]] if value else []
            elif form in {Form.WHOLE, Form.NUMBER}:
                texts.append(repr(value).removesuffix(".0"))
            else:
                texts += [value] if isinstance(value, str) else value
        return f"{self.name}:{self.separator.join(texts)}" if texts else self.name

    def check(self) -> None:
        """Raise `RecipeError` where this machine cannot run the step's result."""

    def check_teacher(self, config: Any) -> None:
        """Raise `RecipeError` where a teacher of this configuration is too small for the step, or shaped otherwise."""

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
    def languages(self) -> tuple[str, ...]:
        """The languages that the recipe is for, the last step's that names some; empty if for all."""
        named = (getattr(step, "languages", ()) for step in reversed(self.steps))
        return next(filter(None, named), ())

    def is_for(self, code: str) -> bool:
        """Whether the recipe is for a language."""
        return not self.languages or code in self.languages

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
        near = difflib.get_close_matches(name.lower(), Step.registry, 1)
        meant = f"; did you mean {near[0]}?" if near else ";"
        raise RecipeError(f"unknown step {name!r}{meant} known: {', '.join(sorted(Step.registry))}")
    return Step.registry[name].parse(arguments)


def of(steps: Iterable[Step]) -> Recipe:
    """Order steps canonically.

    Raises:
        RecipeError: the steps do not go together.
    """
    made = Recipe(ordered(steps))
    _check_languages(made)
    return made


def _check_languages(recipe: Recipe) -> None:
    """Refuse a vocabulary of languages that a student has no word-pieces of."""
    named = [(step, getattr(step, "languages", ())) for step in recipe.before_export]
    for student, left in named:
        for step, wanted in named:
            missing = [code for code in wanted if code not in left]
            if student.kind is Kind.STUDENT and left and step.kind is Kind.VOCAB and missing:
                raise RecipeError(
                    f"step {step}: {student} has cut its vocabulary to {', '.join(left)} already, which leaves no "
                    f"{', '.join(missing)}; accepted are its languages, or no {step.name} at all"
                )


def ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps in canonical order.

    Raises:
        RecipeError: such steps do not go together, whatever their arguments.
    """
    found = tuple(sorted(steps, key=lambda step: (step.kind, step.name)))
    for first, second in pairwise(found):
        if first.name == second.name:
            raise RecipeError(f"step {second} repeats {first}; at most one step of a name")
        if first.kind == second.kind and first.kind in {Kind.BASE, Kind.STUDENT, Kind.PRECISION}:
            raise RecipeError(f"step {second} does not go with {first}; at most one {first.kind.name.lower()} step")
    for first, second in permutations(found, 2):
        if first.name in second.excludes:
            raise RecipeError(f"step {second} does not go with {first}; leave one of them out")
    if len(found) > 1 and found[0].kind is Kind.BASE:
        raise RecipeError(f"step {found[0]} stands alone; leave it out beside {found[1]}")
    return found
