"""More work takes more energy, and each figure says where it comes from."""

import subprocess
import sys
import time

import pytest

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


def test_the_library_says_nothing_of_its_own() -> None:
    begin = "from mma_core.measure.energy import Meter; Meter()"
    done = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize(("mode", "said"), [("intel_rapl", "measured by RAPL"), ("cpu_load", "estimated")])
def test_the_source_is_named(mode: str, said: str) -> None:
    meter = Meter()
    meter.spent(lambda: None)
    (processor,) = (part for part in meter._tracker._hardware if hasattr(part, "_mode"))
    processor._mode = mode
    source = meter._source()
    assert source.startswith(said)
    assert "CodeCarbon" in source
