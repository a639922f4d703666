"""Measurements → figures and the sentence above them: pure, and light until a figure is drawn."""

from .speed import ALL_SETS, EMPTY, Row, Series, hover, kind_of, left_out, scatter, series, set_key, takeaway

__all__ = [
    "ALL_SETS",
    "EMPTY",
    "Row",
    "Series",
    "hover",
    "kind_of",
    "left_out",
    "scatter",
    "series",
    "set_key",
    "takeaway",
]
