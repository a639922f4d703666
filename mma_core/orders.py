"""What is asked of a build, and the content address that follows from it."""

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from . import data, machine, sources
from .folders import cache_root
from .recipe import BUDGETS, Recipe

SEED = 13
LIBRARIES = ("torch", "transformers", "tokenizers", "onnx", "onnxruntime", "openvino", "nncf")
# A change of this project's code that alters what every recipe makes counts this up; `Step.revision` is for one step's.
REVISION = 4
# The same of what alters only builds that are restricted to some languages.
RESTRICTED = 1


def revision(recipe: Recipe) -> int:
    """How often this project's code has changed what a recipe makes: what an older one made is another artifact."""
    return REVISION + sum(step.revision for step in recipe.steps)


@dataclass(frozen=True)
class Order:
    """All that determines an artifact: two equal orders give the same one.

    Attributes:
        recipe: the recipe.
        teacher: name of the teacher.
        data: folder with unlabelled text and labelled sentences, or None for the text of the built-in samples.
        languages: whose text a step may use; empty for all there is.
        budget: how long steps may train; it says nothing where none trains.
        portable: whether 8 bits are to be right on CPUs without VNNI too, whichever this one is.
    """

    recipe: Recipe
    teacher: str = "multi"
    data: Path | None = None
    languages: tuple[str, ...] = ()
    budget: str = BUDGETS[0]
    portable: bool = False

    @property
    def full_range(self) -> bool:
        """Whether weights in 8 bits may take all of them."""
        return machine.has_vnni() and not self.portable

    def command(self) -> str:
        """The command that makes the artifact again, with what is not the default; data is named without its place."""
        words = ["build", str(self.recipe)]
        if self.teacher != Order.teacher:
            words += ["--teacher", self.teacher]
        if self.languages:
            words += ["--languages", ",".join(self.languages)]
        if self.data is not None:
            words += ["--data", self.data.resolve().name]
        if self.recipe.trains and self.budget != Order.budget:
            words += ["--budget", self.budget]
        if self.portable:
            words.append("--portable")
        return shlex.join(["python", "-m", "mma_core", *words])

    def key(self, teacher_sha256: str) -> str:
        """The content address: a hash of the order, the teacher, the versions and the CPU's 8-bit arithmetic."""
        content = {
            "revision": revision(self.recipe),
            "recipe": str(self.recipe),
            "teacher": teacher_sha256,
            "data": _digest(self.data, labels=self.recipe.trains) if self.data else "samples",
            "languages": sorted(self.languages),
            "seed": SEED,
            "versions": versions(),
            "vnni": self.full_range,
            **({"budget": self.budget} if self.recipe.trains else {}),
            **({"restricted": RESTRICTED} if self.languages else {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _digest(folder: Path, *, labels: bool) -> str:
    """A hash of a data folder's unlabelled text, and of the labels that may train, wherever the folder stands."""
    paths = sorted((folder / "text").glob("*.txt.xz"))
    paths += [corpus.path for corpus in data.corpora(folder, "train") if data.may_train(corpus)] if labels else []
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(str(path.relative_to(folder)).encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def versions() -> dict[str, str]:
    """Versions of the libraries that make an artifact."""
    import importlib.metadata

    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def folder_of(order: Order) -> Path:
    """Where an order's artifact stands once it is built.

    Raises:
        ArtifactError: the teacher cannot be found or trusted.
    """
    name = str(order.recipe).replace(":", "-").replace("+", "_").replace(",", ".")[:80]
    return cache_root() / "artifacts" / f"{name}-{order.key(sources.locate(order.teacher).sha256)}"
