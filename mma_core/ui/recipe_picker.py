"""The recipe picker: a form generated from `Step.registry`, and a text box with the same recipe, kept in step.

The form's values are one list: for each kind its choice (a name where only one goes, names where several do), then
for each argument of each step its value. `spell` and `values` convert between that list and a recipe.
"""

import html
import inspect
import re
from collections.abc import Collection, Sequence
from dataclasses import Field, dataclass, fields
from typing import Any

import gradio as gr

from .. import builtin, recipe
from ..errors import DataError, RecipeError
from ..languages import LANGUAGES
from ..orders import Order
from ..recipe import Form, Kind, Recipe, Step, form_of
from .notices import sentence

START = "int8"
NONE = "none"
SEVERAL = {Kind.PRUNE, Kind.VOCAB}
HEADINGS = {
    Kind.BASE: "Uncompressed",
    Kind.STUDENT: "Smaller student",
    Kind.PRUNE: "Prune",
    Kind.VOCAB: "Vocabulary",
    Kind.PRECISION: "Precision",
}
NUMBERS = {Form.WHOLE: 1, Form.NUMBER: 0.01}  # with the step of a slider
# Behind the title of a step that cannot be chosen; assets/choices.js disables it by that.
NOT = " · not "
ENGINES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class Picker:
    """The picker's components, for the tab to wire up.

    Attributes:
        text: the canonical recipe, editable.
        message: what the recipe runs in, or what is wrong with it.
        choices: one component a kind.
        arguments: one component an argument of a step.
        panels: one group of arguments a step that has any.
    """

    text: gr.Textbox
    message: gr.HTML
    choices: list[Any]
    arguments: list[Any]
    panels: list[gr.Column]

    @property
    def form(self) -> list[Any]:
        """One component a value of the form."""
        return [*self.choices, *self.arguments]


@dataclass(frozen=True)
class Verdict:
    """What a recipe's text is worth: the recipe if it is legal, whether it runs here, and a message as HTML."""

    recipe: Recipe | None
    usable: bool
    message: str


def of_kind(kind: Kind) -> list[type[Step]]:
    """The registered steps of a kind, by name."""
    return sorted((step for step in Step.registry.values() if step.kind is kind), key=lambda step: step.name)


def kinds() -> list[Kind]:
    """Kinds that have a registered step, in canonical order."""
    return [kind for kind in Kind if of_kind(kind)]


def with_arguments() -> list[type[Step]]:
    """Steps that have a panel, in the form's order."""
    return [step for kind in kinds() for step in of_kind(kind) if fields(step)]


def _declared() -> list[tuple[type[Step], Field]]:
    return [(step, declared) for step in with_arguments() for declared in fields(step)]


def _start(step: type[Step], declared: Field) -> Any:
    example = getattr(recipe.parse(step.example).steps[0], declared.name)
    if form_of(declared) in NUMBERS:
        return declared.metadata["start"]
    return list(example) if isinstance(example, tuple) else example


def _chosen(choices: Sequence[str | list[str] | None]) -> set[str]:
    names = [choice if isinstance(choice, list) else [choice or NONE] for choice in choices]
    return {name for group in names for name in group if name != NONE}


def _bases() -> set[str]:
    return {step.name for step in of_kind(Kind.BASE)}


def _first_base() -> str:
    return of_kind(Kind.BASE)[0].name


def spell(form: Sequence[Any]) -> str:
    """The recipe that a form describes; a base counts only where nothing else is chosen, and one is then the start.

    Raises:
        RecipeError: an argument is out of its range, or the steps do not go together.
    """
    count = len(kinds())
    chosen = _chosen(form[:count])
    names = sorted(chosen - _bases() or chosen or {_first_base()})
    arguments: dict[str, list[Any]] = {name: [] for name in names}
    for (step, declared), value in zip(_declared(), form[count:], strict=True):
        if step.name in arguments:
            arguments[step.name].append(_typed(declared, value))
    return str(recipe.of([_make(Step.registry[name], arguments[name]) for name in names]))


def _typed(declared: Field, value: Any) -> Any:
    """A component's value as the argument's type; None where it is empty."""
    if value in ((), [], None, ""):
        return None
    return tuple(value) if isinstance(value, list) else declared.type(value)  # type: ignore[operator]


