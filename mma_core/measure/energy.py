"""Energy from the processor's own counter (RAPL) where the system lets us read it; nothing is estimated here."""

from pathlib import Path

COUNTER = Path("/sys/class/powercap/intel-rapl:0")
SOURCE, NONE = "RAPL, measured", "not measured: no readable RAPL counter"


def joules() -> float | None:
    """The counter's reading in joules, or None where there is none."""
    try:
        return int((COUNTER / "energy_uj").read_text()) / 1e6
    except (OSError, ValueError):
        return None


def spent(before: float | None, after: float | None) -> float | None:
    """Joules between two readings, across one wrap-around of the counter."""
    if before is None or after is None:
        return None
    if after >= before:
        return after - before
    return after - before + int((COUNTER / "max_energy_range_uj").read_text()) / 1e6
