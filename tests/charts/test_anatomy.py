"""A profile as a picture and a sentence."""

import pytest
from profiles import found

from mma_core.charts.anatomy import PARTS, STAGES, sizes, takeaway, times


def test_waterfalls_add_up_and_floors_stand_beside() -> None:
    (parts,), (stages, floors) = sizes(found()).data, times(found()).data
    assert list(parts.x) == [*PARTS.values(), "All"]
    assert list(stages.x) == [*STAGES.values(), "All"]
    for trace in (parts, stages):
        assert trace.y[-1] == pytest.approx(sum(trace.y[:-1]))
        assert list(trace.measure) == ["relative"] * (len(trace.y) - 1) + ["total"]
    assert parts.text[0] == "97.0"
    assert parts.hovertext[0] == "Embeddings: 97.0 MB, 70.9%"
    assert list(floors.x) == ["Floor fp32", "Floor int8"]
    assert list(floors.y) == [360.0, 90.0]
    assert floors.hovertext[1] == "36.0 G operations at 400 G/s"


def test_takeaway() -> None:
    assert takeaway(found()) == (
        "Model takes 90% of the time, embeddings 71% of the bytes; the model runs at 50% of this CPU's int8 peak."
    )
    assert takeaway(found(floor_ms={"int8": None})) == "Model takes 90% of the time, embeddings 71% of the bytes."


def test_an_empty_profile_is_drawn_too() -> None:
    nothing = found(bytes=dict.fromkeys(PARTS, 0), milliseconds=dict.fromkeys(STAGES, 0.0))
    assert len(sizes(nothing).data) + len(times(nothing).data) == 3
    assert takeaway(nothing)