def _make(step: type[Step], arguments: list[Any]) -> Step:
    if None in arguments:
        label = fields(step)[arguments.index(None)].metadata["label"]
        raise RecipeError(f"step {step.name}: {label.lower()} is empty; accepted is, for example, {step.example}")
    try:
        return step(*arguments)
    except (ValueError, DataError) as error:
        raise RecipeError(f"step {step.name}: {error}; accepted is, for example, {step.example}") from error


def values(wanted: Recipe) -> list[Any]:
    """The form of a recipe: the inverse of `spell`."""
    by_name = {step.name: step for step in wanted.steps}
    form: list[Any] = []
    for kind in kinds():
        names = [step.name for step in of_kind(kind) if step.name in by_name]
        rest = None if kind is Kind.BASE else NONE
        form.append(names if kind in SEVERAL else next(iter(names), rest))
    for step, declared in _declared():
        value = getattr(by_name[step.name], declared.name) if step.name in by_name else _start(step, declared)
        form.append(list(value) if isinstance(value, tuple) else value)
    return form


def judge(text: str) -> Verdict:
    """Read a recipe, and say what it runs in or why this machine or the app's teacher has none of it."""
    wanted = None
    try:
        wanted = recipe.parse(text)
        for step in wanted.steps:
            step.check()
            step.check_teacher(builtin.config(Order.teacher))
    except RecipeError as error:
        return Verdict(wanted, False, complaint(error))
    engine = "PyTorch" if wanted.is_teacher else ENGINES.get(wanted.engine, wanted.engine)
    return Verdict(wanted, True, f'<p class="mma-note">Runs in {html.escape(engine)}</p>')


def complaint(error: RecipeError) -> str:
    """What is wrong with a recipe, as HTML."""
    return f'<p class="mma-note mma-bad" role="alert">{html.escape(sentence(error))}</p>'


def toggled(*form: Any) -> list[Any]:
    """After a choice in the form: recipe text, message, the Tag button's state, the choices, and which panels show."""
    chosen = _chosen(form[: len(kinds())]) - _bases()
    panels = [gr.update(visible=step.name in chosen) for step in with_arguments()]
    base = None if chosen else form[0] or _first_base()
    # A slow answer must not undo a further click: of the values only the base's is set.
    choices = [_offers(kind, chosen) for kind in kinds()]
    choices[0]["value"] = base
    try:
        text = spell(form)
    except RecipeError as error:
        return [gr.skip(), complaint(error), gr.update(interactive=False), *choices, *panels]
    verdict = judge(text)
    return [text, verdict.message, gr.update(interactive=verdict.usable), *choices, *panels]


def typed(text: str) -> list[Any]:
    """After typing a recipe: message, the Tag button's state, the form's values, and which panels show."""
    verdict = judge(text)
    button = gr.update(interactive=verdict.usable)
    if verdict.recipe is None:
        return [verdict.message, button, *[gr.skip()] * (len(kinds()) + len(_declared()) + len(with_arguments()))]
    names = {step.name for step in verdict.recipe.steps}
    panels = [gr.update(visible=step.name in names) for step in with_arguments()]
    form = values(verdict.recipe)
    choices = [_offers(kind, names) | {"value": value} for kind, value in zip(kinds(), form, strict=False)]
    return [verdict.message, button, *choices, *form[len(kinds()) :], *panels]


def rebased(base: str) -> list[Any]:
    """After choosing a base, which stands alone: the recipe text, then as `typed`."""
    return [base, *typed(base)]


def _offers(kind: Kind, chosen: Collection[str]) -> dict[str, Any]:
    return gr.update(choices=_offered(kind, chosen))


def refusal(step: type[Step], chosen: Collection[str] = ()) -> str:
    """Why a step cannot be chosen: this machine cannot run it, or it does not go with others; empty where it can.

    Args:
        step: what might be chosen.
        chosen: names of steps that are. Where one of a kind goes, the step would stand in place of the one chosen, and
            any step in place of a base.
    """
    candidate = recipe.parse(step.example).steps[0]
    others = (Step.registry[name] for name in chosen if name not in {step.name, *_bases()})
    kept = [other for other in others if other.kind is not step.kind or step.kind in SEVERAL]
    try:
        candidate.check()
        if step.kind is not Kind.BASE:
            recipe.ordered([candidate, *(recipe.parse(other.example).steps[0] for other in kept)])
    except RecipeError as error:
        return str(error)
    return ""


