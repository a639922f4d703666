"""Energy of the processor through CodeCarbon: its own counter (RAPL) where that can be read, else an estimate."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

RAPL = "intel_rapl"
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Spent:
    """What the whole processor spent on a piece of work.

    Attributes:
        joules: so many.
        seconds: that it took.
        source: `measured` or `estimated`, and by what.
    """

    joules: float
    seconds: float
    source: str

    @property
    def watts(self) -> float:
        """The mean power."""
        return self.joules / self.seconds


class Meter:
    """Measures or estimates what the processor spends on a piece of work.

    CodeCarbon is asked for the processor's energy only; it goes to no network and writes no file. Its estimate counts
    the system's clock ticks, a hundredth of a second each, so a piece of work must be many of them long.
    """

    def __init__(self) -> None:
        from codecarbon import OfflineEmissionsTracker

        logging.getLogger("codecarbon").setLevel(logging.ERROR)  # which the import has just set
        # The country decides on emissions alone, which nobody reads here; the tracker insists on one.
        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code="DEU", output_methods=[], log_level="error", allow_multiple_runs=True
        )
        self._name = f"CodeCarbon {version('codecarbon')}"

    def spent(self, work: Callable[[], object]) -> Spent:
        """Do some work, and tell what the whole processor spent meanwhile."""
        self._tracker.start_task()
        began = time.perf_counter()
        try:
            work()
        finally:
            seconds = time.perf_counter() - began
            found = self._tracker.stop_task()
        return Spent(found.cpu_energy * JOULES_PER_KWH, seconds, self._source())

    def _source(self) -> str:
        # CodeCarbon says nowhere else how it comes by its figures, and counters that can be read may still not be used.
        modes = {getattr(part, "_mode", "") for part in self._tracker._hardware}
        how = "measured by RAPL" if RAPL in modes else "estimated from the processor's model and load"
        return f"{how}, {self._name}"
