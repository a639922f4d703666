"""The contract of every registered step: a new one is tested before its author writes a test."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import combinations as combinations_of
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from builds import Made, quick_builds, quiet
from tokenizers import Tokenizer

from mma_core import build, builtin, checkpoint, engines, making, orders
from mma_core.data import TAGS
from mma_core.errors import ArtifactError, RecipeError
from mma_core.languages import LANGUAGES
from mma_core.recipe import Form, Kind, Recipe, Step, form_of, parse
from mma_core.steps.openvino_precisions import CALIBRATION_SENTENCES, calibration_inputs

pytest_plugins = ("engine_fixtures",)

# A legal spelling on two layers of 32, where the step's own example is for a real teacher.
TINY = {"layers": "layers:1", "minilm": "minilm:1x16", "xtreme": "xtreme:8,12"}
# Students whose vocabulary is cut before they learn.
OWN_VOCABULARY = {"bistil", "time"}
BEFORE = [name for name, step in Step.registry.items() if Kind.BASE < step.kind < Kind.PRECISION]
PRECISIONS = [name for name, step in Step.registry.items() if step.kind is Kind.PRECISION]
NUMBERS = {Form.WHOLE, Form.NUMBER}
TEXT = "Angela Merkel besuchte München ."


def spelling(name: str) -> str:
    return TINY.get(name, Step.registry[name].example)


def combinations() -> Iterator[str]:
    """Legal recipes in which every two steps of different kinds meet, as few as a greedy choice finds."""
    kinds = (Kind.STUDENT, Kind.PRUNE, Kind.VOCAB, Kind.PRECISION)
    choices = [[None, *(step for step in Step.registry.values() if step.kind is kind)] for kind in kinds]
    legal = [chosen for chosen in product(*choices) if all(map(go_together, combinations_of(chosen, 2)))]
    missing = {pair for chosen in legal for pair in pairs(chosen)}
    while missing:
        best = max(legal, key=lambda chosen: len(missing & pairs(chosen)))
        missing -= pairs(best)
        yield "+".join(spelled(step.name for step in best if step)) or "onnx"


def spelled(names: Iterable[str]) -> list[str]:
    """Spellings that go together: a vocabulary is cut to languages that a student still has."""
    texts = {name: spelling(name) for name in names}
    for student in texts.keys() & OWN_VOCABULARY:
        if "vocab" in texts:
            texts["vocab"] = f"vocab:{','.join(parse(texts[student]).steps[0].languages)}"  # type: ignore[attr-defined]
    return list(texts.values())


def go_together(pair: tuple[type[Step] | None, type[Step] | None]) -> bool:
    one, other = pair
    return one is None or other is None or not (one.name in other.excludes or other.name in one.excludes)


def pairs(chosen: tuple[type[Step] | None, ...]) -> set[Any]:
    return set(combinations_of([(place, step and step.name) for place, step in enumerate(chosen)], 2))


@pytest.fixture(params=sorted(Step.registry))
def step(request: pytest.FixtureRequest) -> type[Step]:
    """Each registered step."""
    return Step.registry[request.param]


def test_spelling_goes_round(step: type[Step]) -> None:
    for text in (step.example, spelling(step.name)):
        recipe = parse(text)
        assert str(recipe) == text
        assert parse(str(recipe)) == recipe
        assert [type(part).name for part in recipe.steps] == [step.name]
        assert hash(recipe) == hash(parse(text))


def test_description_is_complete(step: type[Step]) -> None:
    assert inspect.getdoc(step)
    assert inspect.getdoc(step) != inspect.getdoc(Step)
    assert step.title
    assert step.summary.endswith(".")
    name, address = step.paper
    assert name
    assert address.startswith("https://")
    assert isinstance(step.kind, Kind)
    assert step.engine in ({"onnxruntime", "openvino"} if step.kind is Kind.PRECISION else {""})
    for argument in fields(step):
        assert argument.metadata["label"]
        if form_of(argument) in NUMBERS:
            assert argument.metadata["low"] <= argument.metadata["start"] <= argument.metadata["high"]
            assert argument.metadata["low"] < argument.metadata["high"]


def test_arguments_can_be_told_apart_in_a_spelling(step: type[Step]) -> None:
    forms = [form_of(argument) for argument in fields(step)]
    assert Form.LANGUAGES not in forms or len(forms) == 1
    assert Form.WORD not in forms[:-1]
    for argument, form in zip(fields(step), forms, strict=True):
        words = {
            Form.CHOICE: argument.metadata["choices"],
            Form.WORD: (argument.metadata["word"],),
            Form.LANGUAGE: tuple(LANGUAGES),
        }.get(form, ("-",))
        assert words
        assert all(word and not set(word) & {"+", ":", " ", step.separator} for word in words)


def test_arguments_out_of_range_are_refused(step: type[Step]) -> None:
    example = parse(step.example).steps[0]
    numbers = [argument for argument in fields(step) if form_of(argument) in NUMBERS]
    if not numbers:
        with pytest.raises(RecipeError, match=f"step {step.name}"):
            parse(f"{step.name}:no-such-thing")
    for argument in numbers:
        value = argument.metadata["high"] + 1
        texts = [str(value if other is argument else getattr(example, other.name)) for other in fields(step)]
        shown = [text for text, other in zip(texts, fields(step), strict=True) if form_of(other) is not Form.WORD]
        with pytest.raises(RecipeError, match=f"step {step.name}.*is not from .*accepted is, for example, "):
            parse(f"{step.name}:{step.separator.join(shown)}")


def world_of(recipe: Recipe, teacher: checkpoint.Checkpoint) -> Any:
    return making.world_of(orders.Order(recipe, teacher.name), teacher, quiet)


def logits(model: checkpoint.Checkpoint) -> torch.Tensor:
    with torch.inference_mode():
        return model.model(torch.tensor([model.tokenizer.encode(TEXT).ids])).logits[0]


@pytest.mark.parametrize("name", BEFORE)
@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_a_teacher_becomes_a_valid_checkpoint(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, *, model_type: str, name: str
) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    before = {key: tensor.clone() for key, tensor in teacher.model.state_dict().items()}
    recipe = parse(spelling(name))
    with quick_builds():
        made = recipe.steps[0].apply(teacher, world_of(recipe, teacher))
    assert all(torch.equal(tensor, before[key]) for key, tensor in teacher.model.state_dict().items()), "changed"
    assert made.labels == list(TAGS)
    assert not made.model.training
    assert made.nonzero_parameters < teacher.nonzero_parameters
    assert made.tokenizer.get_vocab_size() <= made.config.vocab_size
    assert logits(made).shape == (len(made.tokenizer.encode(TEXT).ids), len(TAGS))
    made.model.save_pretrained(tmp_path)
    made.tokenizer.save(str(tmp_path / "tokenizer.json"))
    again = checkpoint.load(str(tmp_path))
    assert torch.equal(logits(again), logits(made))


def supported(name: str) -> bool:
    """Whether this machine runs a precision; where not, `check` must say so."""
    if name != "bf16" or engines.has_bf16():
        return True
    with pytest.raises(RecipeError, match=r"step bf16: this CPU has no bf16 arithmetic.*choose int8 or int8static"):
        parse(name).steps[0].check()
    return False


@pytest.mark.parametrize("name", PRECISIONS)
@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_every_precision_of_every_kind(made: Made, *, model_type: str, name: str) -> None:
    if supported(name):
        check_in_bare_engine(made(model_type, name).folder, Step.registry[name].engine)


@pytest.mark.parametrize("text", list(combinations()))
def test_every_combination_builds(made: Made, text: str) -> None:
    recipe = parse(text)
    if not all(supported(step.name) for step in recipe.after_export):
        return
    artifact = made("bert", text)
    assert artifact.manifest["recipe"] == str(recipe)
    assert artifact.manifest["engine"] == recipe.engine
    check_in_bare_engine(artifact.folder, recipe.engine)
    exact = not recipe.after_export
    # Random weights decide by a hair, so 8 bits may turn a tag here and there; unknown words all turn at once.
    shares = list(artifact.manifest["agreement"].values())
    assert set(shares) == {100.0} if exact else fmean(shares) >= 70
    cut = any(step.kind is Kind.VOCAB or step.name in OWN_VOCABULARY for step in recipe.steps)
    assert ("lossless" in artifact.manifest) == cut


def check_in_bare_engine(folder: Path, engine: str) -> None:
    """Open an artifact as a stranger would: with the engine, `tokenizers` and the JSON files."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ids = np.array([Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT).ids], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    if engine == "openvino":
        import openvino

        model = openvino.Core().compile_model(folder / "openvino_model.xml", "CPU")
        answer = model(inputs)["logits"]
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        assert [i.name for i in session.get_inputs()] == ["input_ids", "attention_mask"]
        (answer,) = session.run(["logits"], inputs)
    assert answer.shape == (1, ids.shape[1], len(config["id2label"]))
    assert np.isfinite(answer).all()
    assert ids.max() < config["vocab_size"]


