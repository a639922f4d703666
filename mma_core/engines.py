"""(ids, mask) → (tags, scores), in ONNX Runtime or OpenVINO.

One callable, two jobs: a batch by itself gets all processor threads; in bulk as many batches run at once as there are
threads, each on one of them, so that no thread waits for another within a batch.
"""

import importlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .answers import SCORES, TAGS
from .stopwatch import Stopwatch

SET_UPS = 100_000

_first_array = threading.Lock()

Answer = tuple[np.ndarray, np.ndarray]


class Engine(Protocol):
    """A loaded model that tells each piece's tag and how sure it is; threads may share it.

    (ids, mask), both (batch, sequence) int64 → tag numbers (batch, sequence) int64, and the probability of each
    (batch, sequence) fp32.
    """

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on all threads."""
        ...


@runtime_checkable
class BulkEngine(Engine, Protocol):
    """An engine that can run several batches at once."""

    def bulk(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on one thread."""
        ...


def load_library(engine: str) -> None:
    """Import the library of an engine, `onnxruntime` or `openvino`, and make it ready for several threads."""
    library = importlib.import_module(engine)
    if engine == "openvino":
        # The first array that it meets sets its binding up for numpy; two threads that bring one each at the same time
        # wait for each other for ever.
        with _first_array:
            np.array(library.Tensor(np.zeros(1)).data)


def open_engine(
    path: Path, threads: int, *, precision: str, pad: int, limit: int | None = None, cache: Path | None = None
) -> Engine:
    """Load a graph into the engine that its file is for.

    Args:
        path: `model.onnx`, or `openvino_model.xml`.
        threads: processor threads to use.
        precision: `f32` or `bf16`, of OpenVINO's arithmetic.
        pad: number of the padding piece.
        limit: the longest sequence that the model takes; None if it takes any.
        cache: where OpenVINO may keep what it compiled; None to compile anew.
    """
    if path.suffix == ".xml":
        return OpenVinoEngine(path, threads, precision=precision, pad=pad, limit=limit, cache=cache)
    return OnnxEngine(path, threads)


def start(
    engine: Engine, batches: Sequence[tuple[np.ndarray, np.ndarray]], crew: Executor | None, stopwatch: Stopwatch
) -> Callable[[], list[Answer]]:
    """Begin to run batches in bulk if there are several, and the crew and the engine can; else put it off.

    Args:
        engine: the loaded model.
        batches: (ids, mask) of each, the largest first.
        crew: as many threads as the engine has, which take batches in the order in which they come; or None.
        stopwatch: counts the time in which the engine is at work.

    Returns:
        What waits for the answers, or else runs the batches then, one after the other, each on all threads.
    """

    def timed(run: Callable[[np.ndarray, np.ndarray], Answer], ids: np.ndarray, mask: np.ndarray) -> Answer:
        stopwatch.start()
        try:
            return run(ids, mask)
        finally:
            stopwatch.stop()

    if crew is None or len(batches) < 2 or not isinstance(engine, BulkEngine):
        return lambda: [timed(engine, *batch) for batch in batches]
    running = [crew.submit(timed, engine.bulk, *batch) for batch in batches]
    return lambda: [each.result() for each in running]


class OnnxEngine:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._lock = path, threading.Lock()
        self._alone = self._session(threads)
        self._bulk = self._alone if threads == 1 else None

    def _session(self, threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on all threads."""
        return self._run(self._alone, ids, mask)

    def bulk(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on one thread."""
        with self._lock:
            self._bulk = self._bulk or self._session(1)
        return self._run(self._bulk, ids, mask)

    @staticmethod
    def _run(session: Any, ids: np.ndarray, mask: np.ndarray) -> Answer:
        tags, scores = session.run([TAGS, SCORES], {"input_ids": ids, "attention_mask": mask})
        return tags, scores


class OpenVinoEngine:
    """OpenVINO on the CPU; sequences are padded to few lengths, because it sets itself up anew for each."""

    def __init__(
        self, path: Path, threads: int, *, precision: str, pad: int, limit: int | None, cache: Path | None
    ) -> None:
        load_library("openvino")
        self._path, self._threads, self._lock = path, threads, threading.Lock()
        self._pad, self._limit = pad, limit
        self._options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
            # A node's set-up for a shape is one entry, and a model has some 400 nodes.
            "CPU_RUNTIME_CACHE_CAPACITY": SET_UPS,
        }
        if cache is not None:
            self._options["CACHE_DIR"] = str(cache)
        self._alone = self._requests(1)
        self._bulk = self._alone if threads == 1 else None

    def _requests(self, streams: int) -> SimpleQueue:
        """As many requests as can run at once; one is never used by two threads at a time."""
        import openvino

        model = openvino.Core().compile_model(self._path, "CPU", {**self._options, "NUM_STREAMS": streams})
        requests: SimpleQueue = SimpleQueue()
        for _ in range(streams):
            requests.put(model.create_infer_request())
        return requests

    def __call__(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on all threads."""
        return self._run(self._alone, ids, mask)

    def bulk(self, ids: np.ndarray, mask: np.ndarray) -> Answer:
        """Run one batch on one thread."""
        with self._lock:
            self._bulk = self._bulk or self._requests(self._threads)
        return self._run(self._bulk, ids, mask)

    def _run(self, requests: SimpleQueue, ids: np.ndarray, mask: np.ndarray) -> Answer:
        length = ids.shape[1]
        extra = bucket(length, self._limit) - length
        if extra:
            ids = np.pad(ids, ((0, 0), (0, extra)), constant_values=self._pad)
            mask = np.pad(mask, ((0, 0), (0, extra)))
        request = requests.get()
        try:
            inputs = {"input_ids": ids, "attention_mask": mask}
            found = request.infer(inputs, share_inputs=True, share_outputs=True)
            return found[TAGS][:, :length].copy(), found[SCORES][:, :length].copy()
        finally:
            requests.put(request)


def bucket(length: int, limit: int | None = None) -> int:
    """The length that a sequence is padded to: multiples of 8 up to 128, of 16 up to 256, of 32 up to 512, and so on.

    So at most an eighth is added to a long sequence, and 32 lengths do for all up to 512 pieces.

    Args:
        length: of the sequence.
        limit: the longest sequence that the model takes, no shorter than this one.
    """
    step = max(8, 1 << max(0, (length - 1).bit_length() - 4))
    padded = -(-length // step) * step
    return padded if limit is None else min(padded, max(limit, length))


def has_bf16() -> bool:
    """Whether OpenVINO finds bf16 arithmetic in this CPU."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
