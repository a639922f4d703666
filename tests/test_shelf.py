"""Which of the artifacts of a recipe that trains is taken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builds import Made, quiet
from hypothesis import given
from hypothesis import strategies as st

from mma_core import artifact, build, machine, orders, shelf, sources
from mma_core.recipe import BUDGETS, parse

pytest_plugins = ("engine_fixtures",)

SHA, REVISION = "0" * 64, 4
RECIPE = parse("layers:1+int8")
Put = Callable[..., Path]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """An empty cache and an empty shelf of shipped artifacts."""
    monkeypatch.setenv("MMA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shelf, "SHIPPED", tmp_path / "shipped")
    return {"cache": tmp_path / "cache" / "artifacts", "shipped": tmp_path / "shipped"}


@pytest.fixture
def put(places: dict[str, Path]) -> Put:
    """Write an artifact that is whole, of one small file."""

    def write(name: str, *, place: str = "cache", **changes: Any) -> Path:
        folder = places[place] / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        manifest = {
            "format": artifact.FORMAT,
            "recipe": str(RECIPE),
            "teacher_sha256": SHA,
            "revision": REVISION,
            "languages": [],
            "budget": "quick",
            "reduced_range": True,
            "created": "2026-01-01T00:00:00+00:00",
            "files": {"config.json": artifact._sha256(folder / "config.json")},
        }
        (folder / artifact.MANIFEST).write_text(json.dumps(manifest | changes))
        return folder

    return write


def best() -> Path | None:
    found = shelf.best(RECIPE, SHA, REVISION)
    return found and found.folder


def test_an_empty_shelf(places: dict[str, Path]) -> None:
    assert best() is None


@pytest.mark.parametrize("place", ["cache", "shipped"])
def test_the_largest_budget_then_the_newest(put: Put, place: str) -> None:
    other = {"cache": "shipped", "shipped": "cache"}[place]
    put("a", place=other, created="2026-09-09T00:00:00+00:00")
    newest = put("b", place=place, budget="standard", created="2026-03-01T00:00:00+00:00")
    put("c", place=other, budget="standard", created="2026-02-01T00:00:00+00:00")
    assert best() == newest
    full = put("d", place=place, budget="full", created="2025-01-01T00:00:00+00:00")
    assert best() == full


@given(st.permutations([(budget, day) for budget in BUDGETS for day in (1, 2)]))
def test_the_order_of_folders_says_nothing(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[str, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("shelf")
        patch.setenv("MMA_CACHE", str(folder))
        patch.setattr(shelf, "SHIPPED", folder / "shipped")
        write = put.__wrapped__({"cache": folder / "artifacts"})  # type: ignore[attr-defined]
        for number, (budget, day) in enumerate(orders):
            write(str(number), budget=budget, created=f"2026-01-0{day}T00:00:00+00:00")
        assert best() == folder / "artifacts" / str(orders.index(("full", 2)))


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": "layers:1"},
        {"teacher_sha256": "1" * 64},
        {"revision": REVISION - 1},
        {"languages": ["de"]},
        {"languages": [["de"]]},
        {"languages": None},
        {"budget": "endless"},
        {"budget": None},
        {"format": artifact.FORMAT + 1},
        {"files": {"config.json": "of another"}},
        {"files": {"gone.json": ""}},
        {"files": None},
    ],
    ids=str,
)
def test_foreign_and_damaged_ones_are_passed_over(put: Put, changes: dict[str, Any]) -> None:
    right = put("right", created="2020-01-01T00:00:00+00:00")
    put("wrong", **{"budget": "full"} | changes)
    assert best() == right


def test_what_learnt_the_recipe_s_own_languages_alone_comes_first(put: Put) -> None:
    recipe = parse("layers:1+vocab:de,sw")
    own = put("own", recipe=str(recipe), languages=["sw", "de"], created="2020-01-01T00:00:00+00:00")
    put("all", recipe=str(recipe))
    put("others", recipe=str(recipe), languages=["de"], budget="full")
    assert shelf.best(recipe, SHA, REVISION) == artifact.open_folder(own)
    longer = put("longer", recipe=str(recipe), budget="standard")
    assert shelf.best(recipe, SHA, REVISION) == artifact.open_folder(longer)


@pytest.mark.parametrize("content", ["", "[1]", "nonsense", "\ud800"])
def test_rubbish_is_passed_over(put: Put, places: dict[str, Path], content: str) -> None:
    right = put("right")
    for name in ("rubbish", ".right.1.partial"):
        (places["cache"] / name).mkdir()
        (places["cache"] / name / artifact.MANIFEST).write_bytes(content.encode(errors="surrogatepass"))
    (places["cache"] / "right.lock").touch()
    assert best() == right


def test_what_is_being_written_is_no_candidate(put: Put) -> None:
    put(".half.1.partial", budget="full")
    assert best() is None


@pytest.mark.parametrize(
    ("recipe", "rounded"), [("layers:1+int8", True), ("layers:1+int8static", True), ("layers:1", False)]
)
def test_8_bits_of_full_range_need_vnni(
    put: Put, monkeypatch: pytest.MonkeyPatch, recipe: str, *, rounded: bool
) -> None:
    narrow = put("narrow", recipe=recipe, budget="quick")
    wide = put("wide", place="shipped", recipe=recipe, budget="full", reduced_range=False)
    for vnni in (True, False):
        monkeypatch.setattr(machine, "has_vnni", lambda vnni=vnni: vnni)
        found = shelf.best(parse(recipe), SHA, REVISION)
        assert found is not None
        assert found.folder == (wide if vnni or not rounded else narrow)


def test_use_takes_the_best_and_an_order_its_own(
    made: Made, places: dict[str, Path], tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, recipe = str(tiny_teacher("bert")), parse("layers:1")
    quick = made("bert", "layers:1")
    assert quick.manifest["budget"] == "quick"
    assert quick.manifest["data"] == "text of the built-in samples"
    assert build.cached(recipe, teacher=teacher) is None
    assert build.budget_of(recipe, teacher=teacher) == "quick"
    trained = places["shipped"] / "trained"
    shutil.copytree(quick.folder, trained)
    (trained / artifact.MANIFEST).write_text(json.dumps(quick.manifest | {"budget": "standard", "data": "data"}))

    def never(*_arguments: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(build, "_build_in_child", never)
    assert build.build(recipe, teacher=teacher).folder == trained
    assert build.tagger(recipe, teacher=teacher, report=quiet).tag([("Anna",)])
    found = build.cached(recipe, teacher=teacher)
    assert found is not None
    assert found.manifest["budget"] == build.budget_of(recipe, teacher=teacher) == "standard"
    assert build.budget_of(parse("onnx"), teacher=teacher) == ""
    assert build.cached(recipe, teacher=teacher, budget="standard") is None
    assert build.cached(recipe, teacher=teacher, languages=("de",)) is None
    with pytest.raises(AssertionError, match="built"):
        build.build(recipe, teacher=teacher, budget="quick")
    order = orders.Order(recipe, teacher)
    shutil.copytree(quick.folder, orders.folder_of(order))
    assert build.build(recipe, teacher=teacher, budget="quick").folder == orders.folder_of(order)
    assert build.build(recipe, teacher=teacher).folder == trained
    assert found.manifest["teacher_sha256"] == sources.locate(teacher).sha256


def test_other_recipes_are_built_as_ever(put: Put, tiny_teacher: Callable[[str], Path]) -> None:
    teacher = str(tiny_teacher("bert"))
    put("a", recipe="onnx", teacher_sha256=sources.locate(teacher).sha256, revision=orders.REVISION)
    assert build.cached(parse("onnx"), teacher=teacher) is None


def test_what_is_shipped_is_small_whole_and_tags_on_any_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_vnni", lambda: False)
    made = [artifact.open_folder(path.parent) for path in sorted(shelf.SHIPPED.glob(f"*/{artifact.MANIFEST}"))]
    assert made
    assert sum(one.size_bytes for one in made) < 60e6
    for one in made:
        recipe = parse(one.manifest["recipe"])
        assert one.size_bytes < 12e6
        assert one.manifest["budget"] != "quick"
        if any(step.quantises for step in recipe.steps):
            assert one.manifest["guard"]["held"]
        assert not any(step.name == "bf16" for step in recipe.steps)
        found = shelf.best(recipe, sources.locate(one.manifest["teacher"]).sha256, orders.revision(recipe))
        assert found is not None
        assert found.folder == one.folder
