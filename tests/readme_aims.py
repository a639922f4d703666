"""The table of aims in README.md: what was to be reached, and how far what is shipped got; every figure is read."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import agreement, bare, browser, bulk, instrument
from benchmarks import rows as rivals
from mma_core import charts, results
from mma_core.charts.phrases import brief

ASSETS = Path(__file__).parents[1] / "assets"
GOLD = ("masakhaner2", "transfer", "uner")
FLOORS = {"masakhaner2": 78, "wikineural": 91, "wikiann": 82, "uner": 77}
# Retention in percent → speed-up over `transformers.pipeline` at its default batch size.
FASTEST = {98: 15, 95: 51}
# In percent; what an allocator keeps for itself comes and goes.
GROWTH = 2
# In percent of the time, and of what student.
ROAD, SMALLEST = 25, "minilm:2x128"
_CARD_ROW = re.compile(r"\| \w+ \| (\w+) \| (zero-shot|[\d,]+) \| \d+ \| ([\d.]+) \|")


@dataclass(frozen=True)
class Aim:
    """One aim: what, how much, how far it was reached, and where or on what."""

    what: str
    wanted: str
    reached: str
    met: bool
    where: str


def aims() -> list[Aim]:
    """All aims, those of the teachers first."""
    return [
        *_teachers(),
        _raw(),
        *_engines(),
        *precisions(),
        *_road(),
        *_single_texts(),
        *memory(),
        *_compression(),
        *_instrument(),
        *pages(),
    ]


def cells(one: Aim) -> tuple[str, ...]:
    """A row of the table."""
    return one.what, one.wanted, f"**{one.reached}**" if one.met else one.reached, one.where


def card(teacher: str) -> list[tuple[str, bool, float]]:
    """Source, whether the language is zero-shot, and F1 of each test file, from a model card."""
    text = (ASSETS / teacher / "MODEL_CARD.md").read_text(encoding="utf-8")
    return [(found[1], found[2] == "zero-shot", float(found[3])) for found in _CARD_ROW.finditer(text)]


def _teachers() -> Iterator[Aim]:
    multi = card("multi")
    for source, floor in FLOORS.items():
        # Of UNER the trained languages alone; of the others every language is.
        found = [f1 for name, zero_shot, f1 in multi if name == source and not zero_shot]
        yield _at_least(f"F1 of `multi` on {source}, languages with labels", floor, found)
    unseen = [f1 for name, zero_shot, f1 in card("en") if name in GOLD and zero_shot]
    yield _at_least("F1 of `en` on gold sets, zero-shot languages", 58, unseen)


def _at_least(what: str, floor: float, found: list[float]) -> Aim:
    mean = fmean(found)
    return Aim(what, f"≥ {floor:g}", f"{mean:.1f}", mean >= floor, f"{len(found)} test files, model card")


def _raw() -> Aim:
    by_source: dict[str, list[float]] = {}
    for row in results.rows(results.RAW, results.RawText):
        by_source.setdefault(row.dataset, []).append(row.difference)
    worst = min(by_source, key=lambda name: fmean(by_source[name]))
    lost = -fmean(by_source[worst])
    return Aim("F1 that raw text costs, worst source", "≤ 1", f"{lost:.2f}", lost <= 1, f"{worst}; table of raw text")


def _engines() -> Iterator[Aim]:
    session = {mine[0].rival: mine for mine in rivals.last_session(rivals.read(rivals.TABLE))}
    base = session[rivals.BASELINE]
    where = f"rivals, {base[0].cpu.partition(' (')[0]}, {base[0].date[:10]}"
    optimum = max((name for name in session if name.startswith("Optimum")), key=lambda name: rivals.rate(session[name]))
    for recipe, beside, wanted in (
        ("int8", rivals.BASELINE, 4.5),
        ("int8static", rivals.BASELINE, 8),
        ("int8static", optimum, 1.4),
    ):
        ratio, _, _ = rivals.over(session[recipe], session[beside])
        yield Aim(f"Words/s of `{recipe}` beside {beside}", f"≥ {wanted:g}×", f"{ratio:.2f}×", ratio >= wanted, where)


def precisions(path: Path = agreement.TABLE) -> Iterator[Aim]:
    """That recipes in reduced precision keep their entities in every language; nothing where none was built."""
    found = agreement.read(path)
    if found:
        held = sum(one.held for one in found)
        what = f"Recipes in reduced precision that keep {found[0].limit:g}% of the entities in every language"
        yield Aim(what, f"all of {len(found)}", str(held), held == len(found), "table of agreement")


def _road() -> Iterator[Aim]:
    """That the way to a small model and back takes little beside the model."""
    rows = [row for row in results.read(results.PRECOMPUTED) if row.recipe == SMALLEST and row.teacher == "multi"]
    for machine in sorted({row.cpu for row in rows}):
        mine = [row for row in rows if row.cpu == machine]
        share = 100 - fmean(row.model_share for row in mine)
        what = f"Share of the time that `{SMALLEST}` spends on tokenising and decoding"
        where = f"{len(mine)} test files, {machine.partition(' (')[0]}"
        yield Aim(what, f"≤ {ROAD}%", f"{share:.0f}%", share <= ROAD, where)


def _single_texts() -> Iterator[Aim]:
    """That OpenVINO answers a single text as soon as ONNX Runtime does, in 8 bits both, wherever both were measured."""
    rows = results.read(results.PRECOMPUTED)
    for one in charts.series(rows, own=False, view=charts.ALL_SETS):
        latency = {row.recipe: row.latency_ms_p50 for row in one.rows}
        if {"int8", "int8static"} <= latency.keys():
            ratio = latency["int8"] / latency["int8static"]
            what = "Texts/s one by one of `int8static` (OpenVINO) beside `int8` (ONNX Runtime)"
            where = f"`{one.teacher}`, {one.rows[0].sets} test files, {one.cpu.partition(' (')[0]}"
            yield Aim(what, "≥ 1×", f"{ratio:.2f}×", ratio >= 1, where)


def memory(path: Path = bulk.TABLE) -> Iterator[Aim]:
    """That a long file takes no more memory than a short one, by the last file that each recipe tagged."""
    latest = {row.recipe: row for row in bulk.read(path)}
    for last in latest.values():
        what = f"Growth of memory while {last.sentences:,} sentences are tagged in bulk"
        reached = f"{last.growth:+.1f}% ({last.early_mb:.0f} to {last.late_mb:.0f} MB)".replace("-", "−")
        where = f"`{last.command}`, {last.cpu.partition(' (')[0]}, {last.date}"
        yield Aim(what, f"≤ {GROWTH}%", reached, last.growth <= GROWTH, where)


def _compression() -> Iterator[Aim]:
    rows = results.read(results.PRECOMPUTED)
    series = [one for one in charts.series(rows, own=False, view=charts.ALL_SETS) if one.teacher == "multi"]
    # Of one language a recipe may keep more than of all.
    series = [one for one in series if one.rows[0].sets == max(other.rows[0].sets for other in series)]
    for retention, wanted in FASTEST.items():
        found = [(one, row) for one in series for row in one.rows if row.retention >= retention]
        one, row = max(found, key=lambda pair: pair[1].speedup)
        yield Aim(
            f"Speed-up of a multilingual recipe that keeps {retention}% of macro F1",
            f"≥ {wanted}×",
            f"{row.speedup:.1f}×",
            row.speedup >= wanted,
            f"`{brief(row.recipe)}`, {row.sets} test files, {one.cpu.partition(' (')[0]}",
        )


def _instrument() -> Iterator[Aim]:
    """By the last line of each processor."""
    if instrument.TABLE.exists():
        lines = map(json.loads, instrument.TABLE.read_text(encoding="utf-8").splitlines())
        for last in {line["cpu"]: line for line in lines}.values():
            yield from _examined(last)


def _examined(last: Mapping[str, Any]) -> Iterator[Aim]:
    where = f"`{last['command']}`, {last['cpu'].partition(' (')[0]}, {last['date']}"
    differs, recipes = max(last["differences"].values()), len(last["differences"])
    means = f"{differs:.1f}%, means over languages (a recipe in one language: {last['worst']:.1f}%)"
    seconds, languages = max(last["bench_seconds"]), last["languages"].count(",") + 1
    yield Aim("Speed-ups of two runs of `bench` differ by", "≤ 5%", means, differs <= 5, where)
    what = f"Minutes to measure {recipes} recipes in {languages} languages, on the sample sentences"
    yield Aim(what, "≤ 10", f"{seconds / 60:.1f}", seconds <= 600, where)
    drawn = last["charts_seconds"]
    what = f"Seconds to draw all charts of the app once it has started (in {last['app_seconds']:.1f})"
    yield Aim(what, "≤ 3", f"{drawn:.1f}", drawn <= 3, where)


def pages(path: Path = browser.TABLE) -> Iterator[Aim]:
    """What the slowest tab took in the last line; an older one may be of another page."""
    for last in browser.read(path)[-1:]:
        tabs = dict(last.seconds)
        bare_page = tabs.pop(bare.TAB)
        slowest = max(tabs, key=tabs.__getitem__)
        what = "Seconds from opening the app's page in a browser to the first chart of its slowest tab"
        reached = f"{tabs[slowest]:.1f} ({slowest}; a bare page of Gradio: {bare_page:.1f})"
        where = f"`{last.command}`, {last.cpu.partition(' (')[0]}, {last.date}"
        yield Aim(what, "≤ 3", reached, tabs[slowest] <= 3, where)
