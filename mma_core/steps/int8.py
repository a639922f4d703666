"""Dynamic post-training quantisation in ONNX Runtime."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..recipe import Kind, Step, World

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Int8(Step):
    """Weights to signed 8 bits per output channel, activations to 8 bits as they come, in ONNX Runtime.

    A weight w becomes round(w / s) with s = max|w| / 127 over its channel. CPUs without VNNI add two 8-bit products
    in 16 bits; there the weights use 7 bits, so that the sum cannot saturate.
    """

    name, kind, title, engine = "int8", Kind.PRECISION, "8 bits, dynamic", "onnxruntime"
    summary = "Weights in 8 bits, activations quantised on the fly: about a quarter of the size, best for single texts."
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "int8"

    def apply(self, model: "onnx.ModelProto", world: World) -> "onnx.ModelProto":
        """Quantise the graph's matrix products and look-ups."""
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        from ..engines import has_vnni

        world.report(0.0, "quantising to 8 bits")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            quantize_dynamic(model, path, per_channel=True, reduce_range=not has_vnni(), weight_type=QuantType.QInt8)
            return onnx.load(path)
