"""Many recipes on many corpora, corpus by corpus into a table; what is in the table already is not measured again."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .. import build, machine, processes, results, sources
from ..data import Corpus
from ..errors import DataError
from ..folders import cache_root
from ..orders import revision
from ..progress import Report
from ..recipe import Recipe, parse
from ..results import Measurement
from .bench import cpu, drawn, set_up
from .plan import Crew, Place, Plan, Unit
from .scoring import SEED, Share


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

    Recipes are timed in turns with their teacher, round by round, so that a drift of the machine meets all of them: so
    no recipe of a corpus is done before the last one is, and their rows are written together. What they are made of, a
    recipe's accuracy or one round of turns, is kept at once. A sweep that was cut off, by `kill -9` too, goes on with
    the accuracy or the round that was in flight, if it is started again within a day.

    Rows of another CPU than the crew's, of other weights, another number of threads or sentences, another budget than
    the artifact here has or would get, or an older way to build do not count. A recipe that is new in the plan is
    measured beside the teacher alone; one for some languages is measured on these.

    Args:
        plan: what to measure.
        corpora: labelled files.
        table: where the rows go.
        crew: who measures, within its block.
        report: progress.

    Returns:
        The number of rows that were added.

    Raises:
        DataError: another sweep is at work on the table.
        MMAError: as `bench.bench`; or a cluster cannot be used.
    """
    added = 0
    with _alone(table), crew as machines:
        units = _missing(plan, corpora, table, machines.places)
        for rows in machines.rows(units, report) if units else ():
            results.append(table, rows)
            added += len(rows)
    return added


@contextmanager
def _alone(table: Path) -> Iterator[None]:
    """Let no other sweep measure the same beside this one."""
    folder = cache_root() / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(table.resolve()).encode()).hexdigest()[:16]
    try:
        with FileLock(folder / f"{name}.lock", timeout=0):
            yield
    except Timeout:
        raise DataError(
            f"another sweep is at work on {table}; wait until it has ended, or name another --table"
        ) from None


def _missing(plan: Plan, corpora: Sequence[Corpus], table: Path, places: frozenset[Place]) -> list[Unit]:
    """What is left to do: nothing of a corpus of which one place has all recipes, else what not all places have."""
    done = _done(plan, corpora, table, places)
    sets = {recipe: sum(recipe.is_for(corpus.language) for corpus in corpora) for recipe in plan.recipes}
    units = []
    for corpus in corpora:
        found = [done.get((corpus.language, corpus.source, place), set()) for place in places]
        by_all = set.intersection(*found)
        wanted = [recipe for recipe in plan.recipes if recipe.is_for(corpus.language)]
        left = tuple(recipe for recipe in wanted if str(recipe) not in by_all)
        if left and not any(set(map(str, wanted)) <= recipes for recipes in found):
            units.append(Unit(corpus, left, min(sets[recipe] for recipe in left)))
    return units


def _done(
    plan: Plan, corpora: Sequence[Corpus], table: Path, places: frozenset[Place]
) -> dict[tuple[str, str, Place], set[str]]:
    """Language, data set and place → the recipes that were measured there as they would be now."""
    weights = sources.locate(plan.teacher).sha256[:12]
    made = {
        str(recipe): (plan.teacher, weights, revision(recipe), build.budget_of(recipe, teacher=plan.teacher))
        for recipe in plan.recipes
    }
    sizes = {(corpus.language, corpus.source): min(plan.sentences, len(corpus.sentences)) for corpus in corpora}
    found: dict[tuple[str, str, Place], set[str]] = {}
    for row in results.read(table):
        place = Place(row.cpu, row.threads)
        same = (row.teacher, row.weights, row.revision, row.budget) == made.get(row.recipe) and row.seed == SEED
        if same and place in places and row.sentences == sizes.get((row.language, row.dataset)):
            found.setdefault((row.language, row.dataset, place), set()).add(row.recipe)
    return found


@contextmanager
def here(plan: Plan, workers: int = 1) -> Iterator[Crew]:
    """This machine; several processes may share the scoring, one thread each, and one alone is timed."""

    def rows(units: Sequence[Unit], report: Report) -> Iterator[list[Measurement]]:
        # Read first: a bad line shall not be found after minutes of building.
        samples = [drawn(unit.corpus, plan.sentences) for unit in units]
        wanted = {recipe for unit in units for recipe in unit.recipes}
        recipes = [recipe for recipe in plan.recipes if recipe in wanted]
        with _shared(workers) as share:
            stand = set_up(
                recipes, teacher=plan.teacher, threads=plan.threads, share=share, command=plan.command, report=report
            )
            for done, (unit, sample) in enumerate(zip(units, samples, strict=True)):
                report(0.2 + 0.8 * done / len(units), f"{unit.corpus.language}, {unit.corpus.source}")
                names = list(map(str, unit.recipes))
                journal = stand.journal(unit.corpus, sample, names)
                yield stand.rows(unit.corpus, sample, names, journal, sets=unit.sets)
                journal.close()

    yield Crew(frozenset({Place(cpu(), plan.threads or machine.available_threads())}), rows)


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
