"""Taking parts out of every allowed architecture: the same as zeroing them, and smaller."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForTokenClassification

from mma_core import checkpoint, export, surgery
from mma_core.errors import ArtifactError
from mma_core.shapes import head_size

ENCODERS = ("bert", "xlm-roberta", "roberta", "distilbert", "electra", "camembert")
HEADS, SIZE, COLUMNS, LAYERS = 4, 8, 64, 2
IDS = torch.tensor([[2, 9, 11, 13, 5, 3], [2, 7, 8, 3, 0, 0]])
MASK = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])


@cache
def model_of(model_type: str) -> Any:
    torch.manual_seed(3)
    made = AutoModelForTokenClassification.from_config(tiny._config(_like(model_type), 40)).eval()
    if model_type == _like(model_type):
        return made
    config = made.config.to_dict() | {"model_type": model_type, "embedding_size": 24}
    return AutoModelForTokenClassification.from_config(AutoConfig.for_model(**config)).eval()


def _like(model_type: str) -> str:
    return {"electra": "bert", "camembert": "roberta"}.get(model_type, model_type)


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS, attention_mask=MASK).logits


def some(most: int) -> st.SearchStrategy[list[list[int]]]:
    """For each layer some of its parts, as many in each, in order."""
    return st.integers(1, most).flatmap(
        lambda count: st.lists(
            st.lists(st.integers(0, most - 1), unique=True, min_size=count, max_size=count).map(sorted),
            min_size=LAYERS,
            max_size=LAYERS,
        )
    )


def without(kept: list[int], most: int) -> torch.Tensor:
    return torch.tensor([place for place in range(most) if place not in kept], dtype=torch.long)


@pytest.mark.parametrize("model_type", ENCODERS)
@settings(max_examples=5)
@given(kept=some(HEADS))
def test_heads_taken_out_equal_heads_that_give_zeros(model_type: str, kept: list[list[int]]) -> None:
    whole = copy.deepcopy(model_of(model_type))
    narrow = copy.deepcopy(whole)
    surgery.keep_heads(narrow, kept)
    for part, heads in zip(surgery.parts(whole), kept, strict=True):
        for head in without(heads, HEADS).tolist():
            part.mixed.weight.data[:, head * SIZE : (head + 1) * SIZE] = 0
    torch.testing.assert_close(logits(narrow), logits(whole), atol=1e-4, rtol=1e-4)
    assert narrow.config.num_attention_heads == len(kept[0])
    assert head_size(narrow.config) == SIZE
    assert all(part.query.weight.shape == (len(kept[0]) * SIZE, 32) for part in surgery.parts(narrow))
    fewer = HEADS - len(kept[0])
    assert whole.num_parameters() - narrow.num_parameters() == LAYERS * fewer * SIZE * (4 * 32 + 3)


@pytest.mark.parametrize("model_type", ENCODERS)
@settings(max_examples=5)
@given(kept=some(COLUMNS))
def test_columns_taken_out_equal_columns_that_give_zeros(model_type: str, kept: list[list[int]]) -> None:
    whole = copy.deepcopy(model_of(model_type))
    narrow = copy.deepcopy(whole)
    surgery.keep_columns(narrow, kept)
    for part, places in zip(surgery.parts(whole), kept, strict=True):
        part.outer.weight.data[:, without(places, COLUMNS)] = 0
    torch.testing.assert_close(logits(narrow), logits(whole), atol=1e-4, rtol=1e-4)
    assert surgery.columns(narrow.config) == len(kept[0])
    fewer = COLUMNS - len(kept[0])
    assert whole.num_parameters() - narrow.num_parameters() == LAYERS * fewer * (2 * 32 + 1)


@pytest.mark.parametrize("keep", [surgery.keep_heads, surgery.keep_columns])
@pytest.mark.parametrize("kept", [[[0, 1]], [[0], [0, 1]], [[], []], [[0, 0], [0, 1]]])
def test_layers_that_would_differ_are_refused(keep: Any, kept: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="2 layers must keep as many parts each, at least one"):
        keep(copy.deepcopy(model_of("bert")), kept)


def narrowed(folder: Path) -> checkpoint.Checkpoint:
    """A checkpoint with three of four heads, and fewer columns."""
    teacher = checkpoint.load(str(folder))
    surgery.keep_heads(teacher.model, [[0, 1, 3], [1, 2, 3]])
    surgery.keep_columns(teacher.model, [range(0, COLUMNS, 3)] * LAYERS)
    return teacher


def saved(made: checkpoint.Checkpoint, folder: Path) -> None:
    made.model.save_pretrained(folder)
    made.tokenizer.save(str(folder / "tokenizer.json"))


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_a_checkpoint_with_fewer_heads_is_saved_and_loaded(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, model_type: str
) -> None:
    narrow = narrowed(tiny_teacher(model_type)).with_layers([1])
    saved(narrow, tmp_path)
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (stated.get("num_attention_heads") or stated["n_heads"], stated["head_dim"]) == (3, SIZE)
    again = checkpoint.load(str(tmp_path))
    assert torch.equal(logits(again.model), logits(narrow.model))
    surgery.keep_heads(again.model, [[0, 2]])
    assert again.config.num_attention_heads == 2


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_a_graph_with_fewer_parts_answers_as_the_model(tiny_teacher: Callable[[str], Path], model_type: str) -> None:
    narrow = narrowed(tiny_teacher(model_type))
    session = onnxruntime.InferenceSession(export.export(narrow).SerializeToString())
    (answer,) = session.run(["logits"], {"input_ids": IDS.numpy(), "attention_mask": MASK.numpy()})
    torch.testing.assert_close(torch.tensor(answer), logits(narrow.model), atol=1e-4, rtol=1e-4)


def test_a_configuration_that_misstates_its_heads_is_refused(
    tiny_teacher: Callable[[str], Path], tmp_path: Path
) -> None:
    narrow = narrowed(tiny_teacher("bert"))
    narrow.config.num_attention_heads = 2
    saved(narrow, tmp_path)
    with pytest.raises(ArtifactError, match="could not be loaded"):
        checkpoint.load(str(tmp_path))
