"""What F1 is set against: a gain, more of which is better, or one of the costs, less of which is better."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from ..results import COLUMNS, Average, Measurement

Row = Measurement | Average
LEAST = 1e-3
SHORT = 8


@dataclass(frozen=True)
class Axis:
    """One column as an axis.

    Attributes:
        name: of the column.
        title: of the axis.
        best: what the row that is best in it is, as a takeaway begins.
        unit: after a value.
        gain: whether more is better.
    """

    name: str
    title: str
    best: str
    unit: str
    gain: bool = False

    def value(self, row: Row) -> float | None:
        """A row's value; None where it is no amount."""
        value = getattr(row, self.name)
        return value if value > 0 else None

    def known(self, rows: Iterable[Row]) -> list[tuple[Row, float]]:
        """The rows that have a value, with it."""
        return [(row, value) for row in rows if (value := self.value(row)) is not None]

    def merit(self, value: float) -> float:
        """The better, the larger: the logarithm, turned round where less is better."""
        size = log10(max(value, LEAST))
        return size if self.gain else -size

    def text(self, value: float) -> str:
        """A value with its unit, such as `2.5×` or `117 MB`."""
        digits = 0 if value >= 100 else 1 if value >= 1 else 2
        return f"{value:,.{digits}f}{self.unit}"


def _cost(name: str, best: str) -> Axis:
    label, unit = COLUMNS[name]["label"], COLUMNS[name]["unit"]
    return Axis(name, f"{label} ({unit})", best, f" {unit}")


SPEEDUP = Axis("speedup", "Speed-up (× the teacher)", "fastest", "×", gain=True)
AXES = {
    axis.name: axis
    for axis in (
        SPEEDUP,
        _cost("latency_ms_p50", "lowest latency"),
        _cost("size_mb", "smallest"),
        _cost("peak_rss_mb", "least memory"),
        _cost("energy_j_per_1k_words", "least energy"),
    )
}
COSTS = [axis for axis in AXES.values() if not axis.gain]


def ticks(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times the powers of ten that a logarithmic axis of these values passes; more where it is short."""
    steps = (1, 2, 5) if max(values) > SHORT * min(values) else (1, 1.5, 2, 3, 4, 5, 6, 8)
    low, high = floor(log10(max(min(values), LEAST))), ceil(log10(max(*values, LEAST)))
    return [step * 10.0**power for power in range(low - 1, high + 1) for step in steps]
