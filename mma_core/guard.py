"""Guarded quantisation: what rounding would break is found, and rounded with more care or not at all.

Each reduced precision is compared with the fp32 graph that it is made from, run in ONNX Runtime, on unlabelled text
of every language. Where too few entities stay the same, one pass finds what rounding costs each matrix where it
stands (matrices.py), and care is taken of those that it costs most, each way compared anew. First, activations are
divided by the largest of their word-piece before they are rounded, where that takes half of the error or more (of the
built-in teacher's logits it takes two thirds of the error, for hardly any time). Then 1, 2, 4, … matrices (from the
number of outliers on) stay as they are, until the limit holds in every language, half of them do, or more are not
worth their time. A limit that is not reached is an outcome to show, not an error.
"""

import math
import shutil
import statistics
import tempfile
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import artifact, matrices, runtime
from .artifact import Artifact
from .data import entities
from .languages import LANGUAGES
from .matrices import Cost, Matrix
from .progress import quiet
from .recipe import Step, World

if TYPE_CHECKING:
    import onnx
    from tokenizers import Tokenizer

LIMIT = 0.99
TRIALS = 6
# A range for each piece must divide the error by so much to be worth its time; an outlier has so many median errors.
GAIN, OUTLIER = 2.0, 3.0
# Where rounding plainly costs a matrix that much, it need not be tried.
HOPELESS = 0.1
# A trial came nearer if it leaves less than this share of what was missing; so many that did not end the search.
NEARER, PATIENCE = 0.75, 2
SENSED_SENTENCES, SENSED_PIECES = 16, 64
SPEED_SENTENCES, SPEED_ROUNDS = 64, 3
# What a matrix is stored in that stays as it is; both engines multiply it in fp32.
EXACT_AS = {"onnxruntime": "fp32", "openvino": "fp16"}
BY_PIECE = "8 bits by piece"

Tags = Sequence[Sequence[str]]
Texts = Mapping[str, Sequence[tuple[str, ...]]]


def tag_agreement(ours: Tags, theirs: Tags) -> float:
    """Share of words with the same tag, in percent, rounded down; 100 where there are no words."""
    same = [a == b for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=True)]
    return _share(sum(same), len(same))


def span_agreement(ours: Tags, theirs: Tags) -> float:
    """F1 of one's entities taken against the other's, in percent: 2 |A ∩ B| / (|A| + |B|).

    An entity is the same if both borders and the label are. F1 counts what was lost and what was added alike, is
    symmetric, and is what the accuracy of a tagger is stated in: if A and B agree to 99%, their F1 against any gold
    standard can hardly differ by more than a point. Rounded down; 100 where neither finds any.

    Args:
        ours: valid IOB2 tags of each sentence.
        theirs: the same, of equal lengths.
    """
    pairs = [(entities(one), entities(other)) for one, other in zip(ours, theirs, strict=True)]
    found = sum(len(a) + len(b) for a, b in pairs)
    return _share(2 * sum(len(a & b) for a, b in pairs), found)


def _share(part: int, whole: int) -> float:
    """In percent with two decimals, rounded down: what just misses a limit must not be stored as what reaches it."""
    return 10_000 * part // whole / 100 if whole else 100.0


@dataclass(frozen=True)
class Agreement:
    """Shares in percent, by language code."""

    tags: dict[str, float]
    spans: dict[str, float]

    @property
    def under(self) -> dict[str, float]:
        """Languages whose entities agree less than the limit wants."""
        return {code: share for code, share in self.spans.items() if share < 100 * LIMIT}

    @property
    def shortfall(self) -> float:
        """Points that the languages lack to the limit, on average."""
        missing = [100 * LIMIT - share for share in self.under.values()]
        return sum(missing) / max(len(self.spans), 1)


@dataclass(frozen=True)
class Frame:
    """All of an artifact but its graph.

    Attributes:
        tokenizer: the `tokenizers.Tokenizer`.
        config: contents of `config.json`.
        manifest: `engine`, `inference_precision` and `max_pieces` at least.
        threads: processor threads to tag with.
    """

    tokenizer: "Tokenizer"
    config: dict[str, Any]
    manifest: dict[str, Any]
    threads: int

    def tagger(self, graph: Any, **manifest: str) -> runtime.Tagger:
        """Open a graph as an artifact would be, with some of the manifest's entries replaced."""
        folder = tempfile.mkdtemp()
        made = artifact.write(
            Path(folder) / "trial",
            graph=graph,
            tokenizer=self.tokenizer,
            config=self.config,
            manifest={**self.manifest, **manifest},
            examine=_nothing,
        )
        tagger = runtime.open_artifact(made, self.threads)
        # An engine may read its file again as long as it lives.
        weakref.finalize(tagger, shutil.rmtree, folder, ignore_errors=True)
        return tagger


