"""Many recipes on many corpora, row by row into a table; what is in the table already is not measured again."""

from collections.abc import Sequence
from pathlib import Path

from .. import results
from ..data import Corpus
from ..errors import DataError
from ..recipe import Recipe, parse
from .bench import SENTENCES, Report, bench, cpu


def read_recipes(path: Path) -> list[Recipe]:
    """Recipes from a file, one a line; empty lines and those that begin with # are skipped.

    Raises:
        DataError: the file is missing or names none.
        RecipeError: a line is no recipe.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [parse(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise DataError(f"{path} names no recipe")
    return found


def sweep(  # noqa: PLR0913  (bench's arguments, handed on, and the table)
    recipes: Sequence[Recipe],
    corpora: Sequence[Corpus],
    *,
    teacher: str,
    table: Path,
    sentences: int = SENTENCES,
    command: str,
    report: Report,
) -> int:
    """Measure what the table lacks.

    All recipes of a corpus are measured in one run, so a corpus is the unit of work: a sweep that was cut off measures
    again only the corpus in flight. Rows of another CPU do not count. The arguments are those of `bench`, and the
    table that the rows are added to.

    Returns:
        The number of rows that were added.
    """
    recipes = list(dict.fromkeys(recipes))
    done = {
        (row.recipe, row.language, row.dataset)
        for row in results.read(table)
        if row.teacher == teacher and row.cpu == cpu()
    }
    open_corpora = [
        corpus for corpus in corpora if any((str(r), corpus.language, corpus.source) not in done for r in recipes)
    ]
    if not open_corpora:
        return 0
    added, rows = 0, []
    for row in bench(recipes, open_corpora, teacher=teacher, sentences=sentences, command=command, report=report):
        rows.append(row)
        if len(rows) == len(recipes):
            results.append(table, rows)
            added, rows = added + len(rows), []
    return added
