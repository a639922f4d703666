"""The recipe picker: a form generated from `Step.registry`, and a text box with the same recipe, kept in step.

The form's values are one list: for each kind its choice (a name where only one goes, names where several do), then
for each argument of each step its value. `spell` and `values` convert between that list and a recipe.
"""

import html
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from typing import Any

import gradio as gr

from .. import recipe
from ..errors import DataError, RecipeError
from ..languages import LANGUAGES
from ..recipe import Kind, Recipe, Step
from .notices import sentence

START = "int8"
NONE = "none"
SEVERAL = {Kind.PRUNE, Kind.VOCAB}
HEADINGS = {
    Kind.BASE: "If nothing else is chosen",
    Kind.STUDENT: "Smaller student",
    Kind.PRUNE: "Prune",
    Kind.VOCAB: "Vocabulary",
    Kind.PRECISION: "Precision",
}
ENGINES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class Picker:
    """The picker's components, for the tab to wire up.

    Attributes:
        text: the canonical recipe, editable.
        message: what the recipe runs in, or what is wrong with it.
        form: one component a value of the form.
        panels: one group of arguments a step that has any.
    """

    text: gr.Textbox
    message: gr.HTML
    form: list[Any]
    panels: list[gr.Column]


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
    return list(example) if isinstance(example, tuple) else declared.metadata.get("start", example)


def _chosen(choices: Sequence[str | list[str]]) -> set[str]:
    names = [[choice] if isinstance(choice, str) else choice for choice in choices]
    return {name for group in names for name in group if name != NONE}


def spell(form: Sequence[Any]) -> str:
    """The recipe that a form describes; a base counts only where nothing else is chosen.

    Raises:
        RecipeError: an argument is out of its range, or the steps do not go together.
    """
    count = len(kinds())
    chosen = _chosen(form[:count])
    arguments: dict[str, list[Any]] = {name: [] for name in chosen}
    for (step, declared), value in zip(_declared(), form[count:], strict=True):
        if step.name in chosen:
            arguments[step.name].append(_typed(declared, value))
    bases = {step.name for step in of_kind(Kind.BASE)}
    names = sorted(chosen - bases or chosen)
    return str(recipe.of([_make(Step.registry[name], arguments[name]) for name in names]))


def _typed(declared: Field, value: Any) -> Any:
    return tuple(value or ()) if declared.type == tuple[str, ...] else value


def _make(step: type[Step], arguments: list[Any]) -> Step:
    if any(value in ((), None, "") for value in arguments):
        label = fields(step)[arguments.index(next(v for v in arguments if v in ((), None, "")))].metadata["label"]
        raise RecipeError(f"step {step.name}: {label.lower()} is empty; accepted is, for example, {step.example}")
    try:
        types = [declared.type for declared in fields(step)]
        return step(*(kind(value) if kind in {int, float} else value for kind, value in zip(types, arguments, strict=True)))
    except (ValueError, DataError) as error:
        raise RecipeError(f"step {step.name}: {error}; accepted is, for example, {step.example}") from error


def values(wanted: Recipe) -> list[Any]:
    """The form of a recipe: the inverse of `spell`."""
    by_name = {step.name: step for step in wanted.steps}
    form: list[Any] = []
    for kind in kinds():
        names = [step.name for step in of_kind(kind) if step.name in by_name]
        rest = of_kind(kind)[0].name if kind is Kind.BASE else NONE
        form.append(names if kind in SEVERAL else (names or [rest])[0])
    for step, declared in _declared():
        value = getattr(by_name[step.name], declared.name) if step.name in by_name else _start(step, declared)
        form.append(list(value) if isinstance(value, tuple) else value)
    return form


def judge(text: str) -> tuple[Recipe | None, str]:
    """Read a recipe and say, as HTML, what it runs in or why it cannot be used here.

    Returns:
        The recipe, None where it is not legal or this machine cannot run it; and the message.
    """
    try:
        wanted = recipe.parse(text)
        for step in wanted.steps:
            step.check()
    except RecipeError as error:
        return None, f'<p class="mma-note mma-bad" role="alert">{html.escape(sentence(error))}</p>'
    engine = "PyTorch" if wanted.is_teacher else ENGINES.get(wanted.engine, wanted.engine)
    return wanted, f'<p class="mma-note">Runs in {html.escape(engine)}</p>'


