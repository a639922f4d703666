"""A second that two share counts once."""

from types import SimpleNamespace

import pytest

from mma_core import stopwatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    return now


def test_what_overlaps_counts_once_and_a_pause_not_at_all(clock: SimpleNamespace) -> None:
    found = stopwatch.Stopwatch()
    for change, after in ((found.start, 1), (found.start, 2), (found.stop, 4), (found.stop, 8), (found.start, 16)):
        change()
        clock.seconds += after
    assert found.seconds == 1 + 2 + 4
    found.stop()
    assert found.seconds == 1 + 2 + 4 + 16
