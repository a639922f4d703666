"""The command line: its exit status, and what goes to which stream."""

import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from builds import Made
from rows import row as measurement
from several import several

from mma_core import build, engines, orders, results, sources
from mma_core.__main__ import main
from mma_core.artifact import open_folder
from mma_core.commands.terminal import own_command
from mma_core.data import Corpus, read_conll
from mma_core.languages import LANGUAGES
from mma_core.machine import available_threads
from mma_core.measure.bench import cpu
from mma_core.measure.journal import Journal
from mma_core.recipe import Form, Recipe, Step, parse
from mma_core.results import Measurement

pytest_plugins = ("engine_fixtures",)

TEXT = "Angela Merkel besuchte München."


@pytest.fixture
def teacher(made: Made, tiny_teacher: Callable[[str], Path]) -> str:
    """A teacher whose export stands in the cache."""
    made("bert")
    return str(tiny_teacher("bert"))


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes onto standard input."""
    return lambda content: monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


Output = pytest.CaptureFixture[str]


def answer(capsys: Output, *arguments: str) -> Any:
    """The JSON document that a command prints, and nothing else there."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_cache_that_cannot_be_used(capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "file"
    place.touch()
    monkeypatch.setenv("MMA_CACHE", str(place))
    assert main(["tag", "int8", TEXT]) == 2
    assert capsys.readouterr().err.startswith(f"mma: {place}/")


def test_recipes(capsys: Output) -> None:
    rows = answer(capsys, "recipes")
    assert [row["name"] for row in rows] == list(Step.registry)
    for row in rows:
        assert row.keys() == {"name", "kind", "title", "summary", "separator", "arguments", "example", "paper"}
        assert str(parse(row["example"])) == row["example"]
        assert all(argument["name"] and argument["label"] for argument in row["arguments"])
        assert {argument["form"] for argument in row["arguments"]} <= set(Form)
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(Step.registry)


def test_an_argument_tells_what_it_accepts(capsys: Output) -> None:
    with several() as step:
        arguments = next(row for row in answer(capsys, "recipes") if row["name"] == step.name)["arguments"]
    assert arguments == [
        {"name": "depth", "form": "whole number", "label": "Depth", "low": 1, "high": 48, "start": 2},
        {"name": "code", "form": "language", "label": "Language"},
        {"name": "size", "form": "choice", "label": "Size", "choices": ["s", "m"]},
        {"name": "loud", "form": "word", "label": "Loud", "word": "loud"},
    ]