def toggled(*form: Any) -> list[Any]:
    """After a change in the form: recipe text, message, the Tag button's state, and which panels show."""
    chosen = _chosen(form[: len(kinds())])
    panels = [gr.update(visible=step.name in chosen) for step in with_arguments()]
    try:
        text = spell(form)
    except RecipeError as error:
        message = f'<p class="mma-note mma-bad" role="alert">{html.escape(sentence(error))}</p>'
        return [gr.skip(), message, gr.update(interactive=False), *panels]
    usable, message = judge(text)
    return [text, message, gr.update(interactive=usable is not None), *panels]


def typed(text: str) -> list[Any]:
    """After typing a recipe: message, the Tag button's state, the form's values, and which panels show."""
    usable, message = judge(text)
    button = gr.update(interactive=usable is not None)
    if usable is None:
        return [message, button, *[gr.skip()] * (len(kinds()) + len(_declared()) + len(with_arguments()))]
    names = {step.name for step in usable.steps}
    panels = [gr.update(visible=step.name in names) for step in with_arguments()]
    return [message, button, *values(usable), *panels]


def refusal(step: type[Step]) -> str:
    """Why this machine cannot run a step's result; empty where it can."""
    try:
        recipe.parse(step.example).steps[0].check()
    except RecipeError as error:
        return str(error)
    return ""


def label(step: type[Step]) -> str:
    """A choice's label: its title on the first line, which the style sheet sets apart, and what it does."""
    reason = refusal(step)
    return f"{step.title} · {step.name}{' · not on this machine' if reason else ''}\n{reason or step.summary}"


def sources(kind: Kind) -> str:
    """Links to the works that the steps of a kind follow, as HTML."""
    papers: dict[tuple[str, str], list[str]] = {}
    for step in of_kind(kind):
        papers.setdefault(step.paper, []).append(step.name)
    links = [
        f'<a href="{html.escape(address)}" target="_blank" rel="noopener noreferrer">{html.escape(name)}</a>'
        f" <code>{html.escape(', '.join(steps))}</code>"
        for (name, address), steps in papers.items()
    ]
    return f'<p class="mma-sources">From {"; ".join(links)}</p>'


def layout() -> Picker:
    """Lay out the picker inside the open Blocks."""
    wanted = recipe.parse(START)
    start = values(wanted)
    text = gr.Textbox(
        START, label="Recipe", elem_id="mma-recipe", elem_classes="mma-code", max_lines=3, render=False, interactive=True
    )
    message = gr.HTML(judge(START)[1], render=False, elem_id="mma-recipe-message")
    choices: list[Any] = []
    arguments: list[Any] = []
    panels: list[gr.Column] = []
    remaining = iter(start[len(kinds()) :])
    for kind, value in zip(kinds(), start, strict=False):
        with gr.Group(elem_classes="mma-kind"):
            choices.append(_choice(kind, value))
            for step in filter(fields, of_kind(kind)):
                with gr.Column(visible=step in map(type, wanted.steps), elem_classes="mma-arguments") as panel:
                    arguments += [_argument(step, declared, next(remaining)) for declared in fields(step)]
                panels.append(panel)
            gr.HTML(sources(kind))
    return Picker(text, message, [*choices, *arguments], panels)


def _choice(kind: Kind, value: Any) -> Any:
    offered = [(label(step), step.name) for step in of_kind(kind)]
    if kind in SEVERAL:
        return gr.CheckboxGroup(offered, value=value, label=HEADINGS[kind], elem_classes="mma-choice")
    none = [] if kind is Kind.BASE else [("None", NONE)]
    return gr.Radio(none + offered, value=value, label=HEADINGS[kind], elem_classes="mma-choice")


def _argument(step: type[Step], declared: Field, value: Any) -> Any:
    about = declared.metadata
    title = f"{about['label']} ({step.name})"
    if declared.type == tuple[str, ...]:
        offered = [(f"{language.name} ({code})", code) for code, language in LANGUAGES.items()]
        return gr.Dropdown(offered, value=value, multiselect=True, label=title)
    if declared.type in {int, float}:
        unit = 1 if declared.type is int else 0.01
        return gr.Slider(about["low"], about["high"], value=value, step=unit, label=title)
    return gr.Textbox(str(value), label=title)
