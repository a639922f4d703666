"""A profile as a picture and a sentence."""

from typing import Any

import pytest

from mma_core.charts_profile import PARTS, STAGES, takeaway, waterfalls


def found(**changed: Any) -> dict[str, Any]:
    plain = {
        "precision": "int8",
        "sentences": 42,
        "bytes": {
            "embeddings": 97_000_000,
            "layers": 22_000_000,
            "head": 3_000,
            "tokenizer": 17_000_000,
            "rest": 800_000,
        },
        "milliseconds": {"splitting": 3.0, "tokenising": 9.0, "padding": 1.0, "model": 180.0, "decoding": 7.0},
        "operations": 36.0,
        "peaks": {"fp32": 100.0, "bf16": None, "int8": 400.0},
        "floor_ms": {"fp32": 360.0, "bf16": None, "int8": 90.0},
    }
    return {**plain, **changed}


def test_waterfalls_add_up_and_floors_stand_beside() -> None:
    sizes, times, floors = waterfalls(found()).data
    assert list(sizes.x) == [*PARTS.values(), "All"]
    assert list(times.x) == [*STAGES.values(), "All"]
    for trace in (sizes, times):
        assert trace.y[-1] == pytest.approx(sum(trace.y[:-1]))
        assert list(trace.measure) == ["relative"] * 5 + ["total"]
    assert sizes.text[0] == "97.0"
    assert sizes.hovertext[0] == "Embeddings: 97.0 MB, 70.9%"
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
    assert len(waterfalls(nothing).data) == 3
    assert takeaway(nothing)
