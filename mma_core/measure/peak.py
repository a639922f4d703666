"""The most operations a second that this processor's matrix units reach in an engine: one large product, repeated."""

import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

ROWS, INPUTS, OUTPUTS = 1024, 2048, 2048
REPEATS = 5


@lru_cache
def peaks(engine: str, threads: int) -> dict[str, float | None]:
    """10^9 operations a second of a product of 1024 × 2048 by 2048 × 2048, a multiplication and an addition being two.

    Args:
        engine: `onnxruntime` or `openvino`.
        threads: processor threads to use.

    Returns:
        By precision `fp32`, `bf16` and `int8`; None where the processor or the engine has no such arithmetic.
    """
    from ..engines import has_bf16

    if engine == "openvino":
        exact, rounded = _openvino_product(rounded=False), _openvino_product(rounded=True)
        return {
            "fp32": _rate(_openvino(exact, threads, "f32")),
            "bf16": _rate(_openvino(exact, threads, "bf16")) if has_bf16() else None,
            "int8": _rate(_openvino(rounded, threads, "f32")),
        }
    return {
        "fp32": _rate(_onnxruntime("MatMul", threads)),
        "bf16": None,
        "int8": _rate(_onnxruntime("MatMulInteger", threads)),
    }


def _rate(run: Callable[[], Any]) -> float:
    run()
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return round(2 * ROWS * INPUTS * OUTPUTS / statistics.median(seconds) / 1e9, 1)


def _onnxruntime(kind: str, threads: int) -> Callable[[], Any]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    whole = kind == "MatMulInteger"
    weights = np.random.default_rng(0).integers(-63, 64, (INPUTS, OUTPUTS)).astype(np.int8 if whole else np.float32)
    taken, given = (TensorProto.UINT8, TensorProto.INT32) if whole else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [helper.make_node(kind, ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", taken, [ROWS, INPUTS])],
        [helper.make_tensor_value_info("y", given, [ROWS, OUTPUTS])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rows = np.ones((ROWS, INPUTS), dtype=np.uint8 if whole else np.float32)
    return lambda: session.run(None, {"x": rows})


def _openvino_product(*, rounded: bool) -> Any:
    from openvino import Model, Type, opset13

    weights = np.random.default_rng(0).integers(-63, 64, (INPUTS, OUTPUTS)).astype(np.float32)
    rows = opset13.parameter([ROWS, INPUTS], Type.f32)
    left, right = rows, opset13.constant(weights)
    if rounded:
        left = opset13.fake_quantize(left, *map(np.float32, (0, 255, 0, 255)), 256)
        right = opset13.fake_quantize(right, *map(np.float32, (-127, 127, -127, 127)), 255)
    return Model([opset13.matmul(left, right, False, False)], [rows], "product")


def _openvino(model: Any, threads: int, precision: str) -> Callable[[], Any]:
    import openvino

    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    rows = np.ones((ROWS, INPUTS), dtype=np.float32)
    return lambda: request.infer([rows], share_inputs=True, share_outputs=True)
