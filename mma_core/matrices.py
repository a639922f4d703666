"""The matrices of an exported graph, and what rounding each of them to 8 bits costs where it stands."""

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

_SCOPES = "pkg.torch.onnx.name_scopes"
_CODES = 255
_LEVELS = 127


@dataclass(frozen=True)
class Cost:
    """Relative errors of a matrix's results if it alone is rounded, with two kinds of range for its activations."""

    by_tensor: float
    by_piece: float


@dataclass(frozen=True)
class Matrix:
    """A constant matrix in an ONNX graph, and the node that uses it; or an LSTM's two, which are rounded together.

    Attributes:
        node: name of the `MatMul`, `Gather` or `LSTM` node.
        output: name of the tensor that the node gives.
        activations: name of the tensor that is multiplied by the matrix, or the row numbers of a look-up.
        weights: name of the constant, shape (inputs, outputs), or (rows, width) of a look-up, or (1, 4 states, inputs)
            of an LSTM.
        lookup: whether rows are looked up instead of multiplied.
        label: the module it came from, such as `encoder.layer.3.output.dense`.
        recurrent: name of an LSTM's constant for its states, shape (1, 4 states, states); empty for the others.
    """

    node: str
    output: str
    activations: str
    weights: str
    lookup: bool
    label: str
    recurrent: str = ""


def matrices(graph: "onnx.ModelProto") -> list[Matrix]:
    """The matrices that a precision may round, in the graph's order."""
    import onnx

    kind = onnx.TensorProto.FLOAT
    constants = {t.name for t in graph.graph.initializer if len(t.dims) == 2 and t.data_type == kind}
    found = []
    for node in graph.graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            found.append(Matrix(node.name, node.output[0], node.input[0], node.input[1], False, _label(node)))
        elif node.op_type == "Gather" and node.input[0] in constants:
            found.append(Matrix(node.name, node.output[0], node.input[1], node.input[0], True, _label(node)))
        elif node.op_type == "LSTM":
            inputs, weights, recurrent = node.input[:3]
            found.append(Matrix(node.name, node.output[0], inputs, weights, False, _label(node), recurrent))
    return found


def _label(node: "onnx.NodeProto") -> str:
    """The innermost module in the exporter's notes; the node's own name where there are none."""
    notes = {entry.key: entry.value for entry in node.metadata_props}
    scopes = ast.literal_eval(notes.get(_SCOPES, "[]"))
    return scopes[-2].removeprefix("model.") if len(scopes) > 1 and scopes[-2] else node.name


def costs(
    graph: "onnx.ModelProto", found: Sequence[Matrix], *, ids: np.ndarray, mask: np.ndarray, levels: int
) -> dict[str, Cost]:
    """What rounding to 8 bits costs each matrix, all others left as they are.

    For activations x (a row a word-piece) and weights W it is the mean over the pieces of |xW - Q(x)Q(W)| / |xW|, for
    a look-up the mean over the rows in use of |w - Q(w)| / |w|. Q rounds weights to `levels` steps on either side of
    zero by output channel, rows of a look-up to 127 by row, and activations to 256 steps between the least and the
    greatest of all; by piece it does so with x / max|x|. The errors are divided piece by piece, because one piece with
    huge activations would else hide what the range that it needs does to all the others. Of an LSTM it is the error of
    what its gates are given, from inputs and states; a range by piece cannot help it.

    Args:
        graph: the exported graph.
        found: some of its `matrices`.
        ids: word-pieces, shape (batch, sequence), int64.
        mask: 1 where there is a piece, same shape.
        levels: 127, or 63 where weights use 7 bits.

    Returns:
        The costs by node name.
    """
    from onnx.numpy_helper import to_array

    wanted = {name for matrix in found for name in (matrix.weights, matrix.recurrent)}
    weights = {tensor.name: tensor for tensor in graph.graph.initializer if tensor.name in wanted}
    names = [matrix.activations for matrix in found] + [matrix.output for matrix in found if matrix.recurrent]
    inputs = _tensors(graph, names, {"input_ids": ids, "attention_mask": mask})
    real = mask.reshape(-1) == 1
    priced = {}
    for matrix in found:
        array, rows = to_array(weights[matrix.weights]), inputs[matrix.activations]
        if matrix.lookup:
            priced[matrix.node] = _lookup_cost(array[np.unique(rows)])
        elif matrix.recurrent:
            given = [rows, inputs[matrix.output][:, 0]]  # (length, batch, width) each
            pairs = zip(given, [array[0].T, to_array(weights[matrix.recurrent])[0].T], strict=True)
            priced[matrix.node] = _gates_cost([(rows[mask.T == 1], matrix) for rows, matrix in pairs], levels)
        else:
            rows = rows.reshape(-1, rows.shape[-1])
            priced[matrix.node] = _product_cost(rows[real] if len(rows) == len(real) else rows, array, levels)
    return priced


