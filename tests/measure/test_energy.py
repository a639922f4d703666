"""More work takes more energy, and each figure says where it comes from."""

import time
from pathlib import Path

import pytest

from mma_core.measure import energy
from mma_core.measure.energy import Meter


def test_longer_work_takes_more_and_its_result_comes_back() -> None:
    meter = Meter()
    meter.joules(lambda: None)  # the first call looks the processor up
    short, few = meter.joules(lambda: time.sleep(0.1) or "short")
    long, many = meter.joules(lambda: time.sleep(0.6) or "long")
    assert (short, long) == ("short", "long")
    assert 0 < few < many


def test_a_failing_piece_of_work_does_not_stop_the_meter() -> None:
    meter = Meter()
    with pytest.raises(ZeroDivisionError):
        meter.joules(lambda: 1 / 0)
    assert meter.joules(lambda: time.sleep(0.1))[1] > 0


@pytest.mark.parametrize(("readable", "said"), [(True, "measured by RAPL"), (False, "estimated")])
def test_the_source_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, readable: bool, said: str) -> None:
    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    if readable:
        (tmp_path / "intel-rapl:0").mkdir()
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1")
    meter = Meter()
    meter.joules(lambda: None)
    assert meter.source.startswith(said)
    assert "CodeCarbon" in meter.source