def test_languages(capsys: Output) -> None:
    rows = answer(capsys, "languages")
    assert [row["code"] for row in rows] == list(LANGUAGES)
    assert {row["code"] for row in rows if row["direction"] == "rtl"} == {"ar", "fa", "he", "ur"}
    assert main(["languages"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(LANGUAGES)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty table of shipped results, and none of one's own."""
    monkeypatch.setattr(results, "PRECOMPUTED", tmp_path / "measurements.jsonl")
    monkeypatch.setattr(results, "own_path", lambda: tmp_path / "own.jsonl")
    return tmp_path / "measurements.jsonl"


def test_results(capsys: Output, table: Path) -> None:
    assert answer(capsys, "results") == []
    results.append(table, [measurement(recipe="int8"), measurement(recipe="onnx")])
    results.append(table.with_name("own.jsonl"), [measurement(recipe="vocab:de")])
    rows = answer(capsys, "results")
    assert [(row["recipe"], row["from"]) for row in rows] == [
        ("int8", "precomputed"),
        ("onnx", "precomputed"),
        ("vocab:de", "own"),
    ]
    assert results.COLUMNS.keys() <= rows[0].keys()
    assert main(["results"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith(f"{row['threads']} threads, {row['cpu']}") for line, row in zip(lines, rows, strict=True))


def check_spans(rows: list[dict[str, Any]], texts: list[str], language: str) -> None:
    assert [(row["text"], row["language"]) for row in rows] == [(text, language) for text in texts]
    for row in rows:
        assert row.keys() == {"text", "language", "spans"}
        for span in row["spans"]:
            assert span.keys() == {"start", "end", "label", "text", "score"}
            assert row["text"][span["start"] : span["end"]] == span["text"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--language", "de", "--teacher", "T", TEXT],
        [TEXT, "--language", "de", "--teacher", "T"],
        ["--teacher", "T", TEXT, "--language", "de"],
        ["--teacher", "T", "--language", "de", "--", f"- {TEXT}"],
    ],
)
@pytest.mark.parametrize("recipe", ["onnx", "teacher"])
def test_text_may_stand_anywhere(capsys: Output, teacher: str, recipe: str, arguments: list[str]) -> None:
    assert main(["tag", recipe, "--json", *(teacher if argument == "T" else argument for argument in arguments)]) == 0
    rows = json.loads(capsys.readouterr().out)
    check_spans(rows, [max(arguments, key=len)], "de")
    assert rows[0]["spans"], "a random teacher that finds nothing proves nothing"


def test_lines_of_a_file_and_of_standard_input(
    capsys: Output, teacher: str, tmp_path: Path, stdin: Callable[[bytes], None]
) -> None:
    content = f"{TEXT}\n\n王在北京。\n".encode()
    (tmp_path / "text.txt").write_bytes(content)
    from_file = answer(
        capsys, "tag", "onnx", "--teacher", teacher, "--language", "zh", "--file", str(tmp_path / "text.txt")
    )
    check_spans(from_file, [TEXT, "王在北京。"], "zh")
    stdin(content)
    assert answer(capsys, "tag", "onnx", "--teacher", teacher, "--language", "zh") == from_file


def test_lines_and_files(capsys: Output, teacher: str, tmp_path: Path) -> None:
    source, out = tmp_path / "text.txt", tmp_path / "out.jsonl"
    source.write_text(f"{TEXT}\n\n王在北京。\n", encoding="utf-8")
    tag = ("tag", "onnx", "--teacher", teacher, "--language", "de", "--file", str(source))
    rows = answer(capsys, *tag)
    assert main([*tag, "--format", "jsonl"]) == 0
    printed, err = capsys.readouterr()
    assert [json.loads(line) for line in printed.splitlines()] == rows
    assert "100% " in err.splitlines()[-1]
    assert answer(capsys, *tag, "--out", str(out)) == {"documents": 2, "out": str(out)}
    assert out.read_text(encoding="utf-8") == printed
    assert main([*tag, "--out", str(out)]) == 0
    again, err = capsys.readouterr()
    assert again == f"2 documents are in {out}\n"
    assert f"mma: {out} holds 2 finished documents of {source}; going on after them" in err
    assert main([*tag, "--format", "conll", "--out", str(tmp_path / "out.conll")]) == 0
    found = list(read_conll(tmp_path / "out.conll"))
    assert [sentence.words for sentence in found] == [
        ("Angela", "Merkel", "besuchte", "München", "."),
        tuple("王在北京。"),
    ]


def test_one_json_document_is_laid_out_as_ever(capsys: Output, teacher: str, stdin: Callable[[bytes], None]) -> None:
    stdin(f"{TEXT}\nAnna\u2028Otto\x85\n".encode())
    assert main(["tag", "onnx", "--teacher", teacher, "--json"]) == 0
    printed = capsys.readouterr().out
    assert printed == json.dumps(json.loads(printed), ensure_ascii=False, indent=1) + "\n"


def test_a_text_may_have_lines(capsys: Output, teacher: str) -> None:
    text = f"{TEXT}\n\n{TEXT}"
    check_spans(answer(capsys, "tag", "onnx", "--teacher", teacher, text), [text], "en")


def test_a_language_that_a_recipe_is_not_for_is_said(capsys: Output, teacher: str, made: Made) -> None:
    made("bert", "vocab:de")
    said = "vocab:de is for de; expect little of it in sw"
    for code in ("sw", "de"):
        assert main(["tag", "vocab:de", "--teacher", teacher, "--language", code, TEXT]) == 0
        assert (said in capsys.readouterr().err) == (code == "sw")


def test_tags_for_people(capsys: Output, teacher: str) -> None:
    (row,) = answer(capsys, "tag", "onnx", "--teacher", teacher, TEXT)
    assert main(["tag", "onnx", "--teacher", teacher, TEXT]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == TEXT
    assert len(rest) == len(row["spans"])
    assert all(line.endswith(span["text"]) for line, span in zip(rest, row["spans"], strict=True))


def test_build(capsys: Output, teacher: str, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    row = answer(capsys, "build", "onnx", "--teacher", teacher, "--out", str(out))
    assert row["folder"] == str(out)
    assert open_folder(out).manifest == {key: value for key, value in row.items() if key != "folder"}
    assert main(["build", "onnx", "--teacher", teacher, "--out", str(out)]) == 2
    assert "exists already; name a new folder" in capsys.readouterr().err


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the hub's library to being offline, whenever it was imported."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tag", "onnx", "--language", "xx", TEXT], "unknown language 'xx'; known: am"),
        (["tag", "fly", TEXT], "unknown step 'fly'; known: bf16"),
        (["tag", "layer:6", TEXT], "unknown step 'layer'; did you mean layers? known: bf16"),
        (["tag", "layers:6.5", TEXT], "step layers:6.5: Layers kept '6.5' is no whole number; accepted is"),
        (["tag", "heads:50%", TEXT], "'50%' is no number; accepted is"),
        (["tag", "layers:3,4", TEXT], "takes 1 argument, not 2"),
        (["tag", "int8:8", TEXT], "takes no arguments, not 1"),
        (["build", "onnx", "--data", "no-such-folder"], "no such folder: no-such-folder"),
        (["tag", "int8+int8", TEXT], "at most one step of a name"),
        (["tag", "layers:0", TEXT], "is not from 1 to 48; accepted is, for example, layers:6"),
        (["tag", "onnx", "--teacher", "nobody/nothing", TEXT], "is no folder or built-in name"),
        (["tag", "onnx", "--file", "no-such-file.txt"], "no such file: no-such-file.txt"),
        (["tag", "onnx", ""], "the text is empty; give TEXT, --file F, or lines"),
        (["tag", "onnx", " \n"], "the text is empty"),
        (["tag", "onnx", TEXT, "--out", "x"], "--out, --workers and --ray go with --file F"),
        (["tag", "onnx", TEXT, "--workers", "2"], "--out, --workers and --ray go with --file F"),
        (["tag", "onnx", TEXT, "--ray", "auto"], "--out, --workers and --ray go with --file F"),
        (
            ["tag", "onnx", "--file", "f", "--json", "--format", "conll"],
            "--json prints one document; leave out --format",
        ),
        (["tag", "onnx", "--file", "no-such-file.txt", "--out", "x"], "no such file: no-such-file.txt"),
        (["tag", "onnx", "\udcff"], "the text is not UTF-8"),
        (["build", "teacher"], "the baseline runs as it is and has no artifact; choose onnx"),
        (["build", "onnx", "--languages", "de,xx"], "unknown language 'xx'"),
        (["build", "onnx", "--teacher", "~no-such-user"], "is no folder"),
        (["bench", "onnx", "--languages", "xx"], "unknown language 'xx'"),
        (["bench", "onnx", "--languages", "zu"], "no test file in zu; there are am, ar"),
        (["bench", "onnx", "--conll", "x.conll"], "--conll needs --language"),
        (["bench", "onnx", "--language", "de"], "--language is that of a --conll file; "),
        (
            ["bench", "onnx", "--conll", "x.conll", "--language", "de", "--data", "x"],
            "--conll is all that is measured on: leave out --data and --languages",
        ),
        (["bench", "onnx", "--data", "no-such-folder"], "no-such-folder holds no ner/"),
        (["sweep", "--recipes", "no-such-file.txt"], "no such file: no-such-file.txt"),
        (["sweep", "--ray", "head"], "--ray head: neither auto nor HOST:PORT of a cluster's head"),
        (["robustness", "onnx", "--perturbations", "caps,noise"], "unknown perturbation 'noise'; known: typos, "),
        (["robustness", "onnx", "--languages", "zu"], "no test file in zu; there are am, ar"),
    ],
)
@pytest.mark.usefixtures("offline")
def test_bad_input_is_one_line_and_status_2(capsys: Output, arguments: list[str], reason: str) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("mma: ")
    assert reason in line


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"Caf\xe9"])
def test_text_that_is_not_utf8(capsys: Output, tmp_path: Path, stdin: Callable[[bytes], None], content: bytes) -> None:
    (tmp_path / "text.txt").write_bytes(content)
    stdin(content)
    for arguments in (["tag", "onnx", "--file", str(tmp_path / "text.txt")], ["tag", "onnx"]):
        assert main(arguments) == 2
        assert "is not UTF-8" in capsys.readouterr().err


