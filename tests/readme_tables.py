"""The tables of README.md, made from what is registered; `make tables` writes them, test_docs.py compares them."""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from mma_core import results
from mma_core.__main__ import _parser
from mma_core.languages import LANGUAGES, Tier
from mma_core.measure import ablations
from mma_core.recipe import Step

README = Path(__file__).parents[1] / "README.md"


def steps_table() -> str:
    """One row a step, in canonical order."""
    ordered = sorted(Step.registry.values(), key=lambda step: (step.kind, step.name))
    rows = [
        (
            step.kind.name.lower(),
            f"`{step.example}`",
            step.summary,
            _arguments(step),
            f"[{_name(step)}]({step.paper[1]})",
        )
        for step in ordered
    ]
    return _table(("kind", "for example", "what it does", "arguments", "after"), rows)


def _name(step: type[Step]) -> str:
    return step.paper[0].replace("[", "(").replace("]", ")")


def _arguments(step: type[Step]) -> str:
    texts = []
    for declared in fields(step):
        low, high = declared.metadata["low"], declared.metadata["high"]
        texts.append(declared.metadata["label"] + (f", {low:g} to {high:g}" if high else ""))
    return "; ".join(texts)


def languages_table() -> str:
    """One row a tier."""
    rows = []
    for tier in Tier:
        named = [f"{row.name} `{row.code}`" for row in LANGUAGES.values() if row.tier is tier]
        rows.append((tier.value, str(len(named)), ", ".join(named)))
    return _table(("tier", "number", "languages"), rows)


def commands_table() -> str:
    """One row a command, as `--help` states it."""
    return _table(("command", "what it does"), list(_commands(_parser())))


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                nested = list(_commands(command))
                usage = " ".join(command.format_usage().removeprefix("usage: ").replace("[-h] ", "").split())
                yield from nested or [(f"`{usage}`".replace("|", "\\|"), helps[name] or "")]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def figures_table() -> str:
    """One row a shipped recipe: its averages over the test files, and where they were measured."""
    rows = results.read(results.PRECOMPUTED)
    if not rows:
        return ""
    head = ("recipe", "F1 (macro)", "retention", "speed-up", "words/s", "size")
    cells = [
        (
            f"`{one.recipe}`",
            f"{one.f1:.1f}",
            f"{one.retention:.1f}%",
            f"{one.speedup:.2f}×",
            f"{one.words_per_s:.0f}",
            f"{one.size_mb:.0f} MB",
        )
        for one in sorted(results.averages(rows), key=lambda one: one.speedup)
    ]
    languages = len({row.language for row in rows})
    sets = len({(row.language, row.dataset) for row in rows})
    places = "; ".join(sorted({row.cpu for row in rows}))
    dates = " to ".join(sorted({rows[0].date, rows[-1].date}))
    return f"{_table(head, cells)}\nAverages over {sets} test files in {languages} languages, on {places}, {dates}.\n"


def ablations_table() -> str:
    """One row a run: what it changes, dev F1, and the paired difference from the control with its interval."""
    lines = ablations.TABLE.read_text(encoding="utf-8").splitlines() if ablations.TABLE.exists() else []
    rows = [json.loads(line) for line in lines]
    if not rows:
        return ""
    head = ("run", "changes", "gold", "zero-shot", "silver", "difference on gold [95%]", "p")
    cells = [
        (
            row["name"],
            ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in row["changes"].items()),
            *(f"{row[kind]:.1f}" for kind in ("gold", "zero_shot", "silver")),
            f"{row['difference']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]" if row["changes"] else "",
            f"{row['p']:.2f}" if row["changes"] else "",
        )
        for row in sorted(rows, key=lambda row: (bool(row["changes"]), -row["difference"]))
    ]
    one = rows[0]
    told = (
        f"Each {one['steps']} steps of {one['batch_size']} sentences from the weights of `{one['start']}`, "
        f"macro F1 on {one['dev_sentences']} dev sentences, {one['hardware']}, {one['date']}: `{one['command']}`."
    )
    return f"{_table(head, cells)}\n{told}\n"


TABLES = {
    "figures": figures_table,
    "ablations": ablations_table,
    "steps": steps_table,
    "languages": languages_table,
    "commands": commands_table,
}


def block(text: str, name: str) -> re.Match[str] | None:
    """What stands between the two markers of a table."""
    return re.search(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", text, re.DOTALL)


def renewed(text: str) -> str:
    """The text with every table made anew."""
    for name, table in TABLES.items():
        found = block(text, name)
        if found is None:
            raise ValueError(f"README.md has no block <!-- {name} --> … <!-- /{name} -->")
        text = text[: found.start()] + table() + text[found.end() :]
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
