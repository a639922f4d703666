"""Energy of the processor through CodeCarbon: its own counter (RAPL) where that can be read, else an estimate."""

import logging
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

COUNTERS = Path("/sys/class/powercap")
JOULES_PER_KWH = 3.6e6
T = TypeVar("T")


class Meter:
    """Measures or estimates what the processor spends on a piece of work.

    CodeCarbon is asked for the processor's energy only; it goes to no network and writes no file.

    Attributes:
        source: `measured` or `estimated`, and by what.
    """

    def __init__(self) -> None:
        logging.getLogger("codecarbon").setLevel(logging.ERROR)
        from codecarbon import OfflineEmissionsTracker

        # The country decides on emissions alone, which nobody reads here; the tracker insists on one.
        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code="DEU", output_methods=[], log_level="error", allow_multiple_runs=True
        )
        self._name, self.source = f"CodeCarbon {version('codecarbon')}", ""

    def joules(self, work: Callable[[], T]) -> tuple[T, float]:
        """Do some work; returns its result, and the joules that the whole processor spent meanwhile."""
        self._tracker.start_task()
        try:
            result = work()
        finally:
            spent = self._tracker.stop_task()
        watts = f"{spent.cpu_power:.3g} W for the whole processor"
        self.source = f"measured by RAPL, {self._name}" if _readable() else f"estimated, {self._name}: {watts}"
        return result, spent.cpu_energy * JOULES_PER_KWH


def _readable() -> bool:
    for counter in COUNTERS.glob("*rapl*/energy_uj"):
        try:
            counter.read_text()
        except OSError:
            continue
        return True
    return False
