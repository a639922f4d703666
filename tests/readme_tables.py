"""The tables of README.md, made from what is registered; `make tables` writes them, test_docs.py compares them."""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import readme_aims

from benchmarks import agreement
from benchmarks import rows as rivals
from mma_core import builtin, charts, results
from mma_core.__main__ import _parser
from mma_core.charts import grid
from mma_core.charts.phrases import brief, change, probability
from mma_core.languages import LANGUAGES, Tier
from mma_core.measure import ablations, curve
from mma_core.measure.perturb import PERTURBATIONS
from mma_core.recipe import Form, Step, form_of, parse

README = Path(__file__).parents[1] / "README.md"
_TWENTY = "vocab:ar,de,en,fa,fi,ha,hr,hu,id,ig,ko,ro,rw,sk,sw,wo,xh,yo,zh,zu"
# Students of one language or two → the multilingual student of as many layers as wide, in the same precision.
SAME_SIZE = {
    "bistil:en,sw": "layers:6",
    "bistil:en,sw+bf16": "layers:6+bf16",
    "time:sw,s+int8": f"minilm:4x256+{_TWENTY}+int8",
    "time:sw,xs+int8": f"minilm:2x128+{_TWENTY}+int8",
    "time:de,s": "minilm:4x256",
    "time:de,xs": "minilm:2x128",
}


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
        about = declared.metadata
        accepted = {
            Form.CHOICE: f": {', '.join(about['choices'])}",
            Form.WORD: f": `{about['word']}` or left out",
            **dict.fromkeys((Form.WHOLE, Form.NUMBER), f", {about['low']:g} to {about['high']:g}"),
        }
        texts.append(about["label"] + accepted.get(form_of(declared), ""))
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


