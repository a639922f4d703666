"""Building: cached by content, in a child process that can be cancelled."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from builds import Made, offline_child, quick_child, quiet
from filelock import FileLock

from mma_core import artifact, build, engines, machine, orders, runtime, sources
from mma_core.build import BuildCancelled
from mma_core.errors import DataError, RecipeError
from mma_core.folders import lock_of
from mma_core.recipe import parse

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


def test_a_student_is_built_without_data_and_without_a_network(
    cache: Path, tiny_teacher: Teachers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What tells libraries not to try is not what keeps them from it.
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(build, "_child", offline_child)
    made = build.build(parse("layers:1"), teacher=str(tiny_teacher("bert")), budget="quick", languages=GERMAN)
    assert made.config["num_hidden_layers"] == 1
    assert made.manifest["data"] == "text of the built-in samples"


@pytest.mark.parametrize("stage", [0.0, 0.9])
def test_cancelling_leaves_nothing(
    cache: Path, tiny_teacher: Teachers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: float
) -> None:
    cancel, trials = Event(), tmp_path / "trials"
    trials.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(trials))

    def report(fraction: float, desc: str) -> None:
        if fraction >= stage:
            cancel.set()

    with pytest.raises(BuildCancelled, match="nothing was kept"):
        build.build(parse("onnx"), teacher=str(tiny_teacher("bert")), languages=GERMAN, report=report, cancel=cancel)
    assert folders(cache) == list(trials.iterdir()) == []
    assert build.cached(parse("onnx"), teacher=str(tiny_teacher("bert")), languages=GERMAN) is None


def test_who_waits_for_another_builder_can_cancel(cache: Path, tiny_teacher: Teachers) -> None:
    recipe, teacher, cancel = parse("onnx"), str(tiny_teacher("bert")), Event()
    folder = orders.folder_of(orders.Order(recipe, teacher, None, GERMAN, "quick", portable=False))
    folder.parent.mkdir(parents=True)
    said: list[str] = []

    def report(_fraction: float, desc: str) -> None:
        said.append(desc)
        cancel.set()

    with FileLock(lock_of(folder), thread_local=False), pytest.raises(BuildCancelled, match="before its turn came"):
        build.build(recipe, teacher=teacher, languages=GERMAN, report=report, cancel=cancel)
    assert said == ["waiting for another process that builds the same"]


@pytest.mark.parametrize("brief", [False, True])
def test_a_cache_that_cannot_be_written_to_costs_only_time(cache: Path, made: Made, *, brief: bool) -> None:
    cache.mkdir()
    (cache / "compiled").write_bytes(b"no folder")
    tagger = build.open_artifact(made("xlm-roberta", "bf16" if engines.has_bf16() else "int8static"), 1, brief=brief)
    assert len(tagger.tag_texts(["Angela Merkel kam.", "Nein."], "de")) == 2


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


def test_an_unknown_budget(tiny_teacher: Teachers) -> None:
    with pytest.raises(RecipeError, match="unknown budget 'long'; accepted: quick, standard, full"):
        build.build(parse("onnx"), teacher=str(tiny_teacher("bert")), budget="long")


def test_taggers_are_opened_once(made: Made, tiny_teacher: Teachers) -> None:
    made("bert")
    teacher = str(tiny_teacher("bert"))
    fast, plain = (build.tagger(parse(text), teacher=teacher, report=quiet) for text in ("onnx", "teacher"))
    assert isinstance(fast, runtime.ArtifactTagger)
    assert isinstance(plain, runtime.PipelineTagger)
    assert build.tagger(parse("onnx"), teacher=teacher) is fast
    assert build.tagger(parse("teacher"), teacher=teacher) is plain
    assert fast.threads == plain.threads == machine.available_threads()
