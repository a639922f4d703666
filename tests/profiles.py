"""A profile as `measure.profile` finds one."""

from typing import Any


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
        "milliseconds": {
            "splitting": 3.0,
            "normalising": 2.0,
            "tokenising": 7.0,
            "padding": 1.0,
            "model": 180.0,
            "decoding": 7.0,
        },
        "operations": 36.0,
        "peaks": {"fp32": 100.0, "bf16": None, "int8": 400.0},
        "floor_ms": {"fp32": 360.0, "bf16": None, "int8": 90.0},
    }
    return {**plain, **changed}
