"""An artifact's bytes by part, and the weights that each piece meets."""

from dataclasses import asdict

import pytest
import tiny
from builds import Made

from mma_core.measure.anatomy import anatomy

pytest_plugins = ("engine_fixtures",)

WIDTH, INNER, LAYERS, TAGS = 32, 64, 2, 7
LAYER_WEIGHTS = 4 * WIDTH**2 + 2 * WIDTH * INNER
BYTES = {"onnx": 4, "int8": 1, "int8static": 1}


@pytest.mark.parametrize("recipe", BYTES)
def test_parts_are_what_the_model_consists_of(made: Made, recipe: str) -> None:
    artifact = made("bert", recipe)
    found = anatomy(artifact)
    assert sum(asdict(found).values()) - found.weights == artifact.size_bytes
    assert found.weights == LAYERS * LAYER_WEIGHTS + WIDTH * TAGS
    rows = artifact.config["vocab_size"] + tiny.POSITIONS
    size = BYTES[recipe]
    # Scales, biases and layer norms come on top, and weigh more in a small model than in a real one.
    assert size * rows * WIDTH <= found.embeddings < size * rows * WIDTH + 8 * rows + 2048
    assert size * LAYERS * LAYER_WEIGHTS <= found.layers < size * LAYERS * LAYER_WEIGHTS + 8192
    assert size * WIDTH * TAGS <= found.head < size * WIDTH * TAGS + 512
    assert found.tokenizer == (artifact.folder / "tokenizer.json").stat().st_size
    assert found.rest > 0


@pytest.mark.parametrize("recipe", ["", "+int8", "+int8static"])
def test_an_lstm_multiplies_by_its_weights(made: Made, recipe: str) -> None:
    embedding, states = 8, 12
    artifact = made("bert", f"xtreme:{embedding},{states}{recipe}")
    found = anatomy(artifact)
    lstms = 2 * 4 * states * (embedding + states)
    projection = 2 * states * WIDTH
    assert found.weights == lstms + projection + WIDTH * TAGS
    size = 4 if not recipe else 1
    rows = artifact.config["vocab_size"]
    assert size * rows * embedding <= found.embeddings < size * rows * embedding + 8 * rows + 1024
    assert size * (lstms + projection) <= found.layers < 4 * (lstms + projection) + 8192
    assert sum(asdict(found).values()) - found.weights == artifact.size_bytes


@pytest.mark.parametrize("model_type", tiny.MODEL_TYPES)
def test_every_kind_of_teacher_comes_apart(made: Made, model_type: str) -> None:
    found = anatomy(made(model_type))
    assert found.weights == LAYERS * LAYER_WEIGHTS + WIDTH * TAGS
    parameters = made(model_type).manifest["parameters"]
    assert 4 * parameters * 0.98 < found.embeddings + found.layers + found.head < 4 * parameters * 1.05 + 2048
