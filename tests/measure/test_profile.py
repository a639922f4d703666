"""Where a recipe's bytes and milliseconds go."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from builds import Made, quiet

from mma_core import runtime
from mma_core.__main__ import main
from mma_core.charts import anatomy
from mma_core.data import samples
from mma_core.errors import DataError, RecipeError
from mma_core.measure import profile
from mma_core.recipe import parse

pytest_plugins = ("engine_fixtures",)

PEAKS = {"fp32": 50.0, "bf16": None, "int8": 100.0}


@pytest.fixture(autouse=True)
def known_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peaks that no processor has to show."""
    monkeypatch.setattr(profile, "peaks", lambda engine, threads: PEAKS)


@pytest.mark.parametrize("recipe", ["onnx", "int8", "int8static"])
def test_a_profile(made: Made, tiny_teacher: Callable[[str], Path], recipe: str) -> None:
    artifact = made("bert", recipe)
    found = profile.profile(parse(recipe), teacher=str(tiny_teacher("bert")), code="de", report=quiet)
    (corpus,) = [corpus for corpus in samples() if corpus.language == "de"]
    assert found.sentences == len(corpus.sentences)
    assert found.words <= found.pieces - 2 * found.sentences
    assert sum(found.bytes.values()) == artifact.size_bytes
    assert found.milliseconds.keys() == set(profile.STAGES)
    assert all(time >= 0 for time in found.milliseconds.values())
    assert found.milliseconds["model"] > 0
    assert found.precision == ("fp32" if recipe == "onnx" else "int8")
    assert found.floor_ms == {
        "fp32": pytest.approx(1000 * found.operations / 50, abs=0.02),
        "bf16": None,
        "int8": pytest.approx(1000 * found.operations / 100, abs=0.02),
    }


def test_stages_add_up_to_the_whole(made: Made) -> None:
    artifact = made("bert")
    tagger = profile._Watched(runtime.open_artifact(artifact, 1))
    texts = profile._texts("de")
    times = profile._round(tagger, texts, "de")
    whole = times["splitting"] + times["normalising"] + times["tokenising"] + times["answer"] + times["decoding"]
    assert times["normalising"] > 0
    assert whole == pytest.approx(max(times["all"], whole - times["decoding"]))
    assert times["padding"] + times["model"] == pytest.approx(times["answer"])


def test_without_a_normaliser_nothing_is_normalised(made: Made) -> None:
    tagger = profile._Watched(runtime.open_artifact(made("bert"), 1))
    tagger._tokenizer = SimpleNamespace()  # type: ignore[assignment]
    assert profile._normalising(tagger, ["Angela kam."]) == 0


def test_operations_are_two_a_weight_and_piece_and_the_attention() -> None:
    config = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4}
    assert profile._operations([10], 1000, config) == pytest.approx((2 * 1000 * 10 + 4 * 2 * 32 * 100) / 1e9)
    assert profile._operations([10, 5], 0, {"n_layers": 1, "dim": 8, "n_heads": 2}) == pytest.approx(4 * 8 * 125 / 1e9)


def test_what_has_no_attention_needs_no_operations_for_it(made: Made) -> None:
    config = made("bert", "xtreme:8,12").config
    assert config["num_hidden_layers"] == 1
    assert profile._operations([10, 5], 1000, config) == pytest.approx(2 * 1000 * 15 / 1e9)


def test_what_cannot_be_taken_apart() -> None:
    with pytest.raises(RecipeError, match="step teacher: the baseline has no artifact"):
        profile.profile(parse("teacher"))
    with pytest.raises(DataError, match="no sample sentences in ka; there are in am, ar, "):
        profile.profile(parse("int8"), code="ka")


def test_on_the_command_line(
    made: Made, tiny_teacher: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    made("bert", "int8")
    command = ["profile", "int8", "--teacher", str(tiny_teacher("bert")), "--language", "de"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == asdict(profile.Profile(*[None] * len(found))).keys()  # type: ignore[arg-type]
    assert (found["recipe"], found["language"], found["peaks"]) == ("int8", "de", PEAKS)
    assert main(command) == 0
    said, *parts = capsys.readouterr().out.splitlines()
    assert said.startswith("int8: ")
    assert [part.split()[0] for part in parts] == [*anatomy.PARTS.values(), *anatomy.STAGES.values(), "Floor", "Floor"]
    assert [part.split()[-1] for part in parts] == ["MB"] * len(anatomy.PARTS) + ["ms"] * (len(anatomy.STAGES) + 2)


def test_a_language_that_a_recipe_is_not_for_is_said(
    made: Made, tiny_teacher: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    made("bert", "vocab:de")
    for code in ("sw", "de"):
        assert main(["profile", "vocab:de", "--teacher", str(tiny_teacher("bert")), "--language", code]) == 0
        assert ("vocab:de is for de; expect little of it in sw" in capsys.readouterr().err) == (code == "sw")
