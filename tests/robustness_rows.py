"""Rows of F1 under perturbation: dense recipes, and sparse ones beside them."""

from typing import Any

from mma_core.builtin import Labelled
from mma_core.results import SCHEMA, UNPERTURBED, Robustness

STRENGTHS = (0.0, 0.5, 1.0)


def row(recipe: str, strength: float, f1: float, **other: Any) -> Robustness:
    given = {
        "recipe": recipe,
        "teacher": "multi",
        "language": "de",
        "dataset": "uner",
        "perturbation": "typos" if strength else UNPERTURBED,
        "strength": strength,
        "f1": f1,
        "f1_low": f1 - 3,
        "f1_high": f1 + 4,
        "change": f1 - 80,
        "changed": 100 * strength,
        "sentences": 200,
        "seed": 13,
        "cpu": "first",
        "date": "2026-11-21",
        "command": "",
        "weights": "0123456789ab",
        "revision": 1,
        "schema": SCHEMA,
    }
    return Robustness(**(given | other))


def rows(recipe: str, *f1: float, **other: Any) -> list[Robustness]:
    return [row(recipe, strength, value, **other) for strength, value in zip(STRENGTHS, f1, strict=True)]


ROWS = [
    *rows("onnx", 80, 60, 40),
    *rows("int8", 80, 50, 20),
    *rows("onnx", 60, 50, 30, language="sw"),
    *rows("int8", 60, 40, 20, language="sw"),
]

LABELLED = {"de": Labelled(20_000, 2_000), "sw": Labelled(5_000, 1_000)}
SPARSE = [
    *ROWS,
    *rows("sparse:0.5,emb", 80, 60, 44),
    *rows("sparse:0.5,emb", 60, 50, 27, language="sw"),
    *rows("sparse:0.9", 40, 30, 10),
    *rows("sparse:0.9", 20, 10, 1, language="sw"),
    *rows("sparse:0.9+int8", 40, 30, 10),
]
