"""The command: who takes part, what becomes a row, and who is left out."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from builds import Made

from benchmarks import race as race_room
from benchmarks import rivals, roster, rows
from benchmarks.contenders.ours import Ours
from benchmarks.contenders.transformers_pipeline import TransformersPipeline
from benchmarks.errors import RivalError
from benchmarks.rival import Job, Rival
from benchmarks.rows import BASELINE
from mma_core import engines
from mma_core.data import samples
from mma_core.recipe import parse
from tests.benchmarks.echo import Echo

pytest_plugins = ("engine_fixtures",)

PACKAGE = Path(rivals.__file__).parent
READ_BY_ALL = [PACKAGE / f"{name}.py" for name in ("__init__", "rival", "serve")]
READ_BY_ALL += sorted((PACKAGE / "contenders").glob("*.py"))


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> str:
    """A teacher of random weights."""
    return str(tiny_teacher("bert"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few sentences of two languages."""
    data = tmp_path_factory.mktemp("data")
    for corpus in samples():
        if corpus.language in {"de", "sw"}:
            for split in ("train", "test"):
                path = data / "ner" / "samples" / corpus.language / f"{split}.conll"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(corpus.path.read_bytes())
    return data


@pytest.fixture(scope="module")
def table(made: Made, teacher: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command wrote: the baseline, its export, and contenders of which one is broken."""
    made("bert")
    path = tmp_path_factory.mktemp("table") / "rivals.jsonl"

    def entries(languages: list[str]) -> list[Rival]:
        assert languages == ["de", "sw"]
        return [TransformersPipeline(1), TransformersPipeline(32), Ours("onnx"), Missing(), Echo()]

    arguments = ["--data", str(folder), "--sets", "samples/de,samples/sw", "--sentences", "9"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rivals, "contenders", entries)
        patch.setattr(rivals, "TEACHER", teacher)
        patch.setattr(race_room, "PAUSE", 0)
        patch.setattr(roster, "interpreter", missing)
        patch.setattr(roster, "requirements", lambda name: Path(__file__))
        assert rivals.main([*arguments, "--table", str(path)]) == 0
    return path


class Missing(Echo):
    """Its environment cannot be had."""

    environment = "missing"

    @property
    def name(self) -> str:
        return "missing"


def missing(environment: str) -> Path:
    if environment:
        raise RivalError("no network")
    return Path(sys.executable)


def test_one_row_a_contender_and_file(table: Path, teacher: str) -> None:
    found = rows.read(table)
    names = [BASELINE, "transformers.pipeline, batch 32", "onnx", "echo"]
    assert [(row.rival, row.language) for row in found] == [(name, code) for name in names for code in ("de", "sw")]
    assert {row.dataset for row in found} == {"samples"}
    assert {row.sentences for row in found} == {9}
    assert {row.teacher for row in found} == {teacher}
    assert [row.ours for row in found] == [False] * 4 + [True] * 2 + [False] * 2
    assert len({(row.date, row.cpu, row.seed, row.command, row.threads) for row in found}) == 1


def test_a_row_is_what_was_measured(table: Path, made: Made, teacher: str) -> None:
    by_name = {(row.rival, row.language): row for row in rows.read(table)}
    baseline, batched, ours = (by_name[name, "de"] for name in (BASELINE, "transformers.pipeline, batch 32", "onnx"))
    assert baseline.speedup == 1
    assert len(ours.rounds_s) == race_room.ROUNDS
    assert ours.words_per_s == pytest.approx(ours.words / median(ours.rounds_s), rel=0.02)
    assert ours.speedup == pytest.approx(rows.over([ours], [baseline])[0], rel=0.02)
    assert 0 < ours.latency_ms_p50 <= ours.latency_ms_p95
    assert ours.size_mb == round(made("bert").size_bytes / 1e6, 1)
    files = ("config.json", "model.safetensors", "tokenizer.json")
    assert baseline.size_mb == round(sum((Path(teacher) / name).stat().st_size for name in files) / 1e6, 1)
    assert (baseline.f1, baseline.per_type) == (batched.f1, batched.per_type)
    assert set(ours.versions) == {"onnxruntime", "openvino", "tokenizers"}
    assert 0 < ours.peak_rss_mb < baseline.peak_rss_mb  # PyTorch alone is more than our engine
    assert all(by_name["echo", code].f1 > 0 for code in ("de", "sw"))


def test_the_command_in_a_row_names_no_folder(table: Path, folder: Path) -> None:
    (command,) = {row.command for row in rows.read(table)}
    assert command.startswith(f"python -m benchmarks.rivals --data {folder.name} --sets samples/de,samples/sw")
    assert str(folder.parent) not in command
    options = rivals.parse(command.split()[3:])
    assert options.sentences == 9


def test_the_real_field() -> None:
    field = roster.contenders(["sw", "de", "en", "de"])
    names = [rival.name for rival in field]
    assert names[0] == BASELINE
    assert len(set(names)) == len(names)
    recipes = [rival.recipe for rival in field if isinstance(rival, Ours)]
    assert [str(parse(recipe)) for recipe in recipes] == recipes
    assert {"int8", "int8static", "vocab:de,en,sw+int8"} <= set(recipes)
    assert ("bf16" in recipes) is engines.has_bf16()


def test_ours_must_be_there(teacher: str, tmp_path: Path) -> None:
    job = Job(teacher, "", "", str(tmp_path / "echo"), threads=1, seed=13, vnni=False)
    with pytest.raises(RivalError, match="echo: ValueError: no model"):
        roster.prepare([Echo(fault="prepare")], {"echo": job})


def test_a_job_is_named_by_what_decides(teacher: str) -> None:
    first = roster.job(Echo(), teacher, Path("training-1.jsonl"))
    assert roster.job(Echo("other name"), teacher, Path("training-1.jsonl")).folder == first.folder
    assert roster.job(Echo(), teacher, Path("training-2.jsonl")).folder != first.folder
    assert roster.job(Ours("onnx"), teacher, Path("training-1.jsonl")).folder != first.folder


def test_missing_data_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert rivals.main(["--data", str(tmp_path)]) == 2
    assert "holds no ner/" in caplog.text


@pytest.mark.parametrize("path", READ_BY_ALL, ids=lambda path: path.stem)
def test_what_every_environment_reads_needs_no_library(path: Path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)
