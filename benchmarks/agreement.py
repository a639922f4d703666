"""How far recipes in reduced precision agree with 32 bits: `python -m benchmarks.agreement`.

Their builds found it out (mma_core/guard.py) and wrote it into `recipe.json`; here it is gathered from the artifacts of
a list of recipes into `precomputed/agreement.jsonl`, which is written anew. What was not built here is left out.
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
from mma_core.measure.bench import cpu
from mma_core.measure.sweep import read_recipes
from mma_core.recipe import Recipe

TABLE = results.PRECOMPUTED.with_name("agreement.jsonl")
RECIPES = results.PRECOMPUTED.with_name("recipes.txt")
log = logging.getLogger("benchmarks")


@dataclass(frozen=True)
class Agreement:
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
        speed: how many times as fast it is as in 32 bits, on the same sentences; None where nobody timed it.
        sentences: of all languages.
        cpu: the machine.
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
    speed: float | None
    sentences: int
    cpu: str
    created: str
    command: str


def gathered(recipes: Iterable[Recipe], teacher: str) -> Iterator[Agreement]:
    """What the builds of recipes found, of those that were built here and compared with 32 bits."""
    for recipe in recipes:
        made = build.cached(recipe, teacher=teacher)
        if made is None:
            log.info("%s is left out: it was not built here", recipe)
        elif made.manifest.get("span_agreement"):
            yield _agreement(made.manifest)


def _agreement(manifest: dict[str, Any]) -> Agreement:
    guard = manifest["guard"]
    return Agreement(
        recipe=manifest["recipe"],
        teacher=manifest["teacher"],
        entities=manifest["span_agreement"],
        tags=manifest["agreement"],
        limit=100 * guard["limit"],
        held=guard["held"],
        kept=len(manifest["kept"]),
        matrices=guard["matrices"],
        speed=manifest.get("speed_vs_fp32"),
        sentences=guard["sentences"],
        cpu=cpu(),
        created=manifest["created"],
        command=manifest["command"],
    )


def read(path: Path = TABLE) -> list[Agreement]:
    """The rows of a table; none where there is no table."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [Agreement(**json.loads(line)) for line in text.splitlines()]


def main(given: Sequence[str] | None = None) -> None:
    """Gather, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    parser.add_argument("--recipes", type=Path, default=RECIPES, metavar="FILE", help="recipes, one a line")
    parser.add_argument("--teacher", default="multi", help="their teacher (default: multi)")
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="where the rows go")
    options = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    rows = list(gathered(read_recipes(options.recipes), options.teacher))
    lines = [json.dumps(asdict(row), ensure_ascii=False) for row in rows]
    options.table.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.stdout.write(f"{len(rows)} rows into {options.table}\n")


if __name__ == "__main__":
    main()
