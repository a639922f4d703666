"""(ids, mask) → logits, in ONNX Runtime or OpenVINO, with explicit threads and bucketed lengths."""

import math
import os
import threading
from pathlib import Path
from typing import Protocol

import numpy as np

LENGTH_BUCKET = 8


class Engine(Protocol):
    """A loaded model: (ids, mask), both (batch, sequence) int64 → logits (batch, sequence, tags) fp32."""

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Run one batch."""
        ...


def available_threads() -> int:
    """Processors this process may use: the affinity mask, cut by the container's quota."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        limit, period = quota.read_text().split()
        if limit != "max":
            processors = min(processors, max(1, math.ceil(int(limit) / int(period))))
    return processors


def has_vnni() -> bool:
    """Whether 8-bit products are exact here; without VNNI two of them are added in 16 bits and can saturate."""
    flags = Path("/proc/cpuinfo")
    return not flags.exists() or any(name in flags.read_text() for name in ("avx512_vnni", "avx_vnni", "asimddp"))


class OnnxEngine:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Run one batch."""
        return self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]


class OpenVinoEngine:
    """OpenVINO on the CPU; lengths are padded to multiples of eight, because each new one costs a set-up."""

    def __init__(self, path: Path, threads: int, *, precision: str, pad: int) -> None:
        import openvino

        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": precision,
        }
        self._request = openvino.Core().compile_model(path, "CPU", options).create_infer_request()
        self._lock = threading.Lock()
        self._pad = pad

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Run one batch."""
        length = ids.shape[1]
        extra = -length % LENGTH_BUCKET
        if extra:
            ids = np.pad(ids, ((0, 0), (0, extra)), constant_values=self._pad)
            mask = np.pad(mask, ((0, 0), (0, extra)))
        with self._lock:
            result = self._request.infer({"input_ids": ids, "attention_mask": mask})
            return np.array(result["logits"][:, :length])


def has_bf16() -> bool:
    """Whether OpenVINO finds bf16 arithmetic in this CPU."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
