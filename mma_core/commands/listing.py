"""The commands that list what there is: steps, languages, measurements."""

import argparse
from dataclasses import Field, asdict, fields
from typing import Any

from .. import results
from ..languages import LANGUAGES
from ..recipe import Form, Step, form_of
from .options import command
from .terminal import show

_TOLD = {
    Form.WHOLE: ("low", "high", "start"),
    Form.NUMBER: ("low", "high", "start"),
    Form.CHOICE: ("choices",),
    Form.WORD: ("word",),
}
_ROW = (
    "{recipe:28} {teacher:6} {language:4} {dataset:12} F1 {f1:5.1f}  x{speedup:5.2f}  {from}, {threads} threads, {cpu}"
)


def add(commands: Any) -> None:
    """Add `recipes`, `languages` and `results`."""
    command(commands, "recipes", _recipes, "list the steps that a recipe can have")
    command(commands, "languages", _languages, "list the languages")
    command(commands, "results", _results, "list measurements, shipped and own")


def _recipes(options: argparse.Namespace) -> None:
    show([_described(step) for step in Step.registry.values()], options.json, "{name:12} {kind:10} {summary}")


def _described(step: type[Step]) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind.name.lower(),
        "title": step.title,
        "summary": step.summary,
        "separator": step.separator,
        "arguments": [_argument(declared) for declared in fields(step)],
        "example": step.example,
        "paper": {"name": step.paper[0], "address": step.paper[1]},
    }


def _argument(declared: Field) -> dict[str, Any]:
    form, about = form_of(declared), declared.metadata
    told = {key: about[key] for key in ("label", *_TOLD.get(form, ()))}
    return {"name": declared.name, "form": form, **told}


def _languages(options: argparse.Namespace) -> None:
    rows = [{**asdict(row), "direction": row.direction} for row in LANGUAGES.values()]
    show(rows, options.json, "{code:4} {name:20} {script:5} {tier}")


def _results(options: argparse.Namespace) -> None:
    rows = [
        {**asdict(row), "from": origin}
        for origin, path in (("precomputed", results.PRECOMPUTED), ("own", results.own_path()))
        for row in results.read(path)
    ]
    show(rows, options.json, _ROW)
