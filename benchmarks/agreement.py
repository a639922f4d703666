"""How far recipes in reduced precision agree with 32 bits: `python -m benchmarks.agreement`.

Their builds found it out (mma_core/guard.py) and wrote it into `recipe.json`; here it is gathered from the artifacts in
the cache, of a list of recipes, into `precomputed/agreement.jsonl`, which is written anew. What was not built here is
left out.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mma_core import build, results
from mma_core.folders import cache_root
from mma_core.measure.bench import cpu
from mma_core.measure.sweep import read_recipes
from mma_core.recipe import Recipe

TABLE = results.PRECOMPUTED.with_name("agreement.jsonl")
RECIPES = results.PRECOMPUTED.with_name("recipes.txt")
log = logging.getLogger("benchmarks")


@dataclass(frozen=True)
class Compared:
    """One artifact in reduced precision beside its own graph in 32 bits, on unlabelled text.

    Attributes:
        recipe: in canonical form.
        teacher: its teacher.
        entities: language → entities that stay the same, in percent.
        tags: language → tags that stay the same, in percent.
        limit: what the build wants in every language, in percent of the entities.
        held: whether it got it.
        kept: matrices that are rounded with more care or left as they are.
        matrices: all that it has.
        sentences: of all languages.
        cpu: the machine that it was built for.
        created: when it was built, in UTC.
        command: what builds it.
    """

    recipe: str
    teacher: str
    entities: dict[str, float]
    tags: dict[str, float]
    limit: float
    held: bool
    kept: int
    matrices: int
    sentences: int
    cpu: str
    created: str
    command: str


def gathered(recipes: Iterable[Recipe], teacher: str) -> Iterator[Compared]:
    """What the builds of recipes found, of those that were built here and compared with 32 bits."""
    for recipe in recipes:
        made = None if recipe.is_teacher else build.cached(recipe, teacher=teacher)
        if made and cache_root() in made.folder.parents:
            if made.manifest.get("span_agreement"):
                yield _compared(made.manifest)
        elif not recipe.is_teacher:
            log.info("%s is left out: it was not built here", recipe)


def _compared(manifest: dict[str, Any]) -> Compared:
    guard = manifest["guard"]
    return Compared(
        recipe=manifest["recipe"],
        teacher=manifest["teacher"],
        entities=manifest["span_agreement"],
        tags=manifest["agreement"],
        limit=100 * guard["limit"],
        held=guard["held"],
        kept=len(manifest["kept"]),
        matrices=guard["matrices"],
        sentences=guard["sentences"],
        cpu=cpu(),
        created=manifest["created"],
        command=manifest["command"],
    )


def read(path: Path = TABLE) -> list[Compared]:
    """The rows of a table; none where there is no table."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [Compared(**json.loads(line)) for line in text.splitlines()]


def main(given: Sequence[str] | None = None) -> None:
    """Gather, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    parser.add_argument("--recipes", type=Path, default=RECIPES, metavar="FILE", help="recipes, one a line")
    parser.add_argument("--teacher", default="multi", help="their teacher (default: multi)")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="where the rows go")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    rows = list(gathered(read_recipes(options.recipes), options.teacher))
    if not rows:
        parser.error(
            f"no recipe in reduced precision of {options.recipes} was built here; {options.table} stays as it is"
        )
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    partial = options.table.with_suffix(".partial")
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    partial.replace(options.table)
    sys.stdout.write(f"{len(rows)} rows into {options.table}\n")


if __name__ == "__main__":
    main()
