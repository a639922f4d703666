"""The same logits from every engine, whatever stands beside a row."""

import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from builds import Made

from mma_core import checkpoint, engines
from mma_core.data import TAGS
from mma_core.steps.openvino_precisions import convert

pytest_plugins = ("engine_fixtures",)

# fp32 in three libraries: sums in another order, no more.
TOLERANCE = 2e-4
THREADS = 2


@pytest.fixture(scope="module")
def opened(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], engines.Engine]:
    """(engine, model type) → the exported teacher, loaded."""

    @cache
    def engine(name: str, model_type: str) -> engines.Engine:
        artifact = made(model_type)
        if name == "onnxruntime":
            return engines.OnnxEngine(artifact.model, THREADS)
        import onnx
        import openvino

        path = tmp_path_factory.mktemp("openvino") / "model.xml"
        openvino.save_model(convert(onnx.load(artifact.model)), path, compress_to_fp16=False)
        return engines.OpenVinoEngine(path, THREADS, precision="f32", pad=artifact.config["pad_token_id"])

    return engine


def batch(model_type: str, lengths: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    pad = 1 if "roberta" in model_type else 0
    ids = np.full((len(lengths), max(lengths)), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length], mask[row, :length] = rng.integers(5, 150, size=length), 1
    return ids, mask


pairs = [(name, kind) for kind in tiny.MODEL_TYPES for name in ("onnxruntime", "openvino")]


@pytest.mark.parametrize(("name", "model_type"), pairs)
def test_same_logits_as_in_pytorch(
    opened: Callable[[str, str], engines.Engine],
    tiny_teacher: Callable[[str], Path],
    *,
    name: str,
    model_type: str,
) -> None:
    engine, teacher = opened(name, model_type), checkpoint.load(str(tiny_teacher(model_type)))
    for lengths in [(1,), (7,), (8, 8), (9, 3, 1), (100, 60)]:
        ids, mask = batch(model_type, lengths)
        with torch.inference_mode():
            wanted = teacher.model(torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits.numpy()
        found = engine(ids, mask)
        assert found.shape == (*ids.shape, len(TAGS))
        assert found.dtype == np.float32
        assert np.abs(found - wanted)[mask == 1].max() < TOLERANCE


@pytest.mark.parametrize(("name", "model_type"), pairs)
def test_padding_changes_nothing(opened: Callable[[str, str], engines.Engine], *, name: str, model_type: str) -> None:
    engine = opened(name, model_type)
    ids, mask = batch(model_type, (30, 11, 3))
    together = engine(ids, mask)
    for row, length in enumerate(mask.sum(axis=1)):
        alone = engine(ids[row : row + 1, :length], mask[row : row + 1, :length])
        assert np.abs(alone[0] - together[row, :length]).max() < TOLERANCE


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_longest_window_runs(opened: Callable[[str, str], engines.Engine], name: str) -> None:
    for model_type, limit in (("bert", 128), ("xlm-roberta", 126)):
        ids, mask = batch(model_type, (limit,))
        assert np.isfinite(opened(name, model_type)(ids, mask)).all()


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_threads_may_share_an_engine(opened: Callable[[str, str], engines.Engine], name: str) -> None:
    engine = opened(name, "bert")
    jobs = [batch("bert", (5 + index,)) for index in range(8)]
    wanted = [engine(*job) for job in jobs]
    found: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        for _ in range(5):
            found[index] = engine(*jobs[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.abs(found[index] - wanted[index]).max() < TOLERANCE for index in range(len(jobs)))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """What the system's files say, instead of this machine's; eight processors."""
    file = tmp_path / "file"
    monkeypatch.setattr(engines, "Path", lambda _path: file)
    monkeypatch.setattr(engines, "os", SimpleNamespace(sched_getaffinity=lambda _pid: set(range(8))))
    yield file.write_text


def test_available_threads_here() -> None:
    assert engines.available_threads() >= 1


@pytest.mark.parametrize(
    ("quota", "threads"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("1000 100000\n", 1),
        ("9900000 100000\n", 8),
    ],
)
def test_available_threads_follow_the_quota(system: Callable[[str], None], quota: str, threads: int) -> None:
    system(quota)
    assert engines.available_threads() == threads


def test_available_threads_without_a_quota(system: Callable[[str], None]) -> None:
    assert engines.available_threads() == 8


@pytest.mark.parametrize(
    ("flags", "exact"), [("avx2 fma", False), ("avx2 avx_vnni", True), ("avx512_vnni", True), ("fp asimddp", True)]
)
def test_vnni_is_read_from_the_processor(system: Callable[[str], None], flags: str, *, exact: bool) -> None:
    system(f"flags : {flags}\n")
    assert engines.has_vnni() is exact
