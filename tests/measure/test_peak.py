"""The processor's rate in one large product."""

import pytest

from mma_core import engines
from mma_core.measure import peak


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_peaks_of_both_engines(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    for name in ("ROWS", "INPUTS", "OUTPUTS"):
        monkeypatch.setattr(peak, name, 64)
    found = peak.peaks.__wrapped__(engine, 1)
    assert found.keys() == {"fp32", "bf16", "int8"}
    assert found["fp32"] is not None
    assert found["int8"] is not None
    assert min(found["fp32"], found["int8"]) > 0
    assert (found["bf16"] is not None) == (engine == "openvino" and engines.has_bf16())


def test_a_rate_counts_two_operations_a_weight_and_row(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(peak.time, "perf_counter", lambda: next(ticks))
    assert peak._rate(lambda: None) == round(2 * peak.ROWS * peak.INPUTS * peak.OUTPUTS / 1e9, 1)
