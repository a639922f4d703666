"""Which rows Compare shows: those with a step from one of the works, or of one kind, or from one machine."""

from collections.abc import Iterable
from functools import lru_cache

from .. import charts, recipe
from ..errors import RecipeError
from ..recipe import Kind, Step
from ..results import Measurement
from .recipe_picker import HEADINGS

ANY = "any"
COMBINED = "combined"
_COMBINATION = "Combination of kinds"


@lru_cache(maxsize=4096)
def _steps(spelled: str) -> tuple[Step, ...]:
    """The steps of a recipe in a table; none where an older version wrote what is no recipe now."""
    try:
        return recipe.parse(spelled).steps
    except RecipeError:
        return ()


def _works(spelled: str) -> set[str]:
    return {step.paper[0] for step in _steps(spelled) if step.kind is not Kind.BASE}


def _kinds(spelled: str) -> set[str]:
    kinds = {step.kind.name.lower() for step in _steps(spelled)}
    return kinds | {COMBINED} if len(kinds) > 1 else kinds


def passes(spelled: str, work: str, kind: str) -> bool:
    """Whether a recipe has a step from a work, and one of a kind.

    The teacher, which all are compared with, always passes.

    Args:
        spelled: a recipe's text.
        work: the work's name as its steps give it, or `ANY`.
        kind: a kind's name in small letters, `COMBINED` for several kinds in one recipe, or `ANY`.
    """
    return spelled == "teacher" or (
        (work == ANY or work in _works(spelled)) and (kind == ANY or kind in _kinds(spelled))
    )


def works(recipes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of work: those that some recipe has a step from."""
    found = set[str]().union(*map(_works, set(recipes)))
    return [("Any", ANY), *((name, name) for name in sorted(found))]


def kinds(recipes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of kind: those that some recipe has."""
    found = set[str]().union(*map(_kinds, set(recipes)))
    named = [(HEADINGS[kind], kind.name.lower()) for kind in Kind if kind.name.lower() in found]
    return [("Any", ANY), *named, *([(_COMBINATION, COMBINED)] if COMBINED in found else [])]


def machines(rows: Iterable[Measurement]) -> list[tuple[str, str]]:
    """Choices of machine; of any of them a chart shows the one with most rows."""
    found = charts.brief_machines({charts.machine(row) for row in rows})
    return [("The one with most rows", ANY), *sorted((brief, name) for name, brief in found.items())]
