"""The Languages tab: F1 by language, of a teacher and one recipe, beside what the teacher saw of each language."""

import html
from typing import Any

import gradio as gr

from .. import builtin, results
from ..charts import by_language
from ..charts.by_language import ALL_TYPES, COLOURS, Place
from ..charts.speed import TEACHER
from ..data import LABELS
from ..languages import HIGH_FROM, MID_FROM, Tier
from ..results import Measurement
from . import downloads, format
from .chart import chart
from .notices import laid_out, notices
from .teachers import FIRST_TEACHER
from .wiring import answering, first, wire

GOLD, SILVER = "gold", "silver"
KINDS = [("Gold (by people)", GOLD), ("Silver (automatic)", SILVER)]
TYPES = [("All", ALL_TYPES), *((label, label) for label in LABELS)]
PLOT = "mma-by-language"
FIRST_RECIPE = "int8"
TABLE = (
    "Language",
    "Data set",
    "Teacher F1 % [95%]",
    "Recipe F1 % [95%]",
    "Difference",
    "Tier",
    "Sentences seen",
    *(f"Teacher {label}" for label in LABELS),
    *(f"Recipe {label}" for label in LABELS),
    "Test sentences",
)
NOTE = (
    "Tiers go by the labelled sentences of the language in the files that the teacher drew from: high-resource from "
    f"{HIGH_FROM:,}, mid-resource from {MID_FROM:,}, low-resource below, zero-shot none; it saw as many of them as the "
    "table says. All rows are of "
    "one machine, the one with most of the recipe's; where the same was measured twice, the newer one is shown."
)


def read() -> list[Measurement]:
    """All rows, the shipped ones first.

    Raises:
        DataError: a table is damaged.
    """
    return results.read(results.PRECOMPUTED) + results.read(results.own_path())


def teachers() -> list[str]:
    """Teachers that have rows."""
    return sorted({row.teacher for row in read()})


def recipes(teacher: str | None) -> list[str]:
    """Recipes of a teacher that have rows, shortest first; the teacher itself is always shown and no choice."""
    found = {row.recipe for row in read() if row.teacher == teacher} - {TEACHER}
    return sorted(found, key=lambda recipe: (len(recipe), recipe))


@notices
def choices(teacher: str | None, recipe: str | None, *_: str) -> list[Any]:
    """The teachers and recipes that have rows by now; what was chosen stays where it still exists.

    The arguments are `refresh`'s.
    """
    known = teachers()
    teacher = first(teacher, known, otherwise=FIRST_TEACHER)
    offered = recipes(teacher)
    return [
        gr.update(choices=known, value=teacher, visible=len(known) > 1),
        gr.update(choices=offered, value=first(recipe, offered, otherwise=FIRST_RECIPE)),
    ]


@notices
def refresh(teacher: str | None, recipe: str | None, kind: str, label: str) -> list[Any]:
    """Read the tables again.

    Returns:
        Takeaway and legend as HTML, figure, table rows.
    """
    found = by_language.places(
        read(),
        teacher=teacher or "",
        recipe=recipe,
        silver=kind == SILVER,
        labelled=builtin.labelled(teacher or ""),
    )
    return [headline(found, label), legend(found), by_language.dots(found, label), table(found, label)]


def headline(found: list[Place], label: str) -> str:
    """The one-line takeaway as HTML; without rows, what to do about it."""
    lines = html.escape(by_language.takeaway(found, label)).split("\n")
    lines[1:] = [f"<code>{line}</code>" for line in lines[1:]]
    return f'<p class="mma-takeaway">{"<br>".join(lines)}</p>'


def legend(found: list[Place]) -> str:
    """What shapes and colours mean, as HTML; only of what is there."""
    present = {place.tier for place in found}
    tiers = [_tier(tier, colour) for tier, colour in COLOURS.items() if tier in present]
    recipe = next((place.recipe.recipe for place in found if place.recipe), None)
    shapes = [
        "<span>● teacher</span>",
        *([f"<span>◆ {html.escape(by_language.short(recipe))}</span>"] if recipe else []),
    ]
    return f'<p class="mma-key">{"".join([*shapes, *tiers])}</p>' if found else ""


def _tier(tier: Tier | None, colour: str) -> str:
    mark = "○" if tier is Tier.ZERO else "●"
    return f'<span><b style="color: {colour}">{mark}</b> {tier or "tier not known"}</span>'


def table(found: list[Place], label: str) -> dict[str, Any]:
    """The table beneath the chart, in its order: headers and rows."""
    return {"headers": list(TABLE), "data": [_cells(place, label) for place in by_language.ordered(found, label)]}


def _cells(place: Place, label: str) -> list[Any]:
    change = by_language.difference(place, label)
    one = place.teacher or place.recipe
    return [
        place.language.name,
        place.dataset,
        _f1(place.teacher, label),
        _f1(place.recipe, label),
        "" if change is None else round(change, 1),
        str(place.tier or "not known"),
        "not known" if place.labelled is None else place.labelled.seen,
        *(_of_type(row, name) for row in (place.teacher, place.recipe) for name in LABELS),
        one.sentences if one else "",
    ]


def _f1(row: Measurement | None, label: str) -> str:
    if row is None or by_language.score(row, label) is None:
        return ""
    return format.interval(row) if label == ALL_TYPES else f"{row.per_type[label]:.1f}"


def _of_type(row: Measurement | None, label: str) -> float | str:
    value = by_language.score(row, label)
    return "" if value is None else round(value, 1)


@notices
def csv_file(teacher: str | None, recipe: str | None, kind: str, label: str) -> str:
    """Write the table beneath the chart for download.

    Raises:
        DataError: there are no rows.
    """
    *_, found = refresh(teacher, recipe, kind, label)
    return downloads.write("mma-languages", [dict(zip(TABLE, cells, strict=True)) for cells in found["data"]])


def tab() -> None:
    """Lay out the tab and wire its handlers."""
    with gr.Tab("Languages", id="languages") as page:
        filters = _filters()
        outputs = [gr.HTML(), gr.HTML(), chart(PLOT)]
        downloads.controls(PLOT, "languages", csv_file, filters)
        outputs.append(
            gr.Dataframe(headers=list(TABLE), interactive=False, elem_id="mma-language-table", max_height=420)
        )
        gr.HTML(f'<p class="mma-note">{NOTE}</p>')
    wire(page, answering(choices, refresh), filters, outputs)


def _filters() -> list[Any]:
    known = laid_out(teachers)
    teacher = first(None, known, otherwise=FIRST_TEACHER)
    offered = laid_out(lambda: recipes(teacher))
    recipe = first(None, offered, otherwise=FIRST_RECIPE)
    with gr.Row(elem_id="mma-language-filters"):
        return [
            gr.Dropdown(known, value=teacher, label="Teacher", visible=len(known) > 1, min_width=120),
            gr.Dropdown(offered, value=recipe, label="Recipe", scale=2, min_width=200),
            gr.Radio(KINDS, value=GOLD, label="Labels of the test sets", scale=2, min_width=280),
            gr.Radio(TYPES, value=ALL_TYPES, label="Entities", scale=2, min_width=280),
        ]