def _nothing(_made: Artifact) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Trial:
    """One way to reduce the precision: the graph, opened, what it keeps from plain rounding, and how far it agrees.

    Attributes:
        graph: the reduced graph.
        tagger: the same, opened.
        agreement: with fp32.
        by_piece: nodes whose activations are rounded by piece.
        exact: nodes that are not rounded.
    """

    graph: Any
    tagger: runtime.Tagger
    agreement: Agreement
    by_piece: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()

    @property
    def held(self) -> bool:
        """Whether the limit holds in every language."""
        return not self.agreement.under


def guarded(
    step: Step, graph: "onnx.ModelProto", world: World, frame: Frame, exact: runtime.Tagger
) -> tuple[Any, dict[str, Any]]:
    """Reduce the precision of a graph, with care of what that would break.

    Args:
        step: the precision.
        graph: the fp32 graph.
        world: text, threads and progress.
        frame: what the reduced graph will be written with.
        exact: the fp32 graph, opened.

    Returns:
        The reduced graph, and for the manifest: `agreement` and `span_agreement` with fp32 in percent by language,
        `speed_vs_fp32` on the same sentences, the matrices `kept` from plain rounding, and how the `guard` fared:
        whether `plain` rounding was tried too, and what was reached.
    """
    world.report(0.0, "tagging in 32 bits")
    judge = _Judge(frame, world.texts, exact)
    kept: list[dict[str, Any]] = []
    plain = True
    if step.quantises and world.texts:
        world.report(0.15, "finding what rounding costs each matrix")
        search = _Search(step, graph, world, judge)
        best = search.run()
        kept, plain = search.kept(best), search.plain
    else:
        world.report(0.2, f"reducing to {step}")
        best = judge.trial(step.apply(graph, replace(world, report=quiet)))
    world.report(0.9, "timing against 32 bits")
    return best.graph, {
        "agreement": best.agreement.tags,
        "span_agreement": best.agreement.spans,
        **judge.speed(best.tagger),
        "kept": kept,
        "guard": {
            "limit": LIMIT,
            "held": best.held if world.texts else None,
            "plain": plain,
            "languages_under": best.agreement.under,
            "sentences": sum(map(len, world.texts.values())),
            "matrices": len(matrices.matrices(graph)),
        },
    }


class _Judge:
    """Compares graphs with fp32, whose tags it knows."""

    def __init__(self, frame: Frame, texts: "Texts", reference: runtime.Tagger) -> None:
        self._frame, self._texts, self._reference = frame, texts, reference
        self._expected = self._tags(reference)

    def _tags(self, tagger: runtime.Tagger) -> dict[str, Tags]:
        return {code: [tagged.tags for tagged in tagger.tag(texts)] for code, texts in self._texts.items()}

    def trial(self, graph: Any, *, by_piece: Collection[str] = (), exact: Collection[str] = ()) -> Trial:
        """Open a graph and compare it."""
        tagger = self._frame.tagger(graph)
        found = self._tags(tagger)
        agreement = Agreement(
            {code: tag_agreement(tags, self._expected[code]) for code, tags in found.items()},
            {code: span_agreement(tags, self._expected[code]) for code, tags in found.items()},
        )
        return Trial(graph, tagger, agreement, frozenset(by_piece), frozenset(exact))

    def speed(self, tagger: runtime.Tagger) -> dict[str, float]:
        """Median seconds in fp32 over the tagger's, the two taking turns; a note, not a benchmark."""
        texts = turns(self._texts)[:SPEED_SENTENCES]
        if not texts:
            return {}
        rounds = [(_seconds(self._reference, texts), _seconds(tagger, texts)) for _ in range(SPEED_ROUNDS)]
        before, after = (statistics.median(times) for times in zip(*rounds, strict=True))
        return {"speed_vs_fp32": round(before / after, 2)}


