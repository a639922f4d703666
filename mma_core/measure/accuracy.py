"""Strict span F1 by seqeval, with bootstrap intervals over sentences."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data import LABELS, entities

RESAMPLES = 1000


@dataclass(frozen=True)
class Accuracy:
    """Strict micro scores in percent; `f1_low` and `f1_high` bound the 95% bootstrap interval."""

    f1: float
    f1_low: float
    f1_high: float
    precision: float
    recall: float
    per_type: dict[str, float]


def accuracy(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], seed: int) -> Accuracy:
    """Score IOB2 tags.

    An entity counts if both borders and the type are right (seqeval, strict mode, scheme IOB2). Tags of types other
    than PER, ORG and LOC count as O. The interval resamples whole sentences 1,000 times.

    Args:
        gold: tags of each sentence.
        predicted: the same, of equal lengths.
        seed: of the resampling.

    Raises:
        ValueError: the lengths differ.
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    if [len(tags) for tags in gold] != [len(tags) for tags in predicted]:
        raise ValueError("gold and predicted tags differ in number")
    known = [[tag if tag[2:] in LABELS else "O" for tag in tags] for tags in predicted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns of types that were never predicted: their F1 is 0
        scores = classification_report(
            [list(tags) for tags in gold], known, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
    low, high = _interval(gold, known, seed)
    micro = scores.get("micro avg", {"f1-score": 0.0, "precision": 0.0, "recall": 0.0})
    return Accuracy(
        f1=_percent(micro["f1-score"]),
        f1_low=low,
        f1_high=high,
        precision=_percent(micro["precision"]),
        recall=_percent(micro["recall"]),
        per_type={label: _percent(scores[label]["f1-score"]) for label in LABELS if label in scores},
    )


def _percent(share: float) -> float:
    return round(100 * float(share), 2)


def _interval(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], seed: int) -> tuple[float, float]:
    pairs = [(entities(g), entities(p)) for g, p in zip(gold, predicted, strict=True)]
    counts = np.array([(len(g & p), len(p), len(g)) for g, p in pairs], dtype=np.int64).reshape(-1, 3)
    if not len(counts):
        return 0.0, 0.0
    drawn = np.random.default_rng(seed).integers(len(counts), size=(RESAMPLES, len(counts)))
    right, found, there = (counts[:, column][drawn].sum(axis=1) for column in range(3))
    f1 = 2 * right / np.maximum(found + there, 1)
    low, high = np.quantile(f1, [0.025, 0.975])
    return _percent(low), _percent(high)
