"""What tagging asks of a graph is added after the quantisers, and they never meet it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import openvino
import pytest
from builds import Made

from mma_core.answers import answering

pytest_plugins = ("engine_fixtures",)


def after(name: str, nodes: list[onnx.NodeProto]) -> list[str]:
    """The kinds of nodes that what is named goes into, directly and through others."""
    users = [node for node in nodes if name in node.input]
    return [node.op_type for node in users] + [kind for node in users for kind in after(node.output[0], nodes)]


@pytest.mark.parametrize("recipe", ["onnx", "int8"])
def test_an_onnx_graph_answers_from_its_logits(made: Made, recipe: str) -> None:
    graph = onnx.load(made("bert", recipe).model).graph
    assert [output.name for output in graph.output] == ["logits", "tags", "scores"]
    assert sorted(after("logits", list(graph.node))) == ["ArgMax", "ReduceMax", "Softmax"]
    shapes = [[dim.dim_param for dim in output.type.tensor_type.shape.dim][:2] for output in graph.output]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize("recipe", ["int8static", "int8static+vocab:de,en"])
def test_an_openvino_graph_answers_from_its_logits(made: Made, recipe: str) -> None:
    model = openvino.Core().read_model(made("bert", recipe).model)
    assert [output.get_any_name() for output in model.outputs] == ["logits", "tags", "scores"]
    todo = [model.output("logits").get_node().input_value(0)]
    kinds = set()
    while todo:
        users = [port.get_node() for port in todo.pop().get_target_inputs()]
        kinds |= {user.get_type_name() for user in users}
        todo += [output for user in users for output in user.outputs()]
    assert kinds == {"Result", "TopK", "Squeeze", "Softmax", "ReduceMax"}


def graphs(made: Made) -> dict[str, tuple[Any, Callable[[Any], bytes]]]:
    """A graph of each engine without answers, and its bytes."""
    plain = onnx.load(made("bert").model)
    del plain.graph.node[-3:], plain.graph.output[-2:], plain.graph.initializer[-1:]
    return {
        "onnxruntime": (plain, lambda graph: graph.SerializeToString()),
        "openvino": (openvino.convert_model(made("bert").model), lambda model: str(model).encode()),
    }


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_graph_given_stays_as_it_was(made: Made, engine: str) -> None:
    graph, content = graphs(made)[engine]
    before = content(graph)
    with pytest.raises(RuntimeError, match="stop"), answering(graph, engine):
        raise RuntimeError("stop")
    assert content(graph) == before


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_answers_are_added_once(made: Made, engine: str, tmp_path: Path) -> None:
    if engine == "openvino":
        whole = openvino.convert_model(made("bert").model)
        with answering(whole, engine) as graph:
            openvino.save_model(graph, tmp_path / "model.xml")
        assert len(openvino.Core().read_model(tmp_path / "model.xml").outputs) == 3
        return
    whole = onnx.load(made("bert").model)
    with answering(whole, engine) as graph:
        assert [output.name for output in graph.graph.output] == ["logits", "tags", "scores"]
