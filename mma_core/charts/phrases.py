"""How charts put numbers and recipes into words."""

import html
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from ..bootstrap import Difference
from ..languages import LANGUAGES
from ..results import Place

MOST_LANGUAGES = 3
# So many that `layers:6+vocab:20 languages+` and `vocab:20 languages+int8static` are a line each.
MOST_CHARACTERS = 31
NO_BREAK = "\u00a0"
NONE_MEASURED = (
    "No measurements of these that can be compared yet. Measure some in Compare, or run\n"
    "python -m mma_core sweep --data DIR"
)


def brief(recipe: str) -> str:
    """A recipe's spelling with long lists of languages counted, such as `vocab:20 languages+int8`."""
    return "+".join(_brief(step) for step in recipe.split("+"))


def wrapped(recipe: str) -> str:
    """The same in as few lines as go, for the side of a chart."""
    steps = brief(recipe).replace(" ", NO_BREAK).replace("+", "+ ")
    found = textwrap.wrap(steps, MOST_CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return "<br>".join(line.replace(" ", "").replace(NO_BREAK, " ") for line in found)


def _brief(step: str) -> str:
    name, _, arguments = step.partition(":")
    count = len(arguments.split(","))
    return f"{name}:{count} languages" if count > MOST_LANGUAGES else step


def signed(points: float) -> str:
    """A difference in points, such as `−1.2`."""
    return f"{points:+.1f}".replace("-", "−")


def between(low: float, high: float) -> str:
    """An interval, such as `[−2.0, −0.4]`."""
    return f"[{low:.1f}, {high:.1f}]".replace("-", "−")


def change(found: Difference) -> str:
    """A difference with its interval, such as `−1.2 [−2.0, −0.4]`."""
    return f"{signed(found.points)} {between(found.low, found.high)}"


def columns(found: Difference) -> dict[str, Any]:
    """A difference as columns of a table."""
    return {
        "Difference": round(found.points, 2),
        "95% from": round(found.low, 2),
        "95% to": round(found.high, 2),
        "p": round(found.p, 3),
        "Sure": "yes" if found.sure else "no",
    }


def probability(p: float) -> str:
    """A p-value as the bootstrap knows it."""
    return "p < 0.002" if p < 0.002 else f"p = {p:.3f}" if p < 0.095 else f"p = {p:.2f}"


def title(place: Place) -> str:
    """A data set with its language's name."""
    code, dataset = place
    return f"{LANGUAGES[code].name if code in LANGUAGES else code}, {dataset}"


def titles(places: Sequence[Place]) -> list[str]:
    """Each data set's language, with the data set only where the language has several."""
    codes = [code for code, _ in places]
    return [title(place) if codes.count(place[0]) > 1 else title(place).split(",")[0] for place in places]


def sets(count: int) -> str:
    """A number of data sets."""
    return f"{count} data set{'' if count == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """Parts with commas and an `and` before the last."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def lines(facts: Iterable[str]) -> str:
    """The text of a hover box, one fact a line, the first bold; empty facts are left out."""
    first, *others = [html.escape(fact) for fact in facts if fact]
    return "<br>".join([f"<b>{first}</b>", *others])
