"""The precisions that run in OpenVINO: calibrated 8 bits, and bf16."""

import tempfile
from collections.abc import Iterator
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
    """

    name, kind, title, engine = "int8static", Kind.PRECISION, "8 bits, calibrated", "openvino"
    summary = (
        "Weights and activations in 8 bits, ranges measured on unlabelled text: fastest in bulk on CPUs with VNNI."
    )
    paper = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")
    example = "int8static"

    def apply(self, model: "onnx.ModelProto", world: World) -> "openvino.Model":
        """Calibrate and quantise.

        Raises:
            RecipeError: there is no text to calibrate on.
        """
        import nncf

        from ..engines import has_vnni

        inputs = list(calibration_inputs(world))
        if not inputs:
            raise RecipeError(f"step {self}: no unlabelled text to calibrate on; pass --data or other --languages")
        world.report(0.0, f"calibrating on {len(inputs)} sentences")
        fix = nncf.OverflowFix.DISABLE if has_vnni() else nncf.OverflowFix.ENABLE
        return nncf.quantize(
            convert(model),
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(inputs),
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=fix),
        )


def calibration_inputs(world: World) -> Iterator[dict[str, np.ndarray]]:
    """One model input a sentence, the languages taking turns."""
    columns = [list(texts) for _, texts in sorted(world.texts.items())]
    turns = [column[i] for i in range(max(map(len, columns), default=0)) for column in columns if i < len(column)]
    for words in turns[:CALIBRATION_SENTENCES]:
        ids = np.array([world.encode(words)], dtype=np.int64)
        yield {"input_ids": ids, "attention_mask": np.ones_like(ids)}


@dataclass(frozen=True)
class Bf16(Step):
    """Products in bf16 (8 bits of exponent, 7 of fraction) where the CPU has them in hardware."""

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