def perturbations_table() -> str:
    """One row a perturbation."""
    rows = [(f"`{name}`", one.summary) for name, one in PERTURBATIONS.items()]
    return _table(("perturbation", "what it does at full strength"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def figures_table() -> str:
    """For each machine and teacher one row a shipped recipe: its averages over the test files."""
    rows = results.read(results.PRECOMPUTED)
    return "\n".join(_figures_of(one, rows) for one in charts.series(rows, own=False, view=charts.ALL_SETS))


def _figures_of(one: charts.Series, rows: list[results.Measurement]) -> str:
    head = ("recipe", "F1 (macro)", "retention", "speed-up", "words/s", "size")
    cells = [
        (
            f"`{row.recipe}`",
            f"{row.f1:.1f}",
            f"{row.retention:.1f}%",
            f"{row.speedup:.2f}×",
            f"{row.words_per_s:.0f}",
            f"{row.size_mb:.0f} MB",
        )
        for row in sorted(one.rows, key=lambda row: row.speedup)
    ]
    recipes = {row.recipe for row in one.rows}
    here = [row for row in rows if charts.machine(row) == one.cpu and row.teacher == one.teacher]
    mine = [row for row in here if row.recipe in recipes]
    measured: dict[str, list[results.Place]] = {}
    for row in mine:
        measured.setdefault(row.recipe, []).append((row.language, row.dataset))
    languages = len({code for code, _ in results.comparable(measured)[1]})
    dates = " to ".join(sorted({min(row.date for row in mine), max(row.date for row in mine)}))
    return (
        f"{_table(head, cells)}\nTeacher `{one.teacher}`: averages over {_count(one.rows[0].sets, 'test file')} in "
        f"{_count(languages, 'language')}, on {one.cpu}, {dates}.\n"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def own_languages_table() -> str:
    """One row a student of one or two languages and data set: beside the multilingual student of the same size."""
    known = grid.gather(results.read(results.PRECOMPUTED), teacher="multi", kind=grid.EVERY_SET, labelled={})
    head = ("student", "multilingual, of the same size", "test file", "F1", "its F1", "difference [95%]", "p")
    cells = []
    for ours, theirs in SAME_SIZE.items():
        for place in known.places(ours, theirs):
            found = known.difference(ours, theirs, [place])
            one, other = (known.rows[recipe, place] for recipe in (ours, theirs))
            told = change(found)
            cells.append(
                (
                    f"`{ours}`",
                    f"`{brief(theirs)}`",
                    "/".join(reversed(place)),
                    f"{one.f1:.1f}",
                    f"{other.f1:.1f}",
                    f"**{told}**" if found.sure and found.low > 0 else told,
                    probability(found.p).removeprefix("p ").removeprefix("= "),
                )
            )
    return _table(head, cells)


def tiers_table() -> str:
    """One row a recipe of all languages: what it keeps of the teacher's macro F1, tier by tier."""
    every = results.read(results.PRECOMPUTED)
    known = grid.gather(every, teacher="multi", kind=grid.EVERY_SET, labelled=builtin.labelled("multi"))
    recipes, places = known.comparable([name for name in known.recipes if not parse(name).languages])
    tiers = known.by_tier(places)
    kept = {
        recipe: [100 * known.macro(recipe, there) / known.macro(charts.TEACHER, there) for there in tiers.values()]
        for recipe in recipes
        if recipe != charts.TEACHER
    }
    head = ("recipe", *(f"{tier}, {_count(len(there), 'file')}" for tier, there in tiers.items()))
    ordered = sorted(kept.items(), key=lambda one: -fmean(shares[0] for shares in one[1]))
    cells = [(f"`{recipe}`", *map(_share, shares)) for recipe, shares in ordered]
    return _table(head, cells)


def _share(resampled: np.ndarray) -> str:
    low, high = np.quantile(resampled[1:], (0.025, 0.975))
    return f"{resampled[0]:.1f} [{low:.1f}, {high:.1f}]"


def raw_table() -> str:
    """One row a source: macro F1 from words and from raw text, and the file where raw text costs most."""
    rows = results.rows(results.RAW, results.RawText)
    if not rows:
        return "Not measured yet.\n"
    sources: dict[str, list[results.RawText]] = {}
    for row in rows:
        sources.setdefault(row.dataset, []).append(row)
    head = ("data set", "files", "sentences", "F1 from words", "F1 from raw text", "difference", "most lost")
    cells = [
        (
            name,
            str(len(mine)),
            str(sum(row.sentences for row in mine)),
            f"{fmean(row.f1_words for row in mine):.1f}",
            f"{fmean(row.f1_raw for row in mine):.1f}",
            f"{fmean(row.difference for row in mine):+.2f}",
            _most_lost(mine),
        )
        for name, mine in sorted(sources.items())
    ]
    one = rows[-1]
    told = (
        f"`{one.recipe}` of teacher `{one.teacher}`, strict F1, means over test files; in brackets the 95% interval "
        f"of a paired bootstrap. {one.cpu}, {one.date}: `{one.command}`."
    )
    return f"{_table(head, cells)}\n{told}\n"


def _most_lost(rows: list[results.RawText]) -> str:
    worst = min(rows, key=lambda row: row.difference)
    if worst.difference >= 0:
        return "none"
    return f"{worst.language} {worst.difference:+.1f} [{worst.low:+.1f}, {worst.high:+.1f}]"


def ablations_table() -> str:
    """One row a run: what it changes, dev F1, and the paired difference from the control with its interval."""
    lines = ablations.TABLE.read_text(encoding="utf-8").splitlines() if ablations.TABLE.exists() else []
    rows = [json.loads(line) for line in lines]
    if not rows:
        return ""
    teachers = sorted({row["teacher"] for row in rows})
    return "\n".join(_ablations_of([row for row in rows if row["teacher"] == name]) for name in teachers)


def curves_table() -> str:
    """One row a teacher and stage: sentences drawn so far, and dev F1 by source."""
    lines = curve.TABLE.read_text(encoding="utf-8").splitlines() if curve.TABLE.exists() else []
    rows = [json.loads(line) for line in lines]
    if not rows:
        return ""
    kinds = sorted({kind for row in rows for kind in row["f1"]})
    cells = [
        (
            f"`{row['teacher']}`",
            row["stage"],
            f"{row['sentences']:,}",
            *(f"{row['f1'][kind]:.1f}" if kind in row["f1"] else "" for kind in kinds),
        )
        for row in rows
    ]
    told = f"Macro F1 on dev files, up to {curve.SENTENCES} sentences each: `python -m mma_core train curve TEACHER`."
    return f"{_table(('teacher', 'after stage', 'sentences', *kinds), cells)}\n{told}\n"


def _ablations_of(rows: list[dict[str, Any]]) -> str:
    one = next(row for row in rows if row["name"] == ablations.CONTROL)
    head = ("run", "changes", "gold", "zero-shot", "silver", f"difference on {one['judged']} [95%]", "p")
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
    start = "the bare encoder" if one["after"] == 0 else f"stage {one['after']}"
    if one.get("start") in builtin.names():  # older rows do not say
        start = f"the shipped `{one['start']}`"
    told = (
        f"`{one['teacher']}`: each {one['steps']} steps of {one['batch_size']} sentences, begun from {start}; macro "
        f"F1 on {one['dev_sentences']} dev sentences, {one['hardware']}, {one['date']}: `{one['command']}`."
    )
    return f"{_table(head, cells)}\n{told}\n"


def rivals_table(path: Path = rivals.TABLE) -> str:
    """One row a contender of the last session, the slowest in bulk first: means over the test files."""
    session = rivals.last_session(rivals.read(path))
    if not session:
        return "Not measured yet.\n"
    baseline = next(mine for mine in session if mine[0].rival == rivals.BASELINE)
    head = ("tagger", "words/s in bulk", "speed-up", "one by one, p50", "p95", "F1 (macro)", "memory", "size")
    cells = [
        (
            f"**`{mine[0].rival}`**" if mine[0].ours else mine[0].rival,
            f"{rivals.rate(mine):.0f}",
            "1×" if mine is baseline else "{:.2f}× ({:.2f} to {:.2f})".format(*rivals.over(mine, baseline)),
            f"{fmean(row.latency_ms_p50 for row in mine):.1f} ms",
            f"{fmean(row.latency_ms_p95 for row in mine):.1f} ms",
            f"{fmean(row.f1 for row in mine):.1f}",
            f"{mine[0].peak_rss_mb:.0f} MB",
            f"{mine[0].size_mb:.0f} MB",
        )
        for mine in session
    ]
    return f"{_table(head, cells)}\n{_session_told([row for mine in session for row in mine])}\n"


def _session_told(session: list[rivals.Row]) -> str:
    one = next(row for row in session if row.rival == rivals.BASELINE)
    counts = {f"{row.dataset}/{row.language}": row.sentences for row in session}
    sets = ", ".join(f"{name} ({count} sentences)" for name, count in counts.items())
    learned = {row.rival: row.training for row in session if row.training}
    told = "".join(f" {name} learned from {training}, from scratch." for name, training in learned.items())
    return (
        f"In bold our recipes of the teacher `{one.teacher}`. Beside the speed-up, what seven of eight of its "
        f"{len(one.rounds_s)} rounds lie within. Test files: {sets}.{told} "
        f"On {one.cpu}, {one.threads} threads, {one.date[:10]}: `{one.command}`."
    )


def agreement_table(path: Path = agreement.TABLE) -> str:
    """One row a recipe in reduced precision: how many entities stay as they are in 32 bits, in the least language."""
    found = agreement.read(path)
    if not found:
        return "Not gathered yet: `python -m benchmarks.agreement`.\n"
    limit = max(one.limit for one in found)
    head = ("recipe", "equal entities, least language", f"languages from {limit:g}% up", "matrices kept")
    rows = [
        (
            f"`{brief(one.recipe)}`",
            f"**{_least(one.entities)}**" if one.held else _least(one.entities),
            f"{sum(share >= limit for share in one.entities.values())} of {len(one.entities)}",
            f"{one.kept} of {one.matrices}",
        )
        for one in found
    ]
    first, last = (end(one.created[:10] for one in found) for end in (min, max))
    machines = "; ".join(sorted({one.cpu for one in found}))
    told = (
        f"In percent, on unlabelled text; in bold what holds in every language. Built from {first} to {last} on "
        f"{machines}: `python -m benchmarks.agreement`."
    )
    return f"{_table(head, rows)}\n{told}\n"


def _least(shares: dict[str, float]) -> str:
    code = min(shares, key=shares.__getitem__)
    return f"{shares[code]:.1f} ({LANGUAGES[code].name})"


def columns_table(kind: type) -> str:
    """One row a column of a table of rows of that kind."""
    rows = [(f"`{field.name}`", field.metadata["label"], field.metadata["unit"]) for field in fields(kind)]
    return _table(("column", "what", "unit"), rows)


def aims_table() -> str:
    """One row an aim; what is reached is in bold."""
    return _table(("aim", "wanted", "reached", "where"), [readme_aims.cells(one) for one in readme_aims.aims()])


TABLES = {
    "aims": aims_table,
    "columns": partial(columns_table, results.Measurement),
    "robustness columns": partial(columns_table, results.Robustness),
    "raw columns": partial(columns_table, results.RawText),
    "figures": figures_table,
    "tiers": tiers_table,
    "own languages": own_languages_table,
    "agreement": agreement_table,
    "rivals": rivals_table,
    "ablations": ablations_table,
    "curves": curves_table,
    "steps": steps_table,
    "languages": languages_table,
    "commands": commands_table,
    "perturbations": perturbations_table,
    "raw": raw_table,
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
