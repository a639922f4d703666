"""A sweep goes on where it was cut off."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builds import Made, quiet
from rows import row

from mma_core import orders, results, sources
from mma_core.data import Corpus, samples
from mma_core.errors import DataError, RecipeError
from mma_core.machine import available_threads
from mma_core.measure import bench as bench_room
from mma_core.measure import sweep as room
from mma_core.measure.bench import cpu
from mma_core.measure.fresh import Fresh
from mma_core.measure.journal import Journal
from mma_core.measure.plan import Place, Plan
from mma_core.measure.sweep import here, read_recipes, sweep
from mma_core.recipe import Recipe, parse
from mma_core.results import Measurement

pytest_plugins = ("engine_fixtures",)
pytestmark = pytest.mark.usefixtures("short_rounds")

WEIGHTS = "0123456789ab"
CORPORA = [corpus for corpus in samples() if corpus.language in ("de", "en", "fr")]
RECIPES = [parse("teacher"), parse("int8")]


def measurement(recipe: str, corpus: Corpus, teacher: str = "multi", **changes: Any) -> Measurement:
    place = {"teacher": teacher, "language": corpus.language, "dataset": corpus.source}
    here = {
        "sentences": len(corpus.sentences),
        "cpu": cpu(),
        "threads": available_threads(),
        "revision": orders.revision(parse(recipe)),
        "weights": WEIGHTS,
    }
    return row(recipe, **place, **(here | changes))


class Stand:
    """Measures nothing, and notes what it was asked for; stops after so many findings."""

    def __init__(self, folder: Path, findings: int = 1000) -> None:
        self.asked: list[tuple[str, str]] = []
        self.findings, self.folder = findings, folder
        self.sets: dict[str, int] = {}
        self.teacher = ""

    def stop(self) -> None:
        raise KeyboardInterrupt

    def set_up(self, recipes: Sequence[Recipe], *, teacher: str, **_settings: Any) -> "Stand":
        self.teacher, self.recipes = teacher, list(map(str, recipes))
        return self

    def journal(self, corpus: Corpus, _sentences: Any, recipes: Sequence[str]) -> Journal:
        return Journal(self.folder / f"{self.teacher} {corpus.language} {' '.join(recipes)}.jsonl")

    def rows(
        self, corpus: Corpus, _sentences: Any, recipes: Sequence[str], journal: Journal, *, sets: int
    ) -> list[Measurement]:
        self.sets[corpus.language] = sets
        assert set(recipes) <= set(self.recipes)
        for recipe in recipes:
            journal.once(recipe, lambda recipe=recipe: self.find(corpus.language, recipe))
        return [measurement(recipe, corpus, self.teacher) for recipe in recipes]

    def find(self, language: str, recipe: str) -> None:
        if len(self.asked) == self.findings:
            self.stop()
        self.asked.append((language, recipe))


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stand:
    """In the place of the real one."""
    fake = Stand(tmp_path)
    put(fake, monkeypatch)
    return fake


def put(fake: Stand, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sources, "locate", lambda _name: SimpleNamespace(sha256=WEIGHTS + "cdef"))
    patch.setattr(room, "set_up", fake.set_up)


def run(table: Path, recipes: Sequence[Recipe] = RECIPES, *, teacher: str = "multi") -> int:
    plan = Plan(recipes=tuple(recipes), teacher=teacher, command="again")
    return sweep(plan, CORPORA, table, crew=here(plan), report=quiet)


def test_what_is_in_the_table_is_not_measured_again(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    results.append(table, [measurement(str(recipe), CORPORA[1]) for recipe in RECIPES])
    assert run(table) == 4
    assert stand.asked == [("de", "teacher"), ("de", "int8"), ("fr", "teacher"), ("fr", "int8")]
    assert run(table) == 0
    assert len(stand.asked) == 4
    assert len(results.read(table)) == 6


def test_a_new_recipe_alone_is_measured(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    run(table)
    stand.asked.clear()
    assert run(table, [*RECIPES, parse("onnx")]) == 3
    assert stand.asked == [("de", "onnx"), ("en", "onnx"), ("fr", "onnx")]
    assert stand.recipes == ["onnx"]
    assert len(results.read(table)) == 9


def test_a_recipe_for_some_languages_is_measured_on_these(stand: Stand, tmp_path: Path) -> None:
    table, recipes = tmp_path / "table.jsonl", [parse("teacher"), parse("vocab:de,en"), parse("time:sw,s")]
    assert run(table, recipes) == 5
    assert stand.asked == [
        ("de", "teacher"),
        ("de", "vocab:de,en"),
        ("en", "teacher"),
        ("en", "vocab:de,en"),
        ("fr", "teacher"),
    ]
    assert stand.recipes == ["teacher", "vocab:de,en"]
    assert stand.sets == {"de": 2, "en": 2, "fr": 3}
    assert run(table, recipes) == 0


def test_another_teacher_is_another_table(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    run(table)
    assert run(table, teacher="other") == 6


def test_a_cut_off_sweep_goes_on(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    stand.findings = 3
    with pytest.raises(KeyboardInterrupt):
        run(table)
    assert [(row.language, row.recipe) for row in results.read(table)] == [("de", "teacher"), ("de", "int8")]
    stand.findings = 1000
    assert run(table) == 4
    assert len(stand.asked) == len(set(stand.asked)) == 6
    assert list(tmp_path.glob("* *.jsonl")) == [], "journals are closed once their rows are in the table"


def test_rows_that_could_not_be_written_are_not_lost(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _rows: Any) -> None:
        raise OSError("no space left on device")

    table = tmp_path / "table.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(results, "append", full)
        with pytest.raises(OSError, match="no space"):
            run(table)
    assert run(table) == 6
    assert len(stand.asked) == 6


def test_two_sweeps_do_not_measure_beside_each_other(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    with room._alone(table), pytest.raises(DataError, match=r"another sweep is at work on .*table\.jsonl; wait"):
        run(table)
    assert run(table) == 6


class Stuck(Stand):
    """Stops by waiting for its end, once it has said so."""

    def __init__(self, folder: Path, findings: int, said: Connection) -> None:
        super().__init__(folder, findings)
        self._said = said

    def stop(self) -> None:
        self._said.send("stuck")
        time.sleep(600)


def stuck(table: Path, said: Connection) -> None:
    """A sweep that is in the middle of its second corpus; of a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        put(Stuck(table.parent, 3, said), patch)
        run(table)


