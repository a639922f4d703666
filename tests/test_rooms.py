"""Imports point down: a file imports only from levels below its own (DESIGN.md, "Rooms of the house")."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEVELS = (
    ("app",),
    ("__main__",),
    ("commands", "ui"),
    ("charts", "measure", "bulk", "cluster_tagging"),
    ("results", "build"),
    ("making",),
    ("steps", "guard", "texts"),
    ("training", "runtime", "shelf", "trained", "orders"),
    ("trimming", "engines", "export", "matrices", "cluster"),
    ("artifact", "checkpoint", "data"),
    ("sources", "decoding", "surgery", "xtreme", "chunks"),
    ("builtin", "pieces", "shortlist", "sentences"),
    ("recipe", "spans"),
    ("languages", "blocks", "folders", "answers", "shapes", "bootstrap", "processes", "lines", "progress", "machine"),
    ("errors", "stopwatch"),
)
LEVEL = {room: -depth for depth, rooms in enumerate(LEVELS) for room in rooms}
LIGHT = {"numpy", "orjson", "regex"}
LIGHT_ROOMS = ("errors", "languages", "blocks", "bootstrap", "recipe", "spans", "pieces", "data", "results", "lines")
HEAVY = ("torch", "transformers", "optimum", "onnx", "onnxruntime", "openvino", "nncf", "datasets", "gradio", "plotly")
PACKAGE = ROOT / "mma_core"
# The package itself imports its steps, so that the registry is never empty; it is no room.
FILES = sorted({*ROOT.glob("app.py"), *PACKAGE.rglob("*.py")} - {PACKAGE / "__init__.py"})


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "mma_core" and len(parts) > 1 else parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, inside functions too, but not for type checking only."""
    package = module_of(path).split(".")[:-1]
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path: Path) -> None:
    module = module_of(path)
    room = room_of(module)
    assert room in LEVEL, f"{room} has no level: give it one in LEVELS"
    ours = {room_of(name) for name in imported(path) if name.startswith("mma_core.")}
    upwards = {other for other in ours - {room} if LEVEL[other] >= LEVEL[room]}
    assert upwards == set(), f"{module} imports from its own level or above: {sorted(upwards)}"


@pytest.mark.parametrize("room", LIGHT_ROOMS)
def test_light_rooms_need_little(room: str) -> None:
    foreign = {name.split(".")[0] for name in imported(PACKAGE / f"{room}.py")}
    assert foreign - sys.stdlib_module_names - LIGHT - {"mma_core"} <= {"platformdirs"}


def test_the_registry_is_full_without_any_heavy_library() -> None:
    code = f"import sys, mma_core; from mma_core.recipe import Step; assert Step.registry; {_loaded()}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def _loaded() -> str:
    return f"print([name for name in {HEAVY} if name in sys.modules])"


def test_the_check_sees_what_it_must_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "mma_core" / "steps" / "new.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from typing import TYPE_CHECKING\nfrom ..errors import MMAError\nfrom . import base\nimport mma_core.spans\n"
        "if TYPE_CHECKING:\n    from ..ui import tag\nelse:\n    import os\n"
        "def late():\n    from .. import build\n    from ..training.loop import fit\n",
        encoding="utf-8",
    )
    assert sorted(imported(path)) == [
        "mma_core.build",
        "mma_core.errors.MMAError",
        "mma_core.spans",
        "mma_core.steps.base",
        "mma_core.training.loop.fit",
        "os",
        "typing.TYPE_CHECKING",
    ]
