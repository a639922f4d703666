"""Dynamic post-training quantisation in ONNX Runtime."""

import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..recipe import Kind, Step, World

if TYPE_CHECKING:
    import onnx

LEVELS = 127


@dataclass(frozen=True)
class Int8(Step):
    """Weights to signed 8 bits per output channel, activations to 8 bits as they come, in ONNX Runtime.

    A weight w becomes round(w / s) with s = max|w| / 127 over its channel, or over its row in a look-up of embeddings.
    CPUs without VNNI add two 8-bit products in 16 bits; there the weights use 7 bits, so that the sum cannot saturate.

    Activations have one range a tensor. A single word-piece with huge values, as most encoders have in the inputs of
    `output.dense`, then leaves few steps to all others: where that costs entities, the guard has each piece's
    activations divided by their largest first, and leaves matrices in fp32 where that does not do (guard.py).
    """

    name, kind, title, engine = "int8", Kind.PRECISION, "8 bits, dynamic", "onnxruntime"
    summary = "Weights in 8 bits, activations quantised on the fly: about a quarter of the size, best for single texts."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "int8"
    quantises = True

    def apply(self, model: "onnx.ModelProto", world: World) -> "onnx.ModelProto":
        """Quantise the graph's matrix products and look-ups."""
        return self.rounding(model, world)(())

    def rounding(self, model: "onnx.ModelProto", world: World) -> Callable[[Collection[str]], "onnx.ModelProto"]:
        """Quantise everything once, and put the nodes that shall stay as they are in again."""
        world.report(0.0, "quantising to 8 bits")
        rounded = _quantised(_with_short_rows(model), full_range=world.full_range)
        return lambda kept: _put_back(rounded, model, kept)


def _quantised(graph: "onnx.ModelProto", *, full_range: bool) -> "onnx.ModelProto":
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_dynamic(
            graph,
            path,
            op_types_to_quantize=["MatMul", "LSTM"],
            per_channel=True,
            reduce_range=not full_range,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


def _put_back(rounded: "onnx.ModelProto", model: "onnx.ModelProto", kept: Collection[str]) -> "onnx.ModelProto":
    """A copy of the rounded graph in which the named nodes of the exact one give their outputs, as they did there."""
    import onnx

    exact = {node.output[0]: node for node in model.graph.node if node.name in kept}
    made = onnx.ModelProto()
    made.CopyFrom(rounded)
    wanted = {name for node in exact.values() for name in node.input} - {t.name for t in rounded.graph.initializer}
    made.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in wanted)
    _rebuild(made.graph, [exact.get(node.output[0], node) for node in rounded.graph.node])
    return made


def _rebuild(graph: "onnx.GraphProto", nodes: Sequence["onnx.NodeProto"]) -> None:
    """Give a graph these nodes, without those that nothing needs, and without constants that nothing uses."""
    needed, used = {output.name for output in graph.output}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            used.append(node)
    graph.ClearField("node")
    graph.node.extend(reversed(used))
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in needed:
            del graph.initializer[index]


def _with_short_rows(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy whose look-ups read 8-bit rows, each with a scale of its own.

    ONNX Runtime's quantiser has one scale for the whole table, which the largest of 100 million weights decides.
    """
    import onnx
    from onnx.numpy_helper import to_array

    from ..matrices import matrices

    tables = {tensor.name: tensor for tensor in graph.graph.initializer}
    lookups = {matrix.node: to_array(tables[matrix.weights]) for matrix in matrices(graph) if matrix.lookup}
    made = onnx.ModelProto()
    made.CopyFrom(graph)
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        nodes += _look_up(node, lookups[node.name], made.graph) if node.name in lookups else [node]
    _rebuild(made.graph, nodes)
    return made


def _look_up(node: "onnx.NodeProto", rows: np.ndarray, graph: "onnx.GraphProto") -> list["onnx.NodeProto"]:
    """Nodes that do as `node` with 8-bit rows, whose constants are added to the graph."""
    from onnx import TensorProto
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array

    name, numbers = node.name, node.input[1]
    steps = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / LEVELS, np.finfo(np.float32).tiny)
    graph.initializer.append(from_array(np.round(rows / steps).astype(np.int8), f"{name}/codes"))
    graph.initializer.append(from_array(steps, f"{name}/steps"))
    return [
        make_node("Gather", [f"{name}/codes", numbers], [f"{name}/row"], f"{name}/row"),
        make_node("Cast", [f"{name}/row"], [f"{name}/float"], f"{name}/float", to=TensorProto.FLOAT),
        make_node("Gather", [f"{name}/steps", numbers], [f"{name}/step"], f"{name}/step"),
        make_node("Mul", [f"{name}/float", f"{name}/step"], [node.output[0]], name),
    ]