def by_piece(graph: "onnx.ModelProto", activations: Collection[str]) -> "onnx.ModelProto":
    """The same function, its products with constant matrices computed as xW = r (x / r)W with r = max|x| by piece.

    A quantiser that gives x / r one range serves every word-piece as well as one with a range for each piece.

    Args:
        graph: the exported graph.
        activations: names of the tensors x.
    """
    import onnx
    from onnx.numpy_helper import from_array

    made = onnx.ModelProto()
    made.CopyFrom(graph)
    products = {m.node for m in matrices(graph) if m.activations in activations and not m.lookup and not m.recurrent}
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        nodes += _times_reach(node) if node.name in products else [node]
        nodes += [new for name in node.output if name in activations for new in _divided(name)]
    made.graph.ClearField("node")
    made.graph.node.extend(nodes)
    made.graph.initializer.append(from_array(np.array([-1], dtype=np.int64), "by_piece/axis"))
    made.graph.initializer.append(from_array(np.float32(np.finfo(np.float32).tiny), "by_piece/tiny"))
    return made


def _divided(name: str) -> list["onnx.NodeProto"]:
    """Nodes that give the largest of each piece's activations, its reach, and the activations divided by it.

    max|x| is the larger of max x and −min x: two passes that write nothing are faster than one that writes |x|.
    """
    from onnx.helper import make_node

    return [
        make_node("ReduceMax", [name, "by_piece/axis"], [f"{name}/most"], f"{name}/most", keepdims=1),
        make_node("ReduceMin", [name, "by_piece/axis"], [f"{name}/least"], f"{name}/least", keepdims=1),
        make_node("Neg", [f"{name}/least"], [f"{name}/depth"], f"{name}/depth"),
        make_node("Max", [f"{name}/most", f"{name}/depth", "by_piece/tiny"], [f"{name}/reach"], f"{name}/reach"),
        make_node("Div", [name, f"{name}/reach"], [f"{name}/unit"], f"{name}/unit"),
    ]


def _times_reach(node: "onnx.NodeProto") -> list["onnx.NodeProto"]:
    """The product of divided activations, and a node that multiplies it by their reach."""
    from onnx.helper import make_node

    name, given = node.output[0], node.input[0]
    product = type(node)()
    product.CopyFrom(node)
    product.input[0], product.output[0] = f"{given}/unit", f"{name}/unit"
    return [product, make_node("Mul", [f"{name}/unit", f"{given}/reach"], [name], f"{node.name}/by_piece")]


def _tensors(graph: "onnx.ModelProto", names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Values of tensors inside a graph."""
    import onnx
    import onnxruntime

    wanted = list(dict.fromkeys(name for name in names if name not in inputs))
    opened = onnx.ModelProto()
    opened.CopyFrom(graph)
    known = {output.name for output in graph.graph.output}
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in known)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return {**inputs, **dict(zip(wanted, session.run(wanted, dict(inputs)), strict=True))}


def _product_cost(rows: np.ndarray, weights: np.ndarray, levels: int) -> Cost:
    exact, rounded = rows @ weights, _rounded_weights(weights, levels, axis=0)
    reach = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return Cost(
        _mean_error(exact, _rounded_activations(rows) @ rounded),
        _mean_error(exact, _rounded_activations(rows / reach) * reach @ rounded),
    )


def _gates_cost(products: Sequence[tuple[np.ndarray, np.ndarray]], levels: int) -> Cost:
    exact = sum(rows @ weights for rows, weights in products)
    rounded = sum(_rounded_activations(rows) @ _rounded_weights(weights, levels, axis=0) for rows, weights in products)
    error = _mean_error(np.asarray(exact), np.asarray(rounded))
    return Cost(error, error)


def _lookup_cost(rows: np.ndarray) -> Cost:
    error = _mean_error(rows, _rounded_weights(rows, _LEVELS, axis=1))
    return Cost(error, error)


def _mean_error(exact: np.ndarray, rounded: np.ndarray) -> float:
    size = np.linalg.norm(exact, axis=1)
    return float(np.mean(np.linalg.norm(exact - rounded, axis=1) / np.where(size > 0, size, 1)))


def _rounded_activations(rows: np.ndarray) -> np.ndarray:
    low, high = min(float(rows.min()), 0.0), max(float(rows.max()), 0.0)
    step = (high - low) / _CODES or 1.0
    zero = round(-low / step)
    return (np.clip(np.round(rows / step) + zero, 0, _CODES) - zero) * np.float32(step)


def _rounded_weights(weights: np.ndarray, levels: int, axis: int) -> np.ndarray:
    step = np.abs(weights).max(axis=axis, keepdims=True) / levels
    step[step == 0] = 1
    return np.round(weights / step) * step
