"""Measurements → figures and the sentence above them: pure, and light until a figure is drawn."""

from .axes import AXES, SPEEDUP, Axis, Row
from .speed import (
    ALL_SETS,
    EMPTY,
    TEACHER,
    Series,
    brief_machines,
    hover,
    kind_of,
    left_out,
    machine,
    scatter,
    series,
    set_key,
    takeaway,
)

__all__ = [
    "ALL_SETS",
    "AXES",
    "EMPTY",
    "SPEEDUP",
    "TEACHER",
    "Axis",
    "Row",
    "Series",
    "brief_machines",
    "hover",
    "kind_of",
    "left_out",
    "machine",
    "scatter",
    "series",
    "set_key",
    "takeaway",
]
