"""Many recipes on many corpora, corpus by corpus into a table; what is in the table already is not measured again."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

from .. import build, engines, processes, results, sources
from ..data import Corpus
from ..errors import DataError
from ..orders import revision
from ..recipe import Recipe, parse
from ..results import Measurement
from .bench import Report, bench, cpu
from .plan import Crew, Place, Plan
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
    return list(dict.fromkeys(found))


def sweep(
    plan: Plan, corpora: Sequence[Corpus], table: Path, *, crew: AbstractContextManager[Crew], report: Report
) -> int:
    """Measure what the table lacks.

    Recipes are timed in turns with their teacher, round by round, so that a drift of the machine meets all of them: no
    recipe of a corpus is done before the last one is. So a corpus with all its recipes is the unit of work. Its rows
    are written at once when it is done, and a sweep that was cut off, by `kill -9` too, measures again the corpora in
    flight (one a machine) and no others. Rows of another CPU than the crew's, of other weights, another number of
    threads or sentences, another budget than the artifact here has or would get, or an older way to build do not count.

    Args:
        plan: what to measure.
        corpora: labelled files.
        table: where the rows go.
        crew: who measures, within its block.
        report: progress.

    Returns:
        The number of rows that were added.

    Raises:
        MMAError: as `bench.bench`; or a cluster cannot be used.
    """
    added = 0
    with crew as machines:
        done = _done(plan, corpora, table, machines.places)
        missing = [corpus for corpus in corpora if (corpus.language, corpus.source) not in done]
        for rows in machines.rows(missing, report) if missing else ():
            results.append(table, rows)
            added += len(rows)
    return added


def _done(plan: Plan, corpora: Sequence[Corpus], table: Path, places: frozenset[Place]) -> set[results.Place]:
    """The corpora of which one of these places has measured all recipes."""
    weights = sources.locate(plan.teacher).sha256[:12]
    made = {
        str(recipe): (plan.teacher, weights, revision(recipe), build.budget_of(recipe, teacher=plan.teacher))
        for recipe in plan.recipes
    }
    sizes = {(corpus.language, corpus.source): min(plan.sentences, len(corpus.sentences)) for corpus in corpora}
    found: dict[tuple[results.Place, Place], set[str]] = {}
    for row in results.read(table):
        corpus, place = (row.language, row.dataset), Place(row.cpu, row.threads)
        same = (row.teacher, row.weights, row.revision, row.budget) == made.get(row.recipe)
        if same and place in places and row.sentences == sizes.get(corpus):
            found.setdefault((corpus, place), set()).add(row.recipe)
    return {corpus for (corpus, _), recipes in found.items() if made.keys() <= recipes}


@contextmanager
def here(plan: Plan, workers: int = 1) -> Iterator[Crew]:
    """This machine; several processes may share the scoring, one thread each, and one alone is timed."""

    def rows(corpora: Sequence[Corpus], report: Report) -> Iterator[list[Measurement]]:
        with _shared(workers) as share:
            found = bench(
                plan.recipes,
                corpora,
                teacher=plan.teacher,
                sentences=plan.sentences,
                threads=plan.threads,
                share=share,
                command=plan.command,
                report=report,
            )
            while done := list(islice(found, len(plan.recipes))):
                yield done

    yield Crew(frozenset({Place(cpu(), plan.threads or engines.available_threads())}), rows)


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
