"""What a precision takes care of comes out better, or as it was."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import test_matrices
from builds import Made, quiet

from mma_core.matrices import by_piece, matrices
from mma_core.recipe import World, parse

pytest_plugins = ("engine_fixtures",)

IDS = np.arange(5, 29, dtype=np.int64).reshape(2, 12)
INPUTS = {"input_ids": IDS, "attention_mask": np.ones_like(IDS)}


@pytest.fixture(scope="module")
def graph(made: Made) -> onnx.ModelProto:
    """A tiny teacher, exported."""
    return onnx.load(made("bert").model)


@pytest.fixture(scope="module")
def world() -> World:
    """Text that is piece ids already."""
    texts = {"de": [tuple(map(str, row)) for row in IDS]}
    return World(
        teacher=None,
        texts=texts,
        words=lambda _: {},
        encode=lambda words: [int(word) for word in words],
        seed=13,
        threads=1,
        full_range=True,
        report=quiet,
        languages=(),
        labelled=dict,
        unlabelled=lambda codes, count: texts,
        budget="quick",
        work=Path(),
        shared=Path(),
    )


def int8(graph: onnx.ModelProto, world: World, kept: Collection[str]) -> Any:
    return parse("int8").steps[0].rounding(graph, world)(kept)


def logits(graph: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["logits"], INPUTS)[0]


def difference(graph: onnx.ModelProto, other: onnx.ModelProto) -> float:
    return float(np.abs(logits(graph) - logits(other)).max())


def changed(graph: onnx.ModelProto, name: str, change: Any) -> onnx.ModelProto:
    """A copy with another value of a constant."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    tensor = next(t for t in copy.graph.initializer if t.name == name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(tensor).copy()), name))
    return copy


def test_int8_that_leaves_all_unrounded_is_exact(graph: onnx.ModelProto, world: World) -> None:
    everything = [matrix.node for matrix in matrices(graph)]
    made = int8(graph, world, everything)
    assert difference(made, graph) < 1e-5
    assert difference(int8(graph, world, []), graph) > 1e-4
    assert {tensor.name for tensor in made.graph.initializer} == {tensor.name for tensor in graph.graph.initializer}


def test_int8_rounds_what_is_not_taken_care_of(graph: onnx.ModelProto, world: World) -> None:
    found = matrices(graph)
    products = [matrix for matrix in found if not matrix.lookup]
    lookups = {matrix.weights for matrix in found if matrix.lookup}
    made = int8(graph, world, [products[0].node])
    assert [node.op_type for node in made.graph.node].count("MatMulInteger") == len(products) - 1
    constants = {tensor.name for tensor in made.graph.initializer}
    assert products[0].weights in constants
    assert lookups
    assert not constants & lookups


def test_rounding_by_piece_saves_all_pieces_but_the_huge_one(world: World) -> None:
    rng = np.random.default_rng(3)
    table, weights = (rng.normal(size=shape).astype(np.float32) for shape in ((30, 16), (16, 7)))
    table[IDS[0, 0]] *= 1000
    toy = test_matrices.graph(table, weights)
    exact = logits(toy)
    errors = {}
    for name, model in (("tensor", toy), ("piece", by_piece(toy, {"t0"}))):
        error = np.linalg.norm(logits(int8(model, world, [])) - exact, axis=2) / np.linalg.norm(exact, axis=2)
        errors[name] = np.median(error)
    assert errors["piece"] < 0.03
    assert errors["tensor"] > 0.5


def test_look_ups_have_a_scale_for_each_row(graph: onnx.ModelProto, world: World) -> None:
    def spoil(table: np.ndarray) -> np.ndarray:
        table[-1] = 1e6  # a piece that no text here has
        return table

    spoilt = changed(graph, "model.bert.embeddings.word_embeddings.weight", spoil)
    products = [matrix.node for matrix in matrices(spoilt) if not matrix.lookup]
    assert difference(int8(spoilt, world, products), spoilt) < 0.2


@pytest.mark.parametrize("rewritten", [False, True])
def test_int8static_goes_round_the_rounding_of_what_it_keeps(
    graph: onnx.ModelProto, world: World, *, rewritten: bool
) -> None:
    import openvino

    if rewritten:
        graph = by_piece(graph, {matrix.activations for matrix in matrices(graph) if not matrix.lookup})

    make = parse("int8static").steps[0].rounding(graph, world)
    found = matrices(graph)
    differences = {}
    for count in (0, len(found)):
        model = make([matrix.node for matrix in found[:count]])
        answer = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(INPUTS)["logits"]
        differences[count] = np.abs(answer - logits(graph)).max()
        constants = [node for node in model.get_ops() if node.get_type_name() == "Constant"]
        short = [node for node in constants if node.get_element_type().get_type_name() == "i8"]
        assert len(short) == len(found) - count
    assert differences[len(found)] < 1e-4 < differences[0]


def source(port: Any) -> str:
    """What gives an input, but for what only turns a tensor about."""
    node = port.get_source_output().get_node()
    turns = {"Reshape", "Transpose"}
    return source(node.input(0)) if node.get_type_name() in turns else node.get_type_name()


def test_int8static_leaves_the_products_of_two_activations_alone(graph: onnx.ModelProto, world: World) -> None:
    rounded = parse("int8static").steps[0].apply(graph, world)
    products = [node for node in rounded.get_ops() if node.get_type_name() == "MatMul"]
    both = [node for node in products if node.get_input_partial_shape(1).is_dynamic]
    assert len(both) == 2 * 2, "queries with keys and shares with values, in two layers"
    assert "FakeQuantize" not in {source(port) for node in both for port in node.inputs()}
    assert len(products) - len(both) == sum(not matrix.lookup for matrix in matrices(graph))


CONVERSION = """
import sys
import onnx
from mma_core.steps.openvino_precisions import convert
import nncf
convert(onnx.load(sys.argv[1]))
"""


def test_a_conversion_is_reported_to_nobody(made: Made, tmp_path: Path) -> None:
    # Whoever is reported on is first given a number, in a file at home.
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}  # nothing that says that this is a test
    subprocess.run([sys.executable, "-c", CONVERSION, str(made("bert").model)], check=True, env=home)
    assert not list(tmp_path.iterdir())