def test_quantising_makes_the_graph_smaller(made: Made) -> None:
    whole, dynamic, static = (made("bert", text).model for text in ("onnx", "int8", "int8static"))
    assert dynamic.read_bytes().count(b"DynamicQuantizeLinear") > 0
    assert whole.read_bytes().count(b"DynamicQuantizeLinear") == 0
    assert "FakeQuantize" in static.read_text(encoding="utf-8")


def test_as_many_layers_as_there_are(tiny_teacher: Callable[[str], Path]) -> None:
    teacher = checkpoint.load(str(tiny_teacher("bert")))
    with pytest.raises(RecipeError, match="step layers:2: the teacher has 2 layers; keep from 1 to 1"):
        parse("layers:2").steps[0].apply(teacher, world_of(parse("layers:2"), teacher))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers:12", "step layers:12: the teacher has 12 layers; keep from 1 to 11"),
        ("minilm:6x100", "step minilm:6x100: width 100 is no multiple of 32"),
        ("minilm:12x384", "step minilm:12x384: the teacher is 12x384; a student is smaller"),
        ("xtreme:385,200", "step xtreme:385,200: the teacher's embeddings are 384 wide; choose from 4 to 384"),
    ],
)
def test_what_the_built_in_teacher_is_too_small_for(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse(text).steps[0].check_teacher(builtin.config("multi"))


def test_every_example_is_for_the_built_in_teachers(step: type[Step]) -> None:
    for name in builtin.names():
        parse(step.example).steps[0].check_teacher(builtin.config(name))


def test_a_teacher_is_checked_without_loading_a_library() -> None:
    told = "recipe.parse('time:de,s').steps[0].check_teacher(builtin.config('multi'))"
    code = f"import sys; from mma_core import builtin, recipe; {told}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_calibration_takes_the_languages_in_turn() -> None:
    class World:
        texts = {"de": [("d",)] * 400, "ar": [("a",), ("b",)]}  # noqa: RUF012

        @staticmethod
        def encode(words: tuple[str, ...]) -> list[int]:
            return [ord(words[0])]

    inputs = list(calibration_inputs(World()))  # type: ignore[arg-type]
    assert "".join(chr(row["input_ids"][0, 0]) for row in inputs[:6]) == "adbddd"
    assert len(inputs) == CALIBRATION_SENTENCES
    assert inputs[0]["attention_mask"].tolist() == [[1]]


def test_nothing_to_calibrate_on() -> None:
    class World:
        texts: dict[str, Any] = {}  # noqa: RUF012

    with pytest.raises(RecipeError, match="step int8static: no unlabelled text to calibrate on"):
        parse("int8static").steps[0].apply(None, World())  # type: ignore[arg-type]


def test_a_precision_this_cpu_lacks_is_refused_before_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "has_bf16", lambda: False)
    with pytest.raises(RecipeError, match="step bf16"):
        build.build(parse("bf16"), teacher="/no/such/teacher")
    monkeypatch.setattr(engines, "has_bf16", lambda: True)
    with pytest.raises(ArtifactError):
        build.build(parse("bf16"), teacher="/no/such/teacher")
