"""The two recipes without a technique: the teacher as it is, and exported."""

from dataclasses import dataclass

from ..recipe import Kind, Step

MMA = ("MMA (Sukhanovskii & Ryndin 2024)", "https://www.mathnet.ru/eng/znsl7552")


@dataclass(frozen=True)
class Teacher(Step):
    """The teacher itself in PyTorch fp32 through `transformers.pipeline`: the baseline of every comparison."""

    name, kind, title, paper = "teacher", Kind.BASE, "Teacher", MMA
    summary = "The uncompressed model in PyTorch, as most people run it: the baseline."
    example = "teacher"


@dataclass(frozen=True)
class Onnx(Step):
    """The teacher exported to ONNX and run by ONNX Runtime, nothing removed: what a faster engine alone gives."""

    name, kind, title, paper = "onnx", Kind.BASE, "Export only", MMA
    summary = "The same weights in a faster engine; nothing is removed."
    example = "onnx"
