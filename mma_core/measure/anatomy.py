"""Where an artifact's bytes lie, and how much its matrices have to multiply: read from its graph."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from ..artifact import Artifact

if TYPE_CHECKING:
    import onnx
    import openvino

# Of constants alone these make a constant again: weights that are stored in 8 or 16 bits pass through them.
_UNPACKING = {"Constant", "Convert", "FakeQuantize", "Multiply", "Reshape", "Subtract", "Transpose"}
# Which inputs of a node are matrices that it multiplies each row by, if they are constant.
_ONNX_MATRICES = {"MatMul": (1,), "MatMulInteger": (1,), "LSTM": (1, 2), "DynamicQuantizeLSTM": (1, 2)}
_OPENVINO_MATRICES = {"MatMul": (1,), "LSTMSequence": (4, 5)}


@dataclass(frozen=True)
class Use:
    """A node of a graph with the constants that it is the first to use.

    Attributes:
        bytes: their size as stored.
        weights: how many weights it multiplies each row by; 0 unless it multiplies by a constant matrix.
    """

    bytes: int
    weights: int


@dataclass(frozen=True)
class Anatomy:
    """Bytes of an artifact's parts, which add up to the folder's, and the weights that each word-piece meets.

    Attributes:
        embeddings: all before the first product with a constant matrix.
        layers: from that product up to the last one.
        head: the last one, and what follows.
        tokenizer: `tokenizer.json`.
        rest: the graph's description and the other files.
        weights: multiplied by for each piece.
    """

    embeddings: int
    layers: int
    head: int
    tokenizer: int
    rest: int
    weights: int


def anatomy(artifact: Artifact) -> Anatomy:
    """Take an artifact apart."""
    uses = list(_openvino_uses(artifact) if artifact.manifest["engine"] == "openvino" else _onnx_uses(artifact))
    products = [index for index, use in enumerate(uses) if use.weights] or [len(uses)]
    first, last = products[0], products[-1]
    embeddings, layers, head = (sum(u.bytes for u in part) for part in (uses[:first], uses[first:last], uses[last:]))
    tokenizer = (artifact.folder / "tokenizer.json").stat().st_size
    return Anatomy(
        embeddings=embeddings,
        layers=layers,
        head=head,
        tokenizer=tokenizer,
        rest=artifact.size_bytes - embeddings - layers - head - tokenizer,
        weights=sum(use.weights for use in uses),
    )


def _onnx_uses(artifact: Artifact) -> Iterator[Use]:
    import onnx

    graph = onnx.load(artifact.model).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    sizes = {tensor.name: _bytes(tensor) for tensor in graph.initializer}
    for node in graph.node:
        names = [node.input[place] for place in _ONNX_MATRICES.get(node.op_type, ())]
        weights = sum(prod(shapes[name]) for name in names if name in shapes)
        yield Use(sum(sizes.pop(name, 0) for name in node.input), weights)


def _bytes(tensor: "onnx.TensorProto") -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    return prod(tensor.dims) * tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def _openvino_uses(artifact: Artifact) -> Iterator[Use]:
    import openvino

    nodes = openvino.Core().read_model(artifact.model).get_ordered_ops()
    constant = _constant(nodes)
    users: dict[str, int] = {}
    bytes_of: dict[int, int] = {}
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        # A constant counts for the first node that computes with it, not for what unpacks it.
        user = users.get(node.get_name(), index) if node.get_name() in constant else index
        for value in node.input_values():
            name = value.get_node().get_name()
            users[name] = min(user, users.get(name, user))
        if node.get_type_name() == "Constant":
            bytes_of[user] = bytes_of.get(user, 0) + node.get_byte_size()
    for index, node in enumerate(nodes):
        yield Use(bytes_of.get(index, 0), _weights(node, constant))


def _constant(nodes: Iterable["openvino.Node"]) -> set[str]:
    """Names of nodes whose value no input changes."""
    found: set[str] = set()
    for node in nodes:
        if node.get_type_name() in _UNPACKING and all(v.get_node().get_name() in found for v in node.input_values()):
            found.add(node.get_name())
    return found


def _weights(node: Any, constant: set[str]) -> int:
    values = [node.input_value(place) for place in _OPENVINO_MATRICES.get(node.get_type_name(), ())]
    return sum(prod(value.get_shape()) for value in values if value.get_node().get_name() in constant)