def test_kill_9_loses_what_was_in_flight_and_nothing_else(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=stuck, args=(table, theirs), daemon=True)
    process.start()
    theirs.close()
    assert ours.recv() == "stuck"
    process.kill()
    process.join()
    left = table.read_bytes()
    assert [(row.language, row.recipe) for row in results.read(table)] == [("de", "teacher"), ("de", "int8")]
    assert run(table) == 4
    assert stand.asked == [("en", "int8"), ("fr", "teacher"), ("fr", "int8")]
    assert table.read_bytes().startswith(left)


def test_a_row_that_was_cut_off_is_measured_again(stand: Stand, tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    run(table)
    content = table.read_bytes()
    table.write_bytes(content[:-100])
    assert run(table) == 1
    assert stand.asked[6:] == [("fr", "int8")]
    assert len(results.read(table)) == 6


PLACES = [Place(cpu(), available_threads()), Place("another", 8)]


@pytest.mark.parametrize(
    ("here", "there", "left"),
    [
        (["teacher", "int8"], [], None),
        (["teacher"], ["teacher", "int8"], None),
        (["teacher"], ["int8"], ["teacher", "int8"]),
        (["teacher"], ["teacher"], ["int8"]),
        ([], [], ["teacher", "int8"]),
    ],
)
def test_one_kind_of_machine_measures_all_recipes_of_a_corpus(
    stand: Stand, tmp_path: Path, here: list[str], there: list[str], left: list[str] | None
) -> None:
    table = tmp_path / "table.jsonl"
    elsewhere = {"cpu": "another", "threads": 8}
    results.append(table, [measurement(recipe, CORPORA[0]) for recipe in here])
    results.append(table, [measurement(recipe, CORPORA[0], **elsewhere) for recipe in there])
    units = room._missing(Plan(recipes=tuple(RECIPES)), CORPORA[:1], table, frozenset(PLACES))
    assert [list(map(str, unit.recipes)) for unit in units] == ([left] if left else [])


def test_recipes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "recipes.txt"
    path.write_text("# first\nteacher\n\n  int8+vocab:de  \nteacher\n", encoding="utf-8")
    assert [str(recipe) for recipe in read_recipes(path)] == ["teacher", "vocab:de+int8"]
    path.write_text("# none\n", encoding="utf-8")
    with pytest.raises(DataError, match="names no recipe"):
        read_recipes(path)
    path.write_text("int8\nfly\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="unknown step 'fly'"):
        read_recipes(path)
    with pytest.raises(DataError, match="no such file"):
        read_recipes(tmp_path / "none.txt")


ELSEWHERE = [
    {"cpu": "another"},
    {"threads": 99},
    {"weights": "older"},
    {"revision": 0},
    {"sentences": 1},
    {"seed": 7},
    {"budget": "quick"},
]


@pytest.mark.parametrize("change", ELSEWHERE, ids=lambda change: next(iter(change)))
def test_rows_from_elsewhere_are_measured_anew(stand: Stand, tmp_path: Path, change: dict[str, Any]) -> None:
    table = tmp_path / "table.jsonl"
    results.append(table, [measurement("int8", corpus, **change) for corpus in CORPORA])
    assert run(table, [parse("int8")]) == len(CORPORA)
    assert run(table, [parse("int8")]) == 0


def scored_twice(tmp_path: Path, teacher: str, *, workers: int) -> list[Measurement]:
    path = tmp_path / "own.conll"
    path.write_text("Angela\tB-PER\nMerkel\tI-PER\n\nSiemens\tB-ORG\n", encoding="utf-8")
    table = tmp_path / f"{workers}.jsonl"
    corpora = [Corpus("own", "de", "test", path)]
    plan = Plan(recipes=(parse("teacher"), parse("onnx")), teacher=teacher)
    assert sweep(plan, corpora, table, crew=here(plan, workers), report=quiet) == 2
    return results.read(table)


def test_workers_make_the_same_table(
    made: Made, tmp_path: Path, tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_room, "fresh", lambda *_arguments, **_settings: Fresh(1.0, 1.0))
    made("bert")
    teacher = str(tiny_teacher("bert"))
    here, shared = (scored_twice(tmp_path, teacher, workers=workers) for workers in (1, 2))
    assert [row.recipe for row in shared] == ["teacher", "onnx"]
    same = (
        "f1",
        "f1_low",
        "f1_high",
        "precision",
        "recall",
        "per_type",
        "per_type_bounds",
        "errors",
        "counts",
        "sentences",
        "words",
    )
    for one, other in zip(here, shared, strict=True):
        assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
