"""What tagging asks of a graph besides `logits`: each piece's likeliest tag, and how likely it is.

`tags` = argmax_k z_k, int64, and `scores` = max_k softmax(z)_k, fp32, both (batch, sequence), of the logits z. They are
added as a graph is written, after every step, so that no quantiser meets them, and only they come back from an engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

LOGITS, TAGS, SCORES = "logits", "tags", "scores"


@contextmanager
def answering(graph: Any, engine: str) -> Iterator[Any]:
    """The graph with both outputs, within the block; the graph given is then as it was before.

    Args:
        graph: an `onnx.ModelProto`, or an `openvino.Model` where the engine is openvino.
        engine: `onnxruntime` or `openvino`.
    """
    if engine == "openvino":
        yield _openvino(graph)
        return
    inner = graph.graph
    sizes = (len(inner.node), len(inner.initializer), len(inner.output))
    if TAGS not in {output.name for output in inner.output}:
        _extend(inner)
    try:
        yield graph
    finally:
        for part, size in zip((inner.node, inner.initializer, inner.output), sizes, strict=True):
            del part[size:]


def _extend(inner: Any) -> None:
    from onnx import TensorProto, helper, numpy_helper

    (logits,) = [output for output in inner.output if output.name == LOGITS]
    inner.initializer.append(numpy_helper.from_array(np.array([-1]), "answers/axis"))
    inner.node.extend(
        [
            helper.make_node("ArgMax", [LOGITS], [TAGS], name="answers/tags", axis=-1, keepdims=0),
            helper.make_node("Softmax", [LOGITS], ["answers/shares"], name="answers/shares", axis=-1),
            helper.make_node("ReduceMax", ["answers/shares", "answers/axis"], [SCORES], name=SCORES, keepdims=0),
        ]
    )
    for name, kind in ((TAGS, TensorProto.INT64), (SCORES, TensorProto.FLOAT)):
        output = helper.make_tensor_value_info(name, kind, None)
        output.type.tensor_type.shape.dim.extend(logits.type.tensor_type.shape.dim[:2])
        inner.output.append(output)


def _openvino(model: Any) -> Any:
    from openvino import opset13 as ops

    if any(TAGS in output.get_names() for output in model.outputs):
        return model
    answering = model.clone()
    logits = answering.output(LOGITS).get_node().input_value(0)
    best = ops.topk(logits, 1, axis=-1, mode="max", sort="none", index_element_type="i64")
    tags = ops.squeeze(best.output(1), np.array([-1]))
    scores = ops.reduce_max(ops.softmax(logits, axis=-1), np.array([-1]), keep_dims=False)
    for name, node in ((TAGS, tags), (SCORES, scores)):
        node.output(0).set_names({name})
    answering.add_outputs([tags.output(0), scores.output(0)])
    return answering
