"""The commands that measure recipes."""

import argparse
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from .. import results
from ..errors import RecipeError
from ..languages import language
from ..recipe import BUDGETS, Recipe, parse
from .options import (
    chosen_corpora,
    codes,
    command,
    count,
    labelled_files,
    measuring_options,
    note_languages,
    recipe_argument,
    teacher_option,
    threads_option,
)
from .terminal import own_command, print_json, progress, say, show

RECIPES = results.PRECOMPUTED.with_name("recipes.txt")
_ROW = (
    "{recipe:28} {language:4} {dataset:12} F1 {f1:5.1f} [{f1_low:.1f}, {f1_high:.1f}]  "
    "{words_per_s:8.0f} words/s  x{speedup:.2f} [{speedup_low:.2f}, {speedup_high:.2f}]"
)
_RAW_ROW = (
    "{language:4} {dataset:12} F1 {f1_words:5.1f} from words, {f1_raw:5.1f} from raw text "
    "({difference:+.1f} [{low:+.1f}, {high:+.1f}])  {same_words:.0f}% of sentences cut alike"
)
_ROBUSTNESS_ROW = (
    "{recipe:28} {language:4} {dataset:12} {perturbation:13} {strength:5.0%} "
    "F1 {f1:5.1f} [{f1_low:.1f}, {f1_high:.1f}] ({change:+.1f})"
)


def add(commands: Any) -> None:
    """Add `bench`, `profile`, `sweep`, `raw` and `robustness`."""
    _bench_command(commands)
    _profile_command(commands)
    _sweep_command(commands)
    _raw_command(commands)
    _robustness_command(commands)


def _bench_command(commands: Any) -> None:
    parser = command(commands, "bench", _bench, "measure recipes beside their teacher")
    recipe_argument(parser, several=True)
    measuring_options(parser)
    threads_option(parser)
    parser.add_argument("--conll", type=Path, metavar="FILE", help="a CoNLL file of your own, with --language")
    parser.add_argument("--language", help="the language of --conll")


def _profile_command(commands: Any) -> None:
    parser = command(commands, "profile", _profile, "show where a recipe's bytes and milliseconds go")
    recipe_argument(parser)
    teacher_option(parser)
    parser.add_argument("--language", default="en", help="language of the sample sentences (default: en)")


def _sweep_command(commands: Any) -> None:
    parser = command(commands, "sweep", _sweep, "measure many recipes into the table of precomputed results")
    parser.add_argument("--recipes", type=Path, metavar="FILE", default=RECIPES, help="recipes, one a line")
    _table_option(parser, results.PRECOMPUTED)
    measuring_options(parser, teachers=True)
    threads_option(parser)
    parser.add_argument(
        "--budget", choices=BUDGETS, help="build here first what trains, on the data folder, for so long"
    )
    shared = parser.add_mutually_exclusive_group()
    shared.add_argument("--workers", type=count, default=1, metavar="N", help="processes that share the scoring (1)")
    shared.add_argument("--ray", metavar="ADDRESS", help="Ray cluster whose machines measure: auto, or HOST:PORT")


def _raw_command(commands: Any) -> None:
    parser = command(commands, "raw", _raw, "compare F1 from raw text with F1 from a corpus's own words")
    recipe_argument(parser)
    measuring_options(parser)
    parser.add_argument("--table", type=Path, metavar="FILE", help="where the rows go besides")


def _robustness_command(commands: Any) -> None:
    from ..measure.perturb import PERTURBATIONS

    parser = command(commands, "robustness", _robustness, "measure how far F1 falls when the text is perturbed")
    recipe_argument(parser, several=True)
    measuring_options(parser)
    parser.add_argument(
        "--perturbations", type=codes, default=(), metavar="a,b", help=f"of these alone: {', '.join(PERTURBATIONS)}"
    )
    _table_option(parser, results.ROBUSTNESS)


def _table_option(parser: argparse.ArgumentParser, table: Path) -> None:
    shipped = f"the shipped one, {table.parent.name}/{table.name}"
    parser.add_argument("--table", type=Path, metavar="FILE", default=table, help=f"where the rows go ({shipped})")


def _bench(options: argparse.Namespace) -> None:
    from ..measure.bench import bench

    rows = bench(
        [parse(text) for text in options.recipes],
        chosen_corpora(options),
        teacher=options.teacher,
        sentences=options.sentences,
        threads=options.threads,
        command=own_command(),
        report=progress,
    )
    show([asdict(row) for row in rows], options.json, _ROW)