def test_a_bad_line_of_conll_is_named(capsys: Output, tmp_path: Path, teacher: str) -> None:
    path = tmp_path / "own.conll"
    path.write_text("Angela\tB-PER\nMerkel\tI-HUMAN\n", encoding="utf-8")
    assert main(["bench", "onnx", "--teacher", teacher, "--conll", str(path), "--language", "de"]) == 2
    assert f"{path}:2: tag 'I-HUMAN' is not one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["tag"],
        ["tag", "onnx", "--no-such-option"],
        ["tag", "onnx", "one text", "another text"],
        ["tag", "onnx", "text", "--file", "f"],
        ["tag", "onnx", "--file", "f", "text"],
        ["tag", "onnx", "--file", "f", "--workers", "0"],
        ["tag", "onnx", "--file", "f", "--workers", "2", "--ray", "auto"],
        ["tag", "onnx", "--file", "f", "--format", "xml"],
        ["bench"],
        ["bench", "onnx", "--sentences", "many"],
        ["bench", "onnx", "--sentences", "-1"],
        ["bench", "onnx", "--threads", "9999"],
        ["train"],
        ["recipes", "too", "many"],
    ],
)
def test_bad_usage_is_status_2(capsys: Output, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mma: ")
    assert len(err.splitlines()) == 1


def test_our_own_failure_is_status_1(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(results, "read", fail)
    assert main(["results", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "RuntimeError: a mistake of ours" in err


def fake_bench(*_arguments: Any, **settings: Any) -> Iterator[results.Measurement]:
    settings["report"](0.5, "half")
    here = {"cpu": cpu(), "threads": available_threads(), "revision": orders.REVISION}
    place = {"teacher": settings.get("teacher", "multi"), "language": "de", "dataset": "samples"}
    yield measurement(recipe="onnx", command=settings["command"], **place, **here)


def test_bench(capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mma_core.measure import bench

    monkeypatch.setattr(bench, "bench", fake_bench)
    monkeypatch.setattr(sys, "argv", ["mma", "bench", "onnx", "--languages", "de"])
    (row,) = answer(capsys, "bench", "onnx", "--languages", "de")
    assert row.keys() == results.COLUMNS.keys()
    assert row["command"] == "python -m mma_core bench onnx --languages de"
    monkeypatch.setattr(sys, "argv", ["mma", "bench", "onnx", "--data", str(tmp_path / "data"), "--teacher", "a/b"])
    (row,) = answer(capsys, "bench", "onnx", "--languages", "de")
    assert row["command"] == "python -m mma_core bench onnx --data data --teacher a/b"
    assert main(["bench", "onnx"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("onnx ")
    assert " 50% " in err
    assert "half" in err


def test_a_commands_paths_are_as_seen_from_the_root(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "tests")
    inside = [str(repository / "precomputed" / "recipes.txt"), "../precomputed/recipes.txt", "./several.py"]
    outside = [str(tmp_path / "rows.jsonl"), "/no/such/folder/rows.jsonl"]
    words = ["sweep", "layers:6", "owner/model", *inside, *outside]
    monkeypatch.setattr(sys, "argv", ["mma", *words])
    seen = ["precomputed/recipes.txt", "precomputed/recipes.txt", "tests/several.py", "rows.jsonl", "rows.jsonl"]
    assert own_command() == shlex.join(["python", "-m", "mma_core", *words[:3], *seen])


def test_raw(capsys: Output, teacher: str, tmp_path: Path) -> None:
    asked = ("raw", "onnx", "--teacher", teacher, "--languages", "sw", "--sentences", "5")
    (row,) = answer(capsys, *asked, "--table", str(tmp_path / "raw.jsonl"))
    assert [asdict(kept) for kept in results.rows(tmp_path / "raw.jsonl", results.RawText)] == [row]
    assert (row["language"], row["dataset"], row["sentences"]) == ("sw", "samples", 5)
    assert row["difference"] == pytest.approx(row["f1_raw"] - row["f1_words"], abs=0.02)


def test_robustness(capsys: Output, teacher: str, tmp_path: Path) -> None:
    table = tmp_path / "robustness.jsonl"
    arguments = ("robustness", "onnx", "--teacher", teacher, "--languages", "zh", "--sentences", "4")
    asked = (*arguments, "--perturbations", "punctuation,typos", "--table", str(table))
    rows = answer(capsys, *asked)
    assert [(row["perturbation"], row["strength"]) for row in rows] == [
        ("none", 0.0),
        *(("punctuation", strength) for strength in (0.25, 0.5, 1.0)),
    ]
    assert len(table.read_text(encoding="utf-8").splitlines()) == 4
    assert main([*asked]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4
    assert "mma: typos is skipped for zh: its corpora have characters for words" in err
    assert len(table.read_text(encoding="utf-8").splitlines()) == 4


@pytest.fixture
def no_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps measure nothing."""
    from mma_core.measure import sweep

    def set_up(_recipes: Any, *, teacher: str, command: str, **_settings: Any) -> SimpleNamespace:
        def measured(
            corpus: Corpus, _sentences: Any, names: Sequence[str], _journal: Journal, **_settings: Any
        ) -> list[Measurement]:
            place = {"teacher": teacher, "language": corpus.language, "dataset": corpus.source}
            now = {"cpu": cpu(), "threads": available_threads(), "revision": orders.REVISION}
            return [measurement(name, command=command, **place, **now) for name in names]

        return SimpleNamespace(journal=lambda *_arguments: Journal(), rows=measured)

    monkeypatch.setattr(sweep, "set_up", set_up)
    monkeypatch.setattr(sources, "locate", lambda _name: SimpleNamespace(sha256="0123456789abcdef"))


@pytest.mark.usefixtures("no_stand")
def test_sweep(capsys: Output, tmp_path: Path) -> None:
    recipes, table = tmp_path / "recipes.txt", tmp_path / "table.jsonl"
    recipes.write_text("onnx\n", encoding="utf-8")
    arguments = ("sweep", "--recipes", str(recipes), "--table", str(table), "--languages", "de", "--teacher", "x")
    assert answer(capsys, *arguments) == {"added": 1, "table": str(table)}
    assert [row.recipe for row in results.read(table)] == ["onnx"]
    assert answer(capsys, *arguments) == {"added": 0, "table": str(table)}


@pytest.mark.usefixtures("no_stand")
def test_a_sweep_of_several_teachers(capsys: Output, tmp_path: Path) -> None:
    recipes, table = tmp_path / "recipes.txt", tmp_path / "table.jsonl"
    recipes.write_text("onnx\nteacher\n", encoding="utf-8")
    arguments = ("sweep", "--recipes", str(recipes), "--table", str(table), "--languages", "de,en", "--teacher")
    assert answer(capsys, *arguments, "x") == {"added": 4, "table": str(table)}
    assert answer(capsys, *arguments, "x,y,x") == {"added": 4, "table": str(table)}
    found = [(row.teacher, row.language, row.recipe) for row in results.read(table)]
    assert sorted(found) == sorted(product("xy", ("de", "en"), ("onnx", "teacher")))
    with pytest.raises(SystemExit):
        main([*arguments, ","])
    assert "',' holds no name" in capsys.readouterr().err


@pytest.mark.usefixtures("no_stand")
def test_a_sweep_leaves_out_what_this_machine_cannot_run(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "has_bf16", lambda: False)
    recipes, table = tmp_path / "recipes.txt", tmp_path / "table.jsonl"
    recipes.write_text("onnx\nbf16\n", encoding="utf-8")
    arguments = ["sweep", "--recipes", str(recipes), "--table", str(table), "--languages", "de", "--teacher", "x"]
    assert main(arguments) == 0
    assert "mma: bf16 is left out: step bf16: this CPU has no bf16 arithmetic" in capsys.readouterr().err
    assert [row.recipe for row in results.read(table)] == ["onnx"]


@pytest.mark.usefixtures("no_stand")
def test_a_sweep_says_what_it_has_no_file_for(capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "build", lambda *_arguments, **_settings: pytest.fail("it was trained"))
    recipes, table = tmp_path / "recipes.txt", tmp_path / "table.jsonl"
    recipes.write_text("onnx\ntime:sw,s\n", encoding="utf-8")
    arguments = ["sweep", "--recipes", str(recipes), "--table", str(table), "--languages", "de", "--budget", "standard"]
    assert main(arguments) == 0
    assert "mma: time:sw,s is left out: there is no test file of sw" in capsys.readouterr().err
    assert [row.recipe for row in results.read(table)] == ["onnx"]


@pytest.mark.usefixtures("no_stand")
def test_a_sweep_with_a_budget_builds_first_what_trains(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setattr(build, "build", lambda recipe, **rest: asked.append((str(recipe), rest["budget"])))
    recipes = tmp_path / "recipes.txt"
    recipes.write_text("onnx\nlayers:6+int8\nint8\n", encoding="utf-8")
    arguments = ["sweep", "--recipes", str(recipes), "--table", str(tmp_path / "table.jsonl"), "--languages", "de"]
    answer(capsys, *arguments, "--budget", "standard")
    assert asked == [("layers:6+int8", "standard")]


@pytest.mark.usefixtures("no_stand")
def test_a_sweep_without_a_budget_leaves_out_what_was_not_trained(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def cached(recipe: Recipe, *, teacher: str) -> SimpleNamespace | None:
        found = {("layers:6", "x"): "standard", ("layers:6+int8", "x"): "quick"}.get((str(recipe), teacher))
        return SimpleNamespace(manifest={"budget": found}) if found else None

    monkeypatch.setattr(build, "cached", cached)
    recipes, table = tmp_path / "recipes.txt", tmp_path / "table.jsonl"
    recipes.write_text("onnx\nlayers:6\nlayers:6+int8\n", encoding="utf-8")
    arguments = ["sweep", "--recipes", str(recipes), "--table", str(table), "--languages", "de", "--teacher", "x,y"]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "mma: layers:6+int8 of x is left out: nothing here was trained for longer than quick" in said
    assert "mma: layers:6 of y is left out: " in said
    assert {(row.teacher, row.recipe) for row in results.read(table)} == {
        ("x", "onnx"),
        ("x", "layers:6"),
        ("y", "onnx"),
    }


HEAVY = ("torch", "transformers", "gradio", "onnx", "onnxruntime", "openvino", "nncf", "datasets", "huggingface_hub")


def imported_by(*arguments: str) -> set[str]:
    """Top-level modules that a command loads, in a process of its own."""
    code = (
        "import sys; from mma_core.__main__ import main; status = main(sys.argv[1:]); "
        "print(status, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    status, *names = done.stderr.splitlines()[-1].split()
    assert status == "0", done.stderr
    json.loads(done.stdout)
    return set(names)


def test_listing_loads_nothing_heavy() -> None:
    assert imported_by("recipes", "--json").isdisjoint(HEAVY)


@pytest.mark.parametrize(("recipe", "engine"), [("onnx", "onnxruntime"), ("int8static", "openvino")])
def test_tagging_loads_one_engine_only(made: Made, teacher: str, recipe: str, engine: str) -> None:
    made("bert", recipe)
    loaded = imported_by("tag", recipe, "--teacher", teacher, "--language", "de", "--json", TEXT)
    assert engine in loaded
    assert loaded.isdisjoint(set(HEAVY) - {engine})


def test_a_reader_that_goes_away(repository: Path) -> None:
    command = f"{sys.executable} -m mma_core languages --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("recipes | true", 0, ""),
        ("recipes > /dev/full", 2, "mma: No space left on device; make room"),
        ("recipes --json > /dev/full", 2, "mma: No space left on device; make room"),
        ("recipes >&-", 0, ""),
    ],
)
def test_output_that_cannot_be_written(repository: Path, command: str, status: int, said: str) -> None:
    line = f"{sys.executable} -m mma_core {command}; exit ${{PIPESTATUS[0]}}"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=repository, env=buffered
    )
    assert done.returncode == status
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == bool(said)


def test_progress_goes_to_standard_error(capsys: Output, monkeypatch: pytest.MonkeyPatch, teacher: str) -> None:
    def tagger(*_arguments: Any, **settings: Any) -> Any:
        settings["report"](0.25, "exporting")
        return real(*_arguments, **settings)

    real = build.tagger
    monkeypatch.setattr(build, "tagger", tagger)
    assert len(answer(capsys, "tag", "onnx", "--teacher", teacher, TEXT)) == 1
    assert main(["tag", "onnx", "--teacher", teacher, "--json", TEXT]) == 0
    out, err = capsys.readouterr()
    assert " 25% " in err
    assert "exporting" in err
    assert "exporting" not in out
