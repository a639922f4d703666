"""A grid with known differences, for the charts that compare rows sentence by sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from rows import scored

from mma_core.builtin import Labelled
from mma_core.charts.grid import EVERY_SET, Grid, gather
from mma_core.results import Measurement

LABELLED = {"de": Labelled(20_000, 2_000), "sw": Labelled(5_000, 1_000)}
# German keeps all, Swahili loses much, Amharic (zero-shot) a little; a combination does worse than its steps.
ROWS = [
    *(scored("teacher", right, code) for code, right in (("de", 90), ("sw", 80), ("am", 50))),
    *(scored("int8", right, code) for code, right in (("de", 90), ("sw", 50), ("am", 49))),
    *(scored("layers:6", right, code) for code, right in (("de", 80), ("sw", 40), ("am", 30))),
    *(scored("layers:6+int8", right, code) for code, right in (("de", 50), ("sw", 10), ("am", 5))),
]


def grid_of(rows: Sequence[Measurement] = ROWS, *, labelled: Mapping[str, Labelled] = LABELLED, **changes: Any) -> Grid:
    """The rows as a grid of all data sets; every argument of `gather` may be changed."""
    return gather(rows, **{"teacher": "multi", "kind": EVERY_SET, "labelled": labelled, **changes})
