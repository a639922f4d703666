"""More work takes more energy, and each figure says where it comes from."""

import time
from pathlib import Path

import pytest

from mma_core.measure import energy
from mma_core.measure.energy import Meter


def test_longer_work_takes_more() -> None:
    meter = Meter()
    meter.spent(lambda: None)  # the first call looks the processor up
    few, many = (meter.spent(lambda seconds=seconds: time.sleep(seconds)) for seconds in (0.1, 0.6))
    assert 0 < few.joules < many.joules


def test_a_failing_piece_of_work_does_not_stop_the_meter() -> None:
    meter = Meter()
    with pytest.raises(ZeroDivisionError):
        meter.spent(lambda: 1 / 0)
    assert meter.spent(lambda: time.sleep(0.1)).joules > 0


@pytest.mark.parametrize(("readable", "said"), [(True, "measured by RAPL"), (False, "estimated")])
def test_the_source_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, readable: bool, said: str) -> None:
    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    if readable:
        (tmp_path / "intel-rapl:0").mkdir()
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1")
    source = Meter().spent(lambda: None).source
    assert source.startswith(said)
    assert "CodeCarbon" in source
