"""F1 by language: a teacher and one of its recipes side by side, coloured by what the teacher saw of each language."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..builtin import Labelled
from ..data import LABELS, SILVER
from ..languages import LANGUAGES, Language, Tier, tier_of
from ..results import Measurement
from .grid import one_machine
from .speed import TEACHER
from .style import BLUE, GREEN, GREY, ORANGE, PINK, nothing, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

ALL_TYPES = "all"
EMPTY = "No measurements of these yet. Measure some in Compare, or run\npython -m mma_core sweep --data DIR"
COLOURS: dict[Tier | None, str] = {Tier.HIGH: BLUE, Tier.MID: GREEN, Tier.LOW: ORANGE, Tier.ZERO: PINK, None: GREY}
COSTLIEST = 3
LEAST_LOSS = 0.05
LONGEST_NAME = 40
ROW_PIXELS = 24
FRAME_PIXELS = 64
# Rows are 1 apart; the teacher's marker stands above the recipe's.
TEACHER_OFFSET, RECIPE_OFFSET = -0.17, 0.17


@dataclass(frozen=True)
class Place:
    """One language's data set, and how the teacher and the recipe do there.

    Attributes:
        language: the language.
        dataset: the data set.
        labelled: the teacher's labelled sentences of the language; None where nobody knows.
        teacher: the teacher's own row, if there is one.
        recipe: the recipe's row, if there is one.
    """

    language: Language
    dataset: str
    labelled: Labelled | None
    teacher: Measurement | None
    recipe: Measurement | None

    @property
    def tier(self) -> Tier | None:
        """The tier by what this teacher could learn from; None where nobody knows."""
        return None if self.labelled is None else tier_of(self.labelled.available)


def places(
    rows: Iterable[Measurement], *, teacher: str, recipe: str | None, silver: bool, labelled: Mapping[str, Labelled]
) -> list[Place]:
    """Bring the rows of a teacher and a recipe together, one place a language and data set.

    All are of the machine with most of the recipe's rows, or of the teacher's where that has none. Where several rows
    measure the same, the newest stands.

    Args:
        rows: of any recipe and teacher.
        teacher: whose.
        recipe: which one stands beside the teacher; None for the teacher alone.
        silver: the data sets labelled automatically, else those labelled by people.
        labelled: language code → the teacher's labelled sentences; empty where nobody knows.
    """
    wanted = [
        row
        for row in sorted(rows, key=attrgetter("date"))
        if row.teacher == teacher and row.recipe in (TEACHER, recipe) and (row.dataset in SILVER) == silver
    ]
    newest: dict[tuple[str, str], dict[str, Measurement]] = {}
    for row in one_machine(wanted, by=[row for row in wanted if row.recipe == recipe] or wanted):
        newest.setdefault((row.language, row.dataset), {})[row.recipe] = row
    return [
        Place(
            language=LANGUAGES[code],
            dataset=dataset,
            labelled=labelled.get(code, Labelled(0, 0)) if labelled else None,
            teacher=found.get(TEACHER),
            recipe=found.get(recipe) if recipe else None,
        )
        for (code, dataset), found in newest.items()
    ]


def score(row: Measurement | None, label: str) -> float | None:
    """F1 in percent over all types or of one; None where it was not measured."""
    if row is None:
        return None
    return row.f1 if label == ALL_TYPES else row.per_type.get(label)


def difference(place: Place, label: str) -> float | None:
    """The recipe's F1 less the teacher's, in points; None where one of them is missing."""
    teacher, recipe = score(place.teacher, label), score(place.recipe, label)
    return None if teacher is None or recipe is None else recipe - teacher


def ordered(found: Sequence[Place], label: str) -> list[Place]:
    """The places that have a score, best first by the teacher's, by the recipe's where there is no teacher's."""
    scored = [(place, _leading(place, label)) for place in found]
    kept = [(place, value) for place, value in scored if value is not None]
    return [place for place, _ in sorted(kept, key=lambda pair: -pair[1])]


def _leading(place: Place, label: str) -> float | None:
    teacher = score(place.teacher, label)
    return score(place.recipe, label) if teacher is None else teacher


def names(found: Sequence[Place]) -> list[str]:
    """Each place's language, with the data set only where the language has several."""
    codes = [place.language.code for place in found]
    return [
        f"{place.language.name}, {place.dataset}" if codes.count(place.language.code) > 1 else place.language.name
        for place in found
    ]


def takeaway(found: Sequence[Place], label: str) -> str:
    """What the data say in one line: macro F1 where trained and zero-shot, and the languages that pay most."""
    shown = ordered(found, label)
    if not shown:
        return EMPTY
    pairs = [place for place in shown if difference(place, label) is not None]
    if not pairs:
        said = [f"{_mean(group, label)} {where} ({_sets(group)})" for where, group in _groups(shown)]
        return f"Macro F1: {' and '.join(said)}."
    said = [_kept(where, group, label) for where, group in _groups(pairs)]
    kept = " and ".join(said).replace("% ", "% of the teacher's macro F1 ", 1)
    recipe = short(next(place.recipe.recipe for place in pairs if place.recipe))
    return f"{recipe} keeps {kept}. {_costliest(pairs, label)}"


def _groups(found: Sequence[Place]) -> list[tuple[str, list[Place]]]:
    groups = [
        ("where it was trained", [place for place in found if place.tier not in (None, Tier.ZERO)]),
        ("zero-shot", [place for place in found if place.tier is Tier.ZERO]),
        ("in all languages", [place for place in found if place.tier is None]),
    ]
    return [(where, group) for where, group in groups if group]


