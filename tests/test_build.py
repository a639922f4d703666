"""Building: cached by content, in a child process that can be cancelled."""

import json
import lzma
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from builds import Made, quick_child, quiet

from mma_core import artifact, build, checkpoint, engines, runtime, sources
from mma_core.build import BuildCancelled, Order
from mma_core.data import Sentence
from mma_core.errors import DataError, RecipeError
from mma_core.recipe import BUDGETS, Kind, Recipe, Step, parse

pytest_plugins = ("engine_fixtures",)

Teachers = Callable[[str], Path]
GERMAN = ("de",)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("MMA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folders(cache: Path) -> list[Path]:
    return [path for path in (cache / "artifacts").iterdir() if path.is_dir()]


def test_built_in_a_child_and_found_again(cache: Path, tiny_teacher: Teachers, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher, recipe, seen = str(tiny_teacher("bert")), parse("vocab:de+int8"), []
    assert build.cached(recipe, teacher=teacher, languages=GERMAN) is None
    built = build.build(
        recipe, teacher=teacher, languages=GERMAN, report=lambda fraction, desc: seen.append((fraction, desc))
    )
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)
    assert all(0 < fraction < 1 and desc for fraction, desc in seen)
    assert folders(cache) == [built.folder]
    assert built.manifest["recipe"] == "vocab:de+int8"
    assert built.manifest["teacher_sha256"] == sources.locate(teacher).sha256
    assert built.manifest["languages"] == ["de"]
    assert list(built.manifest["agreement"]) == ["de"]

    def never(*_arguments: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(build, "_build_in_child", never)
    assert build.build(recipe, teacher=teacher, languages=GERMAN).manifest == built.manifest
    again = build.cached(recipe, teacher=teacher, languages=GERMAN)
    assert again is not None
    assert again.manifest == built.manifest
    assert build.cached(recipe, teacher=teacher) is None


def test_two_processes_at_once_make_one_artifact(cache: Path, tiny_teacher: Teachers) -> None:
    command = [sys.executable, "-m", "mma_core", "build", "onnx", "--languages", "de", "--json"]
    started = [
        subprocess.Popen([*command, "--teacher", tiny_teacher("bert")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    answers = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], answers
    first, second = (json.loads(out) for out, _ in answers)
    assert first == second
    assert folders(cache) == [Path(first["folder"])]
    assert artifact.open_folder(Path(first["folder"])).manifest["recipe"] == "onnx"


def test_a_child_trains(cache: Path, tiny_teacher: Teachers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_child", quick_child)
    teacher, seen = str(tiny_teacher("bert")), []
    made = build.build(
        parse("heads:0.5"), teacher=teacher, languages=GERMAN, report=lambda fraction, desc: seen.append(desc)
    )
    assert made.config["num_attention_heads"] == 2
    assert made.manifest["budget"] == "quick"
    assert made.manifest["data"] == "text of the built-in samples"
    assert len(set(seen)) > 5
    assert list((cache / "work").iterdir()) == [], "what it had learnt is in the artifact"
    assert list((cache / "outputs").glob("*/*/logits.npy")), "kept for the teacher's other students"


@pytest.mark.parametrize("stage", [0.0, 0.9])
def test_cancelling_leaves_nothing(cache: Path, tiny_teacher: Teachers, stage: float) -> None:
    cancel = Event()

    def report(fraction: float, desc: str) -> None:
        if fraction >= stage:
            cancel.set()

    with pytest.raises(BuildCancelled, match="nothing was kept"):
        build.build(parse("onnx"), teacher=str(tiny_teacher("bert")), languages=GERMAN, report=report, cancel=cancel)
    assert folders(cache) == []
    assert build.cached(parse("onnx"), teacher=str(tiny_teacher("bert")), languages=GERMAN) is None


def test_errors_of_the_child_arrive_as_they_are(cache: Path, tiny_teacher: Teachers) -> None:
    with pytest.raises(RecipeError, match="step layers:40: the teacher has 2 layers") as caught:
        build.build(parse("layers:40"), teacher=str(tiny_teacher("bert")))
    assert type(caught.value) is RecipeError
    assert folders(cache) == []


def test_the_baseline_has_no_artifact() -> None:
    with pytest.raises(RecipeError, match="step teacher: the baseline runs as it is"):
        build.build(parse("teacher"))


def test_unknown_languages_are_refused_at_once(tiny_teacher: Teachers) -> None:
    with pytest.raises(DataError, match="unknown language 'xx'"):
        build.build(parse("int8"), teacher=str(tiny_teacher("bert")), languages=("xx",))


def folder_with_text(folder: Path, content: str) -> Path:
    (folder / "text").mkdir(parents=True)
    (folder / "text" / "de.txt.xz").write_bytes(lzma.compress(content.encode()))
    return folder


def test_key_follows_all_that_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(parse("vocab:de,en+int8"), "a")
    folders = [folder_with_text(tmp_path / name, content) for name, content in zip("abc", "xyx", strict=True)]
    same = Order(parse("int8+vocab:en,de"), "a name says nothing")
    assert same.key("0") == order.key("0")
    keys = [
        order.key("0"),
        order.key("1"),
        Order(parse("vocab:de+int8"), "a").key("0"),
        Order(parse("vocab:de,en"), "a").key("0"),
        Order(order.recipe, "a", folders[0]).key("0"),
        Order(order.recipe, "a", folders[1]).key("0"),
        Order(order.recipe, "a", None, GERMAN).key("0"),
    ]
    monkeypatch.setattr(engines, "has_vnni", lambda: True)
    portable = Order(order.recipe, "a", portable=True)
    assert portable.key("0") != order.key("0")
    monkeypatch.setattr(engines, "has_vnni", lambda: False)
    assert portable.key("0") == order.key("0")
    monkeypatch.undo()
    other_cpu = not engines.has_vnni()
    monkeypatch.setattr(engines, "has_vnni", lambda: other_cpu)
    keys.append(order.key("0"))
    monkeypatch.setattr(build, "versions", lambda: {"torch": "0"})
    keys.append(order.key("0"))
    assert len(set(keys)) == len(keys) == 9
    monkeypatch.undo()
    assert Order(order.recipe, "a", folders[0]).key("0") == Order(order.recipe, "a", folders[2]).key("0")
    one, other = (Order(order.recipe, "a", None, codes) for codes in (("de", "en"), ("en", "de")))
    assert one.key("0") == other.key("0")


@pytest.fixture
def learner() -> Iterator[Recipe]:
    """A recipe of one step that trains, which is registered for this test alone."""

    @dataclass(frozen=True)
    class Learner(Step):
        name, kind, title, example = "learner", Kind.PRUNE, "Learn", "learner"
        trains = True

    yield Recipe((Learner(),))
    del Step.registry["learner"]


def test_the_budget_counts_where_something_is_learnt(learner: Recipe) -> None:
    for recipe, keys in ((parse("int8"), 1), (learner, 3)):
        assert len({Order(recipe, "a", budget=budget).key("0") for budget in BUDGETS}) == keys
        assert Order(recipe, "a").key("0") == Order(recipe, "a", budget="quick").key("0")


def test_labels_count_where_something_is_learnt(tmp_path: Path, learner: Recipe) -> None:
    folders = [tmp_path / name for name in ("one", "same", "other", "more")]
    for folder in folders:
        tag = "B-PER" if folder.name == "other" else "O"
        training_file(folder, "wikiann", "de", f"Anna {tag}\n")
    training_file(folders[1], "transfer", "de", "Anna O\n")  # measures only
    training_file(folders[3], "uner", "de", "Anna O\n")
    one, same, other, more = (Order(learner, "a", folder).key("0") for folder in folders)
    assert one == same
    assert len({one, other, more}) == 3
    assert len({Order(parse("int8"), "a", folder).key("0") for folder in folders}) == 1


def test_an_unknown_budget(tiny_teacher: Teachers) -> None:
    with pytest.raises(RecipeError, match="unknown budget 'long'; accepted: quick, standard, full"):
        build.build(parse("onnx"), teacher=str(tiny_teacher("bert")), budget="long")


def training_file(folder: Path, source: str, language: str, content: str) -> None:
    place = folder / "ner" / source / language
    place.mkdir(parents=True)
    (place / "train.conll").write_text(content, encoding="utf-8")


def test_labelled_sentences(tmp_path: Path) -> None:
    for source, language in (("wikiann", "de"), ("wikiann", "ar"), ("uner", "de"), ("transfer", "de")):
        training_file(tmp_path, source, language, f"{source} O\n")
    found = build.labelled(tmp_path, "a folder", ())
    assert found.keys() == {("uner", "de"), ("wikiann", "ar"), ("wikiann", "de")}, "the transfer set measures German"
    assert found["uner", "de"] == [Sentence(("uner",), ("O",))]
    assert build.labelled(tmp_path, "multi", ()).keys() == {("uner", "de"), ("wikiann", "de")}, "multi saw no Arabic"
    assert build.labelled(tmp_path, "a folder", ("ar",)).keys() == {("wikiann", "ar")}
    assert build.labelled(None, "a folder", ()) == build.labelled(None, "multi", ("de",)) == {}, "they measure"
    with pytest.raises(DataError, match="holds no ner/"):
        build.labelled(tmp_path / "elsewhere", "a folder", ())


def test_what_a_step_may_use(tiny_teacher: Teachers, cache: Path) -> None:
    teacher = checkpoint.load(str(tiny_teacher("bert")))
    order = Order(parse("onnx"), teacher.name, languages=("de", "sw"), budget="standard")
    world = build._world(order, teacher, quiet)
    assert world.budget == "standard"
    assert world.labelled() == {}
    assert {code: len(texts) for code, texts in world.unlabelled((), 2).items()} == {"de": 2, "sw": 2}
    assert world.unlabelled(("ja",), 1).keys() == {"ja"}
    assert world.work == cache / "work" / build.folder_of(order).name
    assert world.shared.parent == cache / "outputs"
    assert not world.work.exists()


def test_key_follows_the_teacher(tiny_teacher: Teachers) -> None:
    one, other = (build.folder_of(Order(parse("int8"), str(tiny_teacher(kind)))) for kind in ("bert", "distilbert"))
    assert one != other


def test_unlabelled_text(tmp_path: Path) -> None:
    found = build.unlabelled(None, ("de", "ja"), 3)
    assert found.keys() == {"de", "ja"}
    assert all(len(texts) == 3 for texts in found.values())
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "de.txt.xz").write_bytes(lzma.compress(b"Ja, so.\nNein!\n"))
    assert build.unlabelled(tmp_path, (), 5) == {"de": [("Ja", ",", "so", "."), ("Nein", "!")]}
    with pytest.raises(DataError, match="no such file"):
        build.unlabelled(tmp_path, ("fr",), 5)


def test_taggers_are_opened_once(made: Made, tiny_teacher: Teachers) -> None:
    made("bert")
    teacher = str(tiny_teacher("bert"))
    fast, plain = (build.tagger(parse(text), teacher=teacher, report=quiet) for text in ("onnx", "teacher"))
    assert isinstance(fast, runtime.ArtifactTagger)
    assert isinstance(plain, runtime.PipelineTagger)
    assert build.tagger(parse("onnx"), teacher=teacher) is fast
    assert build.tagger(parse("teacher"), teacher=teacher) is plain
    assert fast.threads == plain.threads == engines.available_threads()