def _profile(options: argparse.Namespace) -> None:
    from ..charts import anatomy
    from ..measure.profile import profile

    wanted = parse(options.recipe)
    note_languages(wanted, language(options.language).code)
    found = asdict(profile(wanted, teacher=options.teacher, code=options.language, report=progress))
    if options.json:
        print_json(found)
        return
    print(f"{options.recipe}: {anatomy.takeaway(found)}")
    for part in anatomy.size_records(found):
        print(f"{part['Part']:12} {part['Bytes'] / 1e6:9,.2f} MB")
    for stage in anatomy.time_records(found):
        print(f"{stage['Stage']:12} {stage['Milliseconds']:9,.2f} ms")


def _sweep(options: argparse.Namespace) -> None:
    from .. import build
    from ..measure import cluster_sweep
    from ..measure.bench import groups
    from ..measure.plan import Plan
    from ..measure.sweep import here, read_recipes, sweep

    recipes = read_recipes(options.recipes)
    corpora = chosen_corpora(options)
    languages = {corpus.language for corpus in corpora}
    chosen = list(_for_some(recipes if options.ray else _runnable(recipes), languages))
    settings = {"sentences": options.sentences, "threads": options.threads, "command": own_command()}
    teachers = list(dict.fromkeys(options.teacher))
    for teacher, recipe in product(teachers, chosen if options.budget else ()):
        if recipe.trains:
            build.build(recipe, teacher=teacher, data=options.data, budget=options.budget, report=progress)
    added = 0
    for teacher in teachers:
        ready = chosen if options.budget or options.ray else list(_trained(chosen, teacher))
        for group in groups(ready):
            plan = Plan(recipes=tuple(group), teacher=teacher, **settings)
            crew = here(plan, options.workers) if options.ray is None else cluster_sweep.machines(options.ray, plan)
            added += sweep(plan, corpora, options.table, crew=crew, report=progress)
    show([{"added": added, "table": str(options.table)}], options.json, "{added} rows into {table}", single=True)


def _runnable(recipes: Iterable[Recipe]) -> Iterator[Recipe]:
    """The recipes that this machine can run; of the others it says why."""
    for recipe in recipes:
        try:
            for step in recipe.steps:
                step.check()
            yield recipe
        except RecipeError as error:
            say(f"{recipe} is left out: {error}")


def _for_some(recipes: Iterable[Recipe], languages: Collection[str]) -> Iterator[Recipe]:
    """The recipes that are for one of these languages; of the others it says so."""
    for recipe in recipes:
        if any(map(recipe.is_for, languages)):
            yield recipe
        else:
            say(f"{recipe} is left out: there is no test file of {', '.join(recipe.languages)}")


def _trained(recipes: Iterable[Recipe], teacher: str) -> Iterator[Recipe]:
    """The recipes that need no training first: a table's rows shall not come from a quick one that somebody tried."""
    from .. import build

    for recipe in recipes:
        if recipe.trains and build.budget_of(recipe, teacher=teacher) == BUDGETS[0]:
            say(
                f"{recipe} of {teacher} is left out: nothing here was trained for longer than {BUDGETS[0]}; "
                "train it first, with --data DIR --budget standard"
            )
        else:
            yield recipe


def _raw(options: argparse.Namespace) -> None:
    from ..measure.raw import compare

    if options.table is not None:
        results.rows(options.table, results.RawText)  # what is no such table is named before it is added to
    found = compare(
        parse(options.recipe),
        chosen_corpora(options),
        teacher=options.teacher,
        sentences=options.sentences,
        command=own_command(),
        report=progress,
    )
    rows = []
    for row in found:
        rows.append(row)
        if options.table:
            results.append(options.table, [row])
    show([asdict(row) for row in rows], options.json, _RAW_ROW)


def _robustness(options: argparse.Namespace) -> None:
    from ..measure import robustness

    plan = robustness.Plan(
        recipes=[parse(text) for text in options.recipes],
        corpora=chosen_corpora(options),
        perturbations=robustness.chosen(options.perturbations),
        sources=labelled_files(options),
        teacher=options.teacher,
        sentences=options.sentences,
        command=own_command(),
    )
    rows = robustness.measure(plan, options.table, report=progress, say=say)
    show([asdict(row) for row in rows], options.json, _ROBUSTNESS_ROW)
