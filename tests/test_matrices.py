"""What rounding costs a matrix where it stands."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mma_core.matrices import Cost, Matrix, by_piece, matrices
from mma_core.matrices import costs as costs_of

WIDTH, PIECES = 16, 50
RNG = np.random.default_rng(3)
IDS = RNG.integers(0, PIECES, size=(4, 8))


def graph(table: np.ndarray, *weights: np.ndarray) -> onnx.ModelProto:
    """A look-up, then one product after the other, the last one named in the exporter's way."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["t0"], "look")]
    nodes += [helper.make_node("MatMul", [f"t{i}", f"w{i}"], [f"t{i + 1}"], f"product{i}") for i in range(len(weights))]
    scopes = helper.make_node("Identity", [f"t{len(weights)}"], ["logits"], "end")
    entry = nodes[-1].metadata_props.add()
    entry.key, entry.value = "pkg.torch.onnx.name_scopes", "['', 'model', 'model.head', 'linear']"
    constants = [numpy_helper.from_array(table, "table")]
    constants += [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(weights)]
    ids, mask = (
        helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("input_ids", "attention_mask")
    )
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)
    return helper.make_model(
        helper.make_graph([*nodes, scopes], "g", [ids, mask], [logits], constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def costs(model: onnx.ModelProto, mask: np.ndarray | None = None, levels: int = 127) -> dict[str, Cost]:
    whole = np.ones_like(IDS) if mask is None else mask
    return costs_of(model, matrices(model), ids=IDS, mask=whole, levels=levels)


def test_matrices_are_listed_in_order() -> None:
    table, first, second = normal(PIECES, WIDTH), normal(WIDTH, WIDTH), normal(WIDTH, 7)
    assert matrices(graph(table, first, second)) == [
        Matrix("look", "t0", "input_ids", "table", True, "look"),
        Matrix("product0", "t1", "t0", "w0", False, "product0"),
        Matrix("product1", "t2", "t1", "w1", False, "head"),
    ]


def test_tame_matrices_cost_little_and_seven_bits_more_than_eight() -> None:
    model = graph(normal(PIECES, WIDTH), normal(WIDTH, WIDTH), normal(WIDTH, 7))
    eight, seven = costs(model), costs(model, levels=63)
    assert all(0 < cost.by_piece < 0.03 and 0 < cost.by_tensor < 0.03 for cost in eight.values())
    assert seven["look"] == eight["look"]
    assert seven["product0"].by_tensor > eight["product0"].by_tensor


def test_one_weight_that_spoils_its_channels_is_seen() -> None:
    table, first, second = normal(PIECES, WIDTH), normal(WIDTH, WIDTH), normal(WIDTH, 7)
    table[:, 0], first[0] = 0, 1000
    found = costs(graph(table, first, second))
    assert min(found["product0"].by_tensor, found["product0"].by_piece) > 0.9
    assert max(found["look"].by_tensor, found["product1"].by_tensor) < 0.03


@pytest.mark.parametrize("masked", [False, True])
def test_one_huge_piece_is_not_hidden_by_its_size(*, masked: bool) -> None:
    table = normal(PIECES, WIDTH)
    table[IDS[0, 0]] *= 1000
    huge = np.equal(IDS, IDS[0, 0])
    mask = np.where(masked & huge, 0, 1)
    cost = costs(graph(table, normal(WIDTH, WIDTH)), mask)["product0"]
    assert cost.by_piece < 0.03
    assert cost.by_tensor < 0.03 if masked else cost.by_tensor > 0.5


def test_the_graph_is_left_alone() -> None:
    model = graph(normal(PIECES, WIDTH), normal(WIDTH, WIDTH))
    before = model.SerializeToString()
    costs(model)
    assert model.SerializeToString() == before


def test_a_row_of_zeros_costs_nothing() -> None:
    table = np.zeros((PIECES, WIDTH), dtype=np.float32)
    assert set(costs(graph(table, normal(WIDTH, WIDTH))).values()) == {Cost(0.0, 0.0)}


def answer(model: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"input_ids": IDS, "attention_mask": np.ones_like(IDS)})[0]


def test_dividing_by_piece_changes_no_result() -> None:
    table = normal(PIECES, WIDTH)
    table[IDS[0, 0]], table[IDS[1, 1]] = 0, 1e6
    model = graph(table, normal(WIDTH, WIDTH), normal(WIDTH, 7))
    made = by_piece(model, {"t0"})
    assert np.allclose(answer(made), answer(model), rtol=1e-4, atol=1e-4)
    assert [matrix.node for matrix in matrices(made)] == [matrix.node for matrix in matrices(model)]
    assert [matrix.activations for matrix in matrices(made)] == ["input_ids", "t0/unit", "t1"]


def test_products_with_the_same_activations_share_their_division() -> None:
    model = graph(normal(PIECES, WIDTH), normal(WIDTH, WIDTH), normal(WIDTH, 7))
    model.graph.node[2].input[0] = "t0"
    made = by_piece(model, {"t0"})
    assert [node.op_type for node in made.graph.node].count("ReduceMax") == 1
    assert np.allclose(answer(made), answer(model), rtol=1e-4, atol=1e-4)