def _seconds(tagger: runtime.Tagger, texts: Sequence[tuple[str, ...]]) -> float:
    began = time.perf_counter()
    tagger.tag(texts)
    return time.perf_counter() - began


def turns(texts: "Texts") -> list[tuple[str, ...]]:
    """All sentences, the languages taking turns."""
    return [words for row in zip_longest(*(texts[code] for code in sorted(texts))) for words in row if words]


class _Search:
    """Looks for the least care of a graph's matrices that holds.

    Attributes:
        best: the best trial so far.
        plain: whether plain rounding, without any care, was tried.
    """

    best: Trial

    def __init__(self, step: Step, graph: "onnx.ModelProto", world: World, judge: _Judge) -> None:
        self._step, self._graph, self._world, self._judge = step, graph, world, judge
        # OpenVINO's rounding leaves recurrent layers as they are.
        self._found = [m for m in matrices.matrices(graph) if not (m.recurrent and step.engine == "openvino")]
        self._costs = _costs(graph, self._found, world)
        self._by_piece: frozenset[str] = frozenset()
        self._tried = self._idle = 0
        self.plain = False

    def run(self) -> Trial:
        """The trial that holds with the least care; where none does, the best one that is worth its care."""
        helped = self._helped()
        if not helped or max(cost.by_tensor for cost in self._costs.values()) < HOPELESS:
            make = self._rounding(self._graph)
            self.plain = True
            if self._try(make, ()):
                return self.best
        if helped:
            self._by_piece = frozenset(matrix.node for matrix in helped)
            make = self._rounding(matrices.by_piece(self._graph, {matrix.activations for matrix in helped}))
            if self._try(make, ()):
                return self.best
        errors = {matrix.node: self._error(matrix) for matrix in self._found}
        ranked = sorted(errors, key=lambda node: -errors[node])
        outliers = sum(error > OUTLIER * statistics.median(errors.values()) for error in errors.values())
        self._idle = 0
        fewest(lambda n: self._try(make, ranked[:n]), start=outliers, most=len(ranked) // 2, trials=TRIALS)
        return self.best

    def kept(self, trial: Trial) -> list[dict[str, Any]]:
        """What a trial takes care of and the error that this spares, the largest first."""
        words = {**dict.fromkeys(trial.by_piece, BY_PIECE), **dict.fromkeys(trial.exact, EXACT_AS[self._step.engine])}
        rows = [
            {
                "matrix": matrix.label,
                "precision": words[matrix.node],
                "error": round(self._costs[matrix.node].by_tensor, 4),
            }
            for matrix in self._found
            if matrix.node in words
        ]
        return sorted(rows, key=lambda row: -row["error"])

    def _helped(self) -> list[Matrix]:
        """Products whose activations, which several may share, are rounded much better by piece."""
        costs = self._costs
        helped = {m.activations for m in self._found if costs[m.node].by_tensor > GAIN * costs[m.node].by_piece}
        return [matrix for matrix in self._found if matrix.activations in helped and not matrix.lookup]

    def _error(self, matrix: Matrix) -> float:
        cost = self._costs[matrix.node]
        return cost.by_piece if matrix.node in self._by_piece else cost.by_tensor

    def _rounding(self, graph: "onnx.ModelProto") -> Callable[[Collection[str]], Any]:
        self._report(f"reducing to {self._step}")
        return self._step.rounding(graph, replace(self._world, report=quiet))

    def _try(self, make: Callable[[Collection[str]], Any], exact: Collection[str]) -> bool | None:
        """Whether it holds; None where it does not and neither this trial nor the one before it came much nearer."""
        self._report(f"comparing, {len(exact)} of {len(self._found)} matrices unrounded")
        trial = self._judge.trial(make(exact), by_piece=self._by_piece, exact=exact)
        first = self._tried == 0
        nearer = first or trial.agreement.shortfall < NEARER * self.best.agreement.shortfall
        if first or trial.held or (nearer and not self.best.held):
            self.best = trial
        self._tried, self._idle = self._tried + 1, 0 if nearer else self._idle + 1
        return trial.held or (None if self._idle == PATIENCE else False)

    def _report(self, desc: str) -> None:
        self._world.report(0.2 + 0.6 * self._tried / (TRIALS + 2), desc)


def _costs(graph: "onnx.ModelProto", found: Sequence[Matrix], world: World) -> dict[str, Cost]:
    rows = [world.encode(words)[:SENSED_PIECES] for words in turns(world.texts)[:SENSED_SENTENCES]]
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, pieces in enumerate(rows):
        ids[row, : len(pieces)], mask[row, : len(pieces)] = pieces, 1
    return matrices.costs(graph, found, ids=ids, mask=mask, levels=127 if world.full_range else 63)


def fewest(holds: Callable[[int], bool | None], *, start: int, most: int, trials: int) -> int | None:
    """The least count from 1 to `most` that holds, if all counts above one that holds do too.

    The count doubles until it holds, then the last gap is halved as long as trials are left.

    Args:
        holds: whether a count does, or None where it does not and larger ones are not worth asking about; called at
            most `trials` times, never twice with one count.
        start: the first count.
        most: the largest count.
        trials: how often to ask.

    Returns:
        The least count that was found to hold, or None.
    """
    failed, best = 0, None
    count = min(max(start, 1), most)
    for _ in range(trials):
        answer = holds(count)
        if answer:
            best = count
        else:
            failed = count
        if answer is None or failed == most:
            break
        count = min(2 * failed, most) if best is None else (failed + best) // 2
        if count == failed:
            break
    return best


def findings(manifest: Mapping[str, Any]) -> list[str]:
    """What a manifest says of agreement, speed and care taken, in plain sentences; none where nothing was reduced.

    Args:
        manifest: the contents of a `recipe.json`.
    """
    if "guard" not in manifest:
        return []
    if not manifest["span_agreement"]:
        return ["Not compared with 32 bits: there is no text in its languages (a data folder may have some)."]
    return [_agreed(manifest), f"{_taken(manifest)} {_limited(manifest)}".strip()]


def percent(share: float) -> str:
    """A share of 100 with one decimal, rounded down: what is just under a limit shall not be said to reach it."""
    return f"{math.floor(round(10 * share, 6)) / 10}%"


def _agreed(manifest: Mapping[str, Any]) -> str:
    tags, spans = manifest["agreement"], manifest["span_agreement"]
    worst = min(spans, key=lambda code: spans[code])
    return (
        f"Against 32 bits, on {manifest['guard']['sentences']:,} sentences in {len(spans)} "
        f"language{'s' if len(spans) > 1 else ''}: {percent(statistics.mean(tags.values()))} of tags and "
        f"{percent(statistics.mean(spans.values()))} of entities are the same "
        f"(least: {_name(worst)}, {percent(spans[worst])}), at {manifest['speed_vs_fp32']:.1f}× the speed."
    )


def _taken(manifest: Mapping[str, Any]) -> str:
    """What care was taken, and why."""
    kept = manifest["kept"]
    if not kept:
        return ""
    by_piece = [one for one in kept if one["precision"] == BY_PIECE]
    exact = [one for one in kept if one["precision"] != BY_PIECE]
    parts = []
    if by_piece:
        parts.append(f"{len(by_piece)} have a range for each word-piece ({_some(by_piece)})")
    if exact:
        parts.append(f"{len(exact)} stay in {exact[0]['precision']} ({_some(exact)})")
    why = (
        "Plain rounding changed too much"
        if manifest["guard"].get("plain", True)
        else f"Plain rounding was not tried, as it has errors of {HOPELESS:.0%} or more in a matrix"
    )
    return f"{why}, so of {manifest['guard']['matrices']} matrices {' and '.join(parts)}."


def _some(kept: Sequence[Mapping[str, Any]]) -> str:
    worst = ", ".join(f"{one['matrix']}: error {100 * one['error']:.0f}%" for one in kept[:2])
    return worst + (", …" if len(kept) > 2 else "")


def _limited(manifest: Mapping[str, Any]) -> str:
    guard = manifest["guard"]
    limit = f"{100 * guard['limit']:.0f}% of entities"
    if guard["held"]:
        return f"Every language keeps {limit}."
    under = guard["languages_under"]
    worst = ", ".join(
        f"{_name(code)} {percent(under[code])}" for code in sorted(under, key=lambda code: under[code])[:3]
    )
    return f"It does not keep {limit} in {len(under)} of {len(manifest['span_agreement'])} languages: {worst}" + (
        ", …" if len(under) > 3 else "."
    )


def _name(code: str) -> str:
    return LANGUAGES[code].name if code in LANGUAGES else code
