"""Strict span F1 by seqeval, with bootstrap intervals over sentences."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import bootstrap
from ..data import LABELS, entities

ERRORS = ("right", "missed", "invented", "wrong type", "wrong border")
Entity = tuple[int, int, str]
Pair = tuple[set[Entity], set[Entity]]
"""What is there in a sentence, and what was found."""


@dataclass(frozen=True)
class Accuracy:
    """Strict micro scores in percent.

    Attributes:
        f1: of all entities.
        f1_low: lower end of its 95% bootstrap interval over sentences.
        f1_high: upper end.
        precision: share of what was found that is right.
        recall: share of what is there that was found.
        per_type: F1 of each type that occurs.
        per_type_bounds: the ends of its 95% interval, from the same resamples of sentences.
        errors: entities by what became of them: `right`; of those that are there, `missed`; of those found, `invented`
            (touching nothing that is there), `wrong type` (touching only entities of other types) and `wrong border`.
        counts: right, found and gold entities of each sentence: what a paired comparison needs.
    """

    f1: float
    f1_low: float
    f1_high: float
    precision: float
    recall: float
    per_type: dict[str, float]
    per_type_bounds: dict[str, list[float]]
    errors: dict[str, int]
    counts: list[list[int]]


def accuracy(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], seed: int) -> Accuracy:
    """Score IOB2 tags.

    An entity counts if both borders and the type are right (seqeval, strict mode, scheme IOB2). Tags of types other
    than PER, ORG and LOC count as O.

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
    pairs = [(entities(g), entities(p)) for g, p in zip(gold, known, strict=True)]
    counts = _counts(pairs)
    errors = Counter(dict.fromkeys(ERRORS, 0))
    for there, found in pairs:
        errors.update(_errors(there, found))
    weights = bootstrap.resamples(np.zeros(len(pairs), dtype=np.int64), seed)
    low, high = _bounds(counts, weights)
    labels = [label for label in LABELS if label in scores]
    micro = scores.get("micro avg", {"f1-score": 0.0, "precision": 0.0, "recall": 0.0})
    return Accuracy(
        f1=_percent(micro["f1-score"]),
        f1_low=low,
        f1_high=high,
        precision=_percent(micro["precision"]),
        recall=_percent(micro["recall"]),
        per_type={label: _percent(scores[label]["f1-score"]) for label in labels},
        per_type_bounds={label: _bounds(_counts(_only(label, pairs)), weights) for label in labels},
        errors=dict(errors),
        counts=counts,
    )


def _counts(pairs: Sequence[Pair]) -> list[list[int]]:
    """Right, found and gold entities of each sentence."""
    return [[len(gold & found), len(found), len(gold)] for gold, found in pairs]


def _only(label: str, pairs: Sequence[Pair]) -> list[Pair]:
    """The entities of one type."""
    return [({e for e in gold if e[2] == label}, {e for e in found if e[2] == label}) for gold, found in pairs]


def _bounds(counts: Sequence[Sequence[int]], weights: np.ndarray) -> list[float]:
    return [round(end, 2) for end in bootstrap.bounds(bootstrap.f1(np.array(counts).reshape(-1, 3), weights))]


def _percent(share: float) -> float:
    return round(100 * float(share), 2)


def _errors(gold: set[Entity], found: set[Entity]) -> list[str]:
    return [_error(entity, gold) for entity in found] + ["missed" for entity in gold if not _near(entity, found)]


def _error(entity: Entity, gold: set[Entity]) -> str:
    if entity in gold:
        return "right"
    near = _near(entity, gold)
    if not near:
        return "invented"
    return "wrong border" if entity[2] in {label for _, _, label in near} else "wrong type"


def _near(entity: Entity, others: set[Entity]) -> list[Entity]:
    return [other for other in others if other[0] < entity[1] and entity[0] < other[1]]
