"""Steps that prune, on tiny teachers: what goes, what stays, from whom the rest learns, and what is refused."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from builds import quick_builds, quiet

from mma_core import checkpoint, making, orders, surgery
from mma_core.checkpoint import Checkpoint
from mma_core.errors import RecipeError
from mma_core.recipe import World, parse
from mma_core.training import students, thin
from mma_core.training.sparsity import matrices
from mma_core.trimming import trim

TEXT = "Angela Merkel besuchte München ."
SIZE = 8


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with quick_builds():
        yield


@pytest.fixture
def teacher(tiny_teacher: Callable[[str], Path]) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


def world_of(recipe: str, teacher: Checkpoint, folder: Path, **others: Any) -> World:
    made = making.world_of(orders.Order(parse(recipe), teacher.name), teacher, quiet)
    return dataclasses.replace(made, work=folder / "work", shared=folder / "shared", **others)


def applied(recipe: str, model: Checkpoint, world: World) -> Checkpoint:
    return parse(recipe).steps[0].apply(model, world)


def logits(made: Checkpoint) -> torch.Tensor:
    with torch.inference_mode():
        return made.model(torch.tensor([made.tokenizer.encode(TEXT).ids])).logits[0]


def unhealed(step: Any, student: Checkpoint, *_others: Any) -> Checkpoint:
    return student


def test_parts_that_do_nothing_go_first(teacher: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(students, "taught", unhealed)
    monkeypatch.setattr(thin, "BATCHES", 1)
    for number, part in enumerate(surgery.parts(teacher.model)):
        idle = (2 - number) * SIZE
        part.mixed.weight.data[:, idle : idle + SIZE] = 0
        part.outer.weight.data[:, number:64:2] = 0
    before = logits(teacher)
    fewer = applied("heads:0.25", teacher, world_of("heads:0.25", teacher, tmp_path))
    narrow = applied("ffn:0.5", fewer, world_of("ffn:0.5", teacher, tmp_path))
    assert (fewer.config.num_attention_heads, surgery.columns(narrow.config)) == (3, 32)
    torch.testing.assert_close(logits(narrow), before, atol=1e-4, rtol=1e-4)
    assert teacher.config.num_attention_heads == 4
    assert torch.equal(logits(teacher), before)
    assert fewer.parameters < teacher.parameters


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("heads:0.05", "step heads:0.05: takes out 0 of 4 attention heads a layer"),
        ("heads:0.95", "step heads:0.95: takes out 4 of 4 attention heads a layer"),
    ],
)
def test_none_and_all_are_refused(teacher: Checkpoint, tmp_path: Path, recipe: str, reason: str) -> None:
    with pytest.raises(RecipeError, match=reason):
        applied(recipe, teacher, world_of(recipe, teacher, tmp_path))


@pytest.mark.parametrize("recipe", ["heads:0.5", "ffn:0.5", "sparse:0.5"])
def test_nothing_prunes_without_sentences(teacher: Checkpoint, tmp_path: Path, recipe: str) -> None:
    world = world_of(recipe, teacher, tmp_path, unlabelled=lambda codes, count: {})
    with pytest.raises(RecipeError, match=f"step {recipe}: no sentences"):
        applied(recipe, teacher, world)


def test_a_model_without_heads_is_refused(teacher: Checkpoint, tmp_path: Path) -> None:
    config = SimpleNamespace(model_type="recurrent")
    other: Any = SimpleNamespace(config=config)
    with pytest.raises(RecipeError, match=r"step heads:0\.5: a recurrent model has no attention heads"):
        applied("heads:0.5", other, world_of("heads:0.5", teacher, tmp_path))


@pytest.mark.parametrize("model_type", ["bert", "roberta", "xlm-roberta"])
def test_the_teacher_speaks_the_vocabulary_of_its_student(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, model_type: str
) -> None:
    teacher = checkpoint.load(str(tiny_teacher(model_type)))
    world = world_of("vocab:de", teacher, tmp_path)
    student = trim(teacher, ["de"], world)
    assert student.config.vocab_size < teacher.config.vocab_size
    assert torch.equal(logits(students.teacher_of(student, world)), logits(student))
    assert students.teacher_of(teacher.with_layers([1]), world) is teacher
    assert students.languages_of(student, world) == ("de",)
    assert students.languages_of(teacher.with_layers([1]), world) == ()


@pytest.mark.parametrize(("recipe", "table"), [("sparse:0.8", False), ("sparse:0.8,emb", True)])
def test_sparse_weights_in_the_end(teacher: Checkpoint, tmp_path: Path, recipe: str, table: bool) -> None:
    before = {name: tensor.clone() for name, tensor in teacher.model.state_dict().items()}
    made = applied(recipe, teacher, world_of(recipe, teacher, tmp_path))
    for matrix in matrices(made.model, embeddings=table):
        assert int((matrix == 0).sum()) == round(0.8 * matrix.numel())
    words, old = (of.model.get_input_embeddings().weight for of in (made, teacher))
    assert torch.equal(words, old) != table
    assert torch.equal(words[words != 0], old[words != 0]) != table, "a table that loses weights learns"
    assert not torch.equal(made.model.classifier.weight, teacher.model.classifier.weight)
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.model.state_dict().items())
    assert not (tmp_path / "shared").exists(), "labels alone teach, so no output is kept"
