"""Checkpoints that were trained once serve every recipe that begins with the same steps."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from builds import quick_builds, quiet

from mma_core import checkpoint, making, orders, trained
from mma_core.checkpoint import Checkpoint
from mma_core.recipe import parse
from mma_core.training import students


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMA_CACHE", str(tmp_path))
    return tmp_path / "checkpoints"


@pytest.fixture
def teacher(tiny_teacher: Callable[[str], Path]) -> Checkpoint:
    return checkpoint.load(str(tiny_teacher("bert")))


def built(recipe: str, teacher: Checkpoint, folder: Path) -> dict[str, str]:
    """The hashes of an artifact's files that was built now."""
    with quick_builds():
        made = making.run(orders.Order(parse(recipe), teacher.name, languages=("de",)), folder, quiet)
    return made.manifest["files"]


def test_a_combination_goes_on_from_the_student(
    teacher: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = built("layers:1+int8", teacher, tmp_path / "alone")

    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(students, "taught", never)
    assert built("layers:1+int8", teacher, tmp_path / "again") == alone
    built("layers:1+vocab:de", teacher, tmp_path / "trimmed")
    with pytest.raises(AssertionError, match="trained again"):
        built("layers:1+heads:0.5", teacher, tmp_path / "pruned")


@pytest.mark.parametrize("recipe", ["layers:1", "heads:0.5", "ffn:0.5", "sparse:0.5", "xtreme:8,12", "time:de,s"])
def test_what_was_kept_is_what_was_made(recipe: str, teacher: Checkpoint) -> None:
    order = orders.Order(parse(recipe), teacher.name)
    with quick_builds():
        made = order.recipe.steps[0].apply(teacher, making.world_of(order, teacher, quiet))
    trained.write("key", made)
    found = trained.read("key", teacher)
    assert found is not None
    assert checkpoint.plain_config(found) == checkpoint.plain_config(made)
    assert (found.name, found.sha256) == (made.name, made.sha256)
    assert (found.tokenizer is teacher.tokenizer) == (made.tokenizer is teacher.tokenizer)
    assert found.tokenizer.to_str() == made.tokenizer.to_str()
    ids = torch.arange(2, 12)[None]
    assert torch.equal(found.model(input_ids=ids).logits, made.model(input_ids=ids).logits)


def test_nothing_kept_and_nothing_whole_is_none(teacher: Checkpoint, cache: Path) -> None:
    assert trained.read("key", teacher) is None
    trained.write("key", teacher)
    (cache / "key" / "model.safetensors").write_bytes(b"torn")
    assert trained.read("key", teacher) is None
    trained.write("key", teacher)
    assert trained.read("key", teacher) is not None
    assert {path.name for path in cache.iterdir()} == {"key", "key.lock"}


def test_the_one_that_was_used_the_longest_ago_goes(
    teacher: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.write("first", teacher)
    trained.write("second", teacher)
    for age, key in enumerate(("second", "first")):
        os.utime(cache / key, (1000 - age, 1000 - age))
    assert trained.read("first", teacher) is not None
    size = sum(path.stat().st_size for path in (cache / "first").iterdir())
    monkeypatch.setattr(trained, "MOST_BYTES", size)
    trained.write("third", teacher)
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {"first", "third"}
