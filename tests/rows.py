"""A measurement for tests, complete and plausible."""

from typing import Any

from mma_core.results import SCHEMA, Measurement


def row(recipe: str = "int8", f1: float = 80.0, speedup: float = 4.0, **changes: Any) -> Measurement:
    """A measurement of `recipe`; every other field may be changed."""
    usual: dict[str, Any] = {
        **{"teacher": "multi", "language": "de", "dataset": "wikineural", "seed": 13, "command": "mma bench"},
        **{"f1_low": f1 - 2, "f1_high": f1 + 1, "precision": f1, "recall": f1, "retention": f1 / 0.9},
        **{"per_type": {"PER": f1, "ORG": f1 - 10}, "counts": [[4, 5, 5], [0, 0, 1]]},
        **{"errors": {"right": 4, "missed": 1, "invented": 1, "wrong type": 0, "wrong border": 0}},
        **{"sentences": 42, "words": 900, "words_per_s": 1000 * speedup, "sentences_per_s": 60 * speedup},
        **{"model_share": 90.0, "latency_ms_p50": 20 / speedup, "latency_ms_p95": 30 / speedup, "cold_start_s": 2.5},
        **{"speedup_low": 0.98 * speedup, "speedup_high": 1.03 * speedup, "size_mb": 120.0, "peak_rss_mb": 500.0},
        **{"parameters": 118_000_000, "embedding_parameters": 96_000_000, "nonzero_parameters": 117_000_000},
        **{"energy_j_per_1k_words": 0.0, "energy_source": "estimated", "threads": 2, "cpu": "first"},
        **{"date": "2026-11-21", "weights": "0123456789ab", "revision": 1, "schema": SCHEMA},
    }
    return Measurement(recipe=recipe, f1=f1, speedup=speedup, **(usual | changes))


def scored(recipe: str, right: int, language: str = "de", *, of: int = 100, **changes: Any) -> Measurement:
    """A measurement with the F1 of its counts: `of` sentences of one entity each, the first `right` of them found."""
    counts = [[1, 1, 1]] * right + [[0, 0, 1]] * (of - right)
    f1 = 200 * right / (right + of)
    errors = {"right": right, "missed": of - right, "invented": 0, "wrong type": 0, "wrong border": 0}
    usual = {"dataset": "uner", "language": language, "counts": counts, "errors": errors, "sentences": of}
    return row(recipe, f1, **{"retention": 100.0, **usual, **changes})