def label(step: type[Step], chosen: Collection[str] = ()) -> str:
    """A choice's label: its title on the first line, which the style sheet sets apart, and what it does.

    One that is refused says so behind its title, and why.
    """
    name = "" if step.title.lower() == step.name else f" · {step.name}"
    for others, mark in (((), "on this machine"), (chosen, "now")):
        if reason := refusal(step, others):
            return f"{step.title}{name}{NOT}{mark}\n{reason}"
    return f"{step.title}{name}\n{step.summary}"


def _offered(kind: Kind, chosen: Collection[str]) -> list[tuple[str, str]]:
    none = [] if kind is Kind.BASE or kind in SEVERAL else [("None", NONE)]
    return none + [(label(step, chosen), step.name) for step in of_kind(kind)]


def sources(kind: Kind) -> str:
    """Links to the works that the steps of a kind follow, as HTML."""
    papers: dict[tuple[str, str], list[str]] = {}
    for step in of_kind(kind):
        papers.setdefault(step.paper, []).append(step.name)
    links = [f"{_link(paper)} <code>{html.escape(', '.join(steps))}</code>" for paper, steps in papers.items()]
    return f'<p class="mma-sources">From {"; ".join(links)}</p>'


def _link(paper: tuple[str, str]) -> str:
    name, address = map(html.escape, paper)
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{name}</a>'


def explanation(step: type[Step]) -> list[str]:
    """What a step does and how, paragraph by paragraph, from its own description."""
    return [" ".join(paragraph.split()) for paragraph in (inspect.getdoc(step) or "").split("\n\n")]


def explanations(kind: Kind) -> str:
    """How each step of a kind works, and the work that it follows, as HTML."""
    return f'<div class="mma-how">{"".join(map(_explained, of_kind(kind)))}</div>'


def _explained(step: type[Step]) -> str:
    coded = (re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text)) for text in explanation(step))
    head = f"<h4>{html.escape(step.title)} <code>{html.escape(step.name)}</code></h4>"
    return f"<section>{head}<p>{_link(step.paper)}</p>{''.join(f'<p>{text}</p>' for text in coded)}</section>"


def layout() -> Picker:
    """Lay out the picker inside the open Blocks."""
    wanted = recipe.parse(START)
    start = values(wanted)
    chosen = {step.name for step in wanted.steps}
    text = gr.Textbox(START, label="Recipe", elem_id="mma-recipe", elem_classes="mma-code", max_lines=3, render=False)
    message = gr.HTML(judge(START).message, render=False, elem_id="mma-recipe-message")
    choices: list[Any] = []
    arguments: list[Any] = []
    panels: list[gr.Column] = []
    remaining = iter(start[len(kinds()) :])
    for kind, value in zip(kinds(), start, strict=False):
        with gr.Group(elem_classes="mma-kind"):
            choices.append(_choice(kind, value, chosen))
            for step in filter(fields, of_kind(kind)):
                with gr.Column(visible=step in map(type, wanted.steps), elem_classes="mma-arguments") as panel:
                    arguments += [_argument(step, declared, next(remaining)) for declared in fields(step)]
                panels.append(panel)
            gr.HTML(sources(kind))
            with gr.Accordion("How it works", open=False, elem_classes="mma-explained"):
                gr.HTML(explanations(kind))
    return Picker(text, message, choices, arguments, panels)


def _choice(kind: Kind, value: Any, chosen: Collection[str]) -> Any:
    component = gr.CheckboxGroup if kind in SEVERAL else gr.Radio
    return component(_offered(kind, chosen), value=value, label=HEADINGS[kind], elem_classes="mma-choice")


def _argument(step: type[Step], declared: Field, value: Any) -> Any:
    about = declared.metadata
    title = f"{about['label']} ({step.name})"
    form = form_of(declared)
    if form in NUMBERS:
        return gr.Slider(about["low"], about["high"], value=value, step=NUMBERS[form], label=title)
    if form is Form.WORD:
        return gr.Checkbox(value, label=title)
    if form is Form.CHOICE:
        return gr.Dropdown(list(about["choices"]), value=value, label=title)
    offered = [(f"{language.name} ({code})", code) for code, language in LANGUAGES.items()]
    return gr.Dropdown(offered, value=value, multiselect=form is Form.LANGUAGES, label=title)
