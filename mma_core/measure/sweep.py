"""Many recipes on many corpora, row by row into a table; what is in the table already is not measured again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import build, engines, processes, results, sources
from ..data import Corpus
from ..errors import DataError
from ..recipe import Recipe, parse
from .bench import SENTENCES, Report, bench, cpu
from .scoring import Share


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
    threads: int | None = None,
    workers: int = 1,
    command: str,
    report: Report,
) -> int:
    """Measure what the table lacks.

    All recipes of a corpus are measured in one run, so a corpus is the unit of work: a sweep that was cut off measures
    again only the corpus in flight. Rows of another CPU, of other weights, another number of threads or an older way to
    build do not count.

    Args:
        recipes: what to measure.
        corpora: labelled files.
        teacher: the recipes' teacher.
        table: where the rows go.
        sentences: at most so many of each corpus, drawn by seed.
        threads: of each tagger that is timed; as many as this process may use by default.
        workers: processes that share the scoring, one thread each; with 1 it is done here.
        command: what is stored beside each row as the way to get it again.
        report: progress.

    Returns:
        The number of rows that were added.
    """
    recipes = list(dict.fromkeys(recipes))
    here = (teacher, sources.locate(teacher).sha256[:12], threads or engines.available_threads(), cpu(), build.REVISION)
    done = {
        (row.recipe, row.language, row.dataset)
        for row in results.read(table)
        if (row.teacher, row.weights, row.threads, row.cpu, row.revision) == here
    }
    open_corpora = [
        corpus for corpus in corpora if any((str(r), corpus.language, corpus.source) not in done for r in recipes)
    ]
    if not open_corpora:
        return 0
    added, rows = 0, []
    with _shared(workers) as share:
        found = bench(
            recipes,
            open_corpora,
            teacher=teacher,
            sentences=sentences,
            threads=threads,
            share=share,
            command=command,
            report=report,
        )
        for row in found:
            rows.append(row)
            if len(rows) == len(recipes):
                results.append(table, rows)
                added, rows = added + len(rows), []
    return added


@contextmanager
def _shared(workers: int) -> Iterator[Share | None]:
    if workers == 1:
        yield None
        return
    others = processes.pool(workers)
    try:
        yield others.map
    finally:
        others.shutdown(cancel_futures=True)