def _kept(where: str, group: Sequence[Place], label: str) -> str:
    before = _mean(group, label)
    after = before + sum(difference(place, label) or 0.0 for place in group) / len(group)
    share = 100 * after / before if before else 100.0
    return f"{share:.1f}% {where} ({before:.1f} → {after:.1f}, {_sets(group)})"


def _mean(group: Sequence[Place], label: str) -> float:
    return round(sum(_leading(place, label) or 0.0 for place in group) / len(group), 1)


def _sets(group: Sequence[Place]) -> str:
    return f"{len(group)} data set{'s' if len(group) > 1 else ''}"


def _costliest(pairs: Sequence[Place], label: str) -> str:
    losses = [(difference(place, label) or 0.0, name) for place, name in zip(pairs, names(pairs), strict=True)]
    worst = [f"{name} ({signed(loss)})" for loss, name in sorted(losses)[:COSTLIEST] if loss <= -LEAST_LOSS]
    return f"It pays most in {', '.join(worst)}." if worst else "No language pays."


def signed(points: float) -> str:
    """A difference in points, such as `−1.2`."""
    return f"{points:+.1f}".replace("-", "−")


def short(recipe: str) -> str:
    """A recipe's spelling, cut where it is very long."""
    return recipe if len(recipe) <= LONGEST_NAME else f"{recipe[: LONGEST_NAME - 1]}…"


def dots(found: Sequence[Place], label: str) -> "go.Figure":
    """One row a language and data set, best first: the teacher's dot, the recipe's diamond below it.

    Bars are 95% intervals, which are known for all types together only. Zero-shot languages have open markers and a
    ring before their names.
    """
    import plotly.graph_objects as go

    shown = ordered(found, label)
    if not shown:
        return nothing(EMPTY)
    figure = go.Figure()
    for tier, colour in COLOURS.items():
        rows = [(index, place) for index, place in enumerate(shown) if place.tier is tier]
        teachers = [(index + TEACHER_OFFSET, place, place.teacher) for index, place in rows]
        recipes = [(index + RECIPE_OFFSET, place, place.recipe) for index, place in rows]
        opened = "-open" if tier is Tier.ZERO else ""
        _add(figure, teachers, label=label, marker={"symbol": f"circle{opened}", "color": colour, "size": 9})
        _add(figure, recipes, label=label, marker={"symbol": f"diamond{opened}", "color": colour, "size": 8})
    return _framed(figure, shown, label)


def _add(
    figure: "go.Figure",
    rows: Sequence[tuple[float, Place, Measurement | None]],
    *,
    label: str,
    marker: dict[str, Any],
) -> None:
    points = [(height, place, row) for height, place, row in rows if row is not None and score(row, label) is not None]
    if not points:
        return
    measured = [row for *_, row in points]
    bars = {
        "type": "data",
        "array": [row.f1_high - row.f1 for row in measured],
        "arrayminus": [row.f1 - row.f1_low for row in measured],
        "thickness": 1,
        "width": 0,
    }
    figure.add_scatter(
        x=[score(row, label) for row in measured],
        y=[height for height, *_ in points],
        error_x=bars if label == ALL_TYPES else None,
        mode="markers",
        marker={**marker, "line": {"width": 1.5, "color": marker["color"]}},
        hovertext=[hover(place, row) for _, place, row in points],
        hoverinfo="text",
        showlegend=False,
    )


def hover(place: Place, row: Measurement) -> str:
    """All that is known of a dot, one fact a line; as the little HTML that hover boxes take."""
    types = " · ".join(f"{label} {row.per_type[label]:.1f}" for label in LABELS if label in row.per_type)
    facts = [
        f"<b>{html.escape(place.language.name)}</b>, {html.escape(place.dataset)}",
        html.escape(short(row.recipe)),
        f"F1 {row.f1:.1f}%, 95% interval {row.f1_low:.1f} to {row.f1_high:.1f}",
        types,
        f"{row.sentences:,} test sentences",
        *seen_lines(place),
    ]
    return "<br>".join(fact for fact in facts if fact)


def seen_lines(place: Place) -> list[str]:
    """How many labelled sentences of the language the teacher saw, and the tier that makes."""
    if place.labelled is None:
        return ["Labelled sentences seen: not known"]
    return [f"{place.labelled.seen:,} of {place.labelled.available:,} labelled sentences seen", str(place.tier)]


def _framed(figure: "go.Figure", shown: Sequence[Place], label: str) -> "go.Figure":
    styled(figure)
    ticks = [f"○ {name}" if place.tier is Tier.ZERO else name for place, name in zip(shown, names(shown), strict=True)]
    figure.update_layout(
        height=FRAME_PIXELS + ROW_PIXELS * len(shown), margin={"l": 8, "r": 12, "t": 48, "b": 16}, hovermode="closest"
    )
    figure.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=[html.escape(tick) for tick in ticks],
        tickfont={"size": 11},
        range=[len(shown) - 0.5, -0.5],
        automargin=True,
    )
    figure.update_xaxes(title_text="F1 (%)", side="top", range=_range(shown, label))
    return figure


def _range(shown: Sequence[Place], label: str) -> list[float]:
    rows = [row for place in shown for row in (place.teacher, place.recipe) if row is not None]
    lows = [row.f1_low if label == ALL_TYPES else row.per_type.get(label, 100.0) for row in rows]
    return [max(-1.0, 10 * (min(lows) // 10)), 101.0]
