"""The artifacts of recipes that train: the best there is, made on this machine or shipped with the project.

What a student is depends on the text that it learnt from and on how long it did. Whoever only uses a recipe names
neither, and gets the one that learnt longest.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import artifact, machine
from .artifact import Artifact
from .errors import ArtifactError
from .folders import cache_root
from .recipe import BUDGETS, Recipe

SHIPPED = Path(__file__).parents[1] / "precomputed" / "artifacts"


def best(recipe: Recipe, teacher_sha256: str, revision: int) -> Artifact | None:
    """The whole artifact of a recipe that had the largest budget; None where there is none.

    Of several that had it, one that learnt the recipe's own languages alone comes first, then the newest. One that
    learnt others alone is another's, and so is one that this processor cannot add up.

    Args:
        recipe: one that trains.
        teacher_sha256: of the teacher that it learnt from.
        revision: of the builds.
    """
    wanted = {"recipe": str(recipe), "teacher_sha256": teacher_sha256, "revision": revision}
    found = [
        (BUDGETS.index(manifest["budget"]), bool(manifest["languages"]), str(manifest.get("created")), folder)
        for folder, manifest in _manifests()
        if wanted.items() <= manifest.items() and _learnt_all(recipe, manifest) and exact_here(recipe, manifest)
    ]
    for *_, folder in sorted(found, reverse=True):
        with suppress(ArtifactError):
            return artifact.open_folder(folder)
    return None


def _learnt_all(recipe: Recipe, manifest: Mapping[str, Any]) -> bool:
    """Whether an artifact learnt every language that there was text of, or just those that its recipe is for."""
    learnt = manifest.get("languages")
    return learnt == [] or (isinstance(learnt, list) and sorted(map(str, learnt)) == sorted(recipe.languages))


def exact_here(recipe: Recipe, manifest: Mapping[str, Any]) -> bool:
    """Whether this processor can add up an artifact's 8-bit products: not those of full range if it has no VNNI."""
    rounded = any(step.quantises for step in recipe.steps)
    return not rounded or bool(manifest.get("reduced_range")) or machine.has_vnni()


def _manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every folder that looks like an artifact of a recipe that trains, and its manifest."""
    for place in (cache_root() / "artifacts", SHIPPED):
        for path in place.glob(f"[!.]*/{artifact.MANIFEST}"):
            with suppress(OSError, ValueError):
                manifest = json.loads(path.read_text(encoding="utf-8"))
                if isinstance(manifest, dict) and manifest.get("budget") in BUDGETS:
                    yield path.parent, manifest
