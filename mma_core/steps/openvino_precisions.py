"""The precisions that run in OpenVINO: calibrated 8 bits, and bf16."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RecipeError
from ..recipe import Kind, Step, World

if TYPE_CHECKING:
    import onnx
    import openvino

CALIBRATION_SENTENCES = 300


def convert(graph: "onnx.ModelProto") -> "openvino.Model":
    """An ONNX graph as an OpenVINO model."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(graph.SerializeToString())
        return openvino.convert_model(path)


@dataclass(frozen=True)
class Int8Static(Step):
    """Weights and activations in 8 bits, activation ranges calibrated on unlabelled text, by NNCF for OpenVINO.

    NNCF's transformer preset: symmetric for weights, asymmetric for activations, ranges from 300 sentences drawn
    evenly from the languages' unlabelled text, fast bias correction. Without VNNI the weights use half their range.
    Recurrent layers stay as they are: on CPUs OpenVINO computes them in 32 bits whatever they are stored in. So do the
    products of activations with each other, in attention: in 8 bits they were no faster and cost the built-in teacher
    over a third of the error.
    """

    name, kind, title, engine = "int8static", Kind.PRECISION, "8 bits, calibrated", "openvino"
    summary = (
        "Weights and activations in 8 bits, ranges measured on unlabelled text: fastest in bulk on CPUs with VNNI."
    )
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "int8static"
    quantises = True
    revision = 1

    def apply(self, model: "onnx.ModelProto", world: World) -> "openvino.Model":
        """Calibrate and quantise.

        Raises:
            RecipeError: there is no text to calibrate on.
        """
        return self.rounding(model, world)(())

    def rounding(self, model: "onnx.ModelProto", world: World) -> Callable[[Collection[str]], "openvino.Model"]:
        """Calibrate once, and quantise all but the nodes that shall stay as they are.

        Raises:
            RecipeError: there is no text to calibrate on.
        """
        import nncf
        from nncf.openvino.quantization.backend_parameters import BackendParameters
        from openvino._offline_transformations import compress_quantize_weights_transformation

        inputs = list(calibration_inputs(world))
        if not inputs:
            raise RecipeError(f"step {self}: no unlabelled text to calibrate on; pass --data or other --languages")
        world.report(0.0, f"calibrating on {len(inputs)} sentences")
        fix = nncf.OverflowFix.DISABLE if world.full_range else nncf.OverflowFix.ENABLE
        plain = convert(model)
        biases = _biases(plain)
        rounded = nncf.quantize(
            plain,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(inputs),
            ignored_scope=nncf.IgnoredScope(names=_attention(plain), types=["LSTMSequence"], validate=False),
            # Weights stay as they are behind their rounding, so that a matrix is kept by going round it.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=fix, backend_params={BackendParameters.COMPRESS_WEIGHTS: False}
            ),
        )

        def without(kept: Collection[str]) -> "openvino.Model":
            made = rounded.clone()
            _keep(made, _names(model, kept), biases)
            compress_quantize_weights_transformation(made)
            return made

        return without


def _attention(model: "openvino.Model") -> list[str]:
    """The products of two activations: both sides of them have as many rows as a text has pieces."""
    products = [node for node in model.get_ops() if node.get_type_name() == "MatMul"]
    return [node.get_friendly_name() for node in products if node.get_input_partial_shape(1).is_dynamic]


def _names(graph: "onnx.ModelProto", nodes: Collection[str]) -> set[str]:
    """Names that the outputs of some nodes may have in OpenVINO, which drops a bias of zeros and takes its name."""
    outputs = {node.output[0] for node in graph.graph.node if node.name in nodes}
    added = {n.output[0] for n in graph.graph.node if n.op_type == "Add" and outputs & set(n.input)}
    return outputs | added


def _biases(model: "openvino.Model") -> dict[str, np.ndarray]:
    """The constants that `Add` nodes add, by the node's name."""
    return {
        node.get_friendly_name(): node.input_value(port).get_node().data
        for node in model.get_ops()
        if node.get_type_name() == "Add"
        for port in (0, 1)
        if node.input_value(port).get_node().get_type_name() == "Constant"
    }


def _keep(model: "openvino.Model", outputs: set[str], biases: Mapping[str, np.ndarray]) -> None:
    """Undo the rounding of inputs of the nodes that give `outputs`, and the correction of their bias."""
    for node in model.get_ops():
        if node.get_type_name() in {"MatMul", "Gather"} and node.output(0).get_names() & outputs:
            for port in node.inputs():
                _go_round(port)
            _restore_biases(node, biases)


def _restore_biases(node: "openvino.Node", biases: Mapping[str, np.ndarray]) -> None:
    for port in node.output(0).get_target_inputs():
        user = port.get_node()
        if user.get_friendly_name() in biases or user.get_type_name() == "Multiply":
            _restore_bias(user, biases)
            _restore_biases(user, biases)


def _go_round(port: "openvino.Input") -> None:
    # Rounding may stand before what only turns a tensor about.
    source = port.get_source_output().get_node()
    while source.get_type_name() in {"Reshape", "Transpose", "Convert"}:
        port = source.input(0)
        source = port.get_source_output().get_node()
    if source.get_type_name() == "FakeQuantize":
        port.replace_source_output(source.input_value(0))


def _restore_bias(node: "openvino.Node", biases: Mapping[str, np.ndarray]) -> None:
    from openvino import opset13

    for port in node.inputs():
        source = port.get_source_output().get_node()
        if node.get_friendly_name() in biases and source.get_type_name() == "Constant":
            port.replace_source_output(opset13.constant(biases[node.get_friendly_name()]).output(0))


def calibration_inputs(world: World) -> Iterator[dict[str, np.ndarray]]:
    """One model input a sentence, the languages taking turns."""
    columns = [list(texts) for _, texts in sorted(world.texts.items())]
    turns = [column[i] for i in range(max(map(len, columns), default=0)) for column in columns if i < len(column)]
    for words in turns[:CALIBRATION_SENTENCES]:
        ids = np.array([world.encode(words)], dtype=np.int64)
        yield {"input_ids": ids, "attention_mask": np.ones_like(ids)}


@dataclass(frozen=True)
class Bf16(Step):
    """Products in bf16 (8 bits of exponent, 7 of fraction) where the CPU has them in hardware.

    The exponent is that of 32 bits, so no ranges are measured. On disk the weights are in fp16, in half the bytes.
    """

    name, kind, title, engine = "bf16", Kind.PRECISION, "16 bits", "openvino"
    summary = "Half the bits with nearly no loss; only on CPUs that have bf16 arithmetic."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "bf16"

    def check(self) -> None:
        """Refuse CPUs that would only emulate it.

        Raises:
            RecipeError: no bf16 hardware.
        """
        from ..engines import has_bf16

        if not has_bf16():
            raise RecipeError(
                "step bf16: this CPU has no bf16 arithmetic (AVX512-BF16 or AMX); choose int8 or int8static"
            )

    def apply(self, model: "onnx.ModelProto", world: World) -> "openvino.Model":
        """Convert; the engine is told the precision when the artifact is opened."""
        world.report(0.0, "converting to OpenVINO")
        return convert(model)
