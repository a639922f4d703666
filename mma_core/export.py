"""Checkpoint → ONNX graph: `input_ids`, `attention_mask` (batch, sequence) int64 → `logits` (batch, sequence, tags)."""

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

    from .checkpoint import Checkpoint

OPSET = 20


def export(checkpoint: "Checkpoint") -> "onnx.ModelProto":
    """Trace the model with eager attention and dynamic batch and length.

    Opset 20 and eager attention, because dynamic quantisation makes an invalid graph of opset-23 `Attention` nodes.
    """
    import onnx
    import torch

    model = checkpoint.model
    model.set_attn_implementation("eager")
    ids = torch.full((2, 9), int(model.config.pad_token_id or 0) + 1)
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        program = torch.onnx.export(
            _Logits(model),
            kwargs={"input_ids": ids, "attention_mask": torch.ones_like(ids)},
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            output_names=["logits"],
            verbose=False,
        )
        program.save(path, external_data=True)
        return onnx.load(path)


def _Logits(model: Any) -> Any:  # noqa: N802
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Logits()
