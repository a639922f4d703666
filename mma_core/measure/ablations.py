"""What helps a teacher: small runs from the same start that differ in one thing, compared on dev files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from ..data import SILVER, Corpus, Sentence, corpora, draw, entities
from ..errors import DataError
from ..runtime import ArtifactTagger

if TYPE_CHECKING:
    from ..training.plans import Stage

PLAN = Path(__file__).parents[2] / "precomputed" / "training" / "ablations.toml"
TABLE = PLAN.with_suffix(".jsonl")
CONTROL = "control"
SEED = 13
RESAMPLES = 1000

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """The runs to compare.

    Attributes:
        start: the teacher whose training they go on from; empty for the bare encoder.
        sentences: at most so many of each dev file.
        stages: name → the run; `control` is what the others are compared with.
        changes: name → the keys in which a run differs from the control.
    """

    start: str
    sentences: int
    stages: "dict[str, Stage]"
    changes: dict[str, dict[str, Any]]


def read_plan(path: Path = PLAN) -> Plan:
    """Read the file of ablations.

    Raises:
        DataError: the file is missing, not TOML, or has an unknown key.
    """
    from ..training.plans import read_toml, stage

    content = read_toml(path)
    changes = {CONTROL: {}, **content.get("variants", {})}
    stages = {
        name: stage({**content.get(CONTROL, {}), **change, "name": name}, f"{path.name}, {name}")
        for name, change in changes.items()
    }
    return Plan(content.get("start", ""), content.get("sentences", 50), stages, changes)


@dataclass(frozen=True)
class Scores:
    """Counts of entities on dev files.

    Attributes:
        counts: right, found and gold entities of each sentence, shape (sentences, 3).
        groups: number of each sentence's file, shape (sentences,).
        kinds: for each file `gold`, `zero-shot` (gold, of a language without training labels) or `silver`.
    """

    counts: np.ndarray
    groups: np.ndarray
    kinds: tuple[str, ...]

    def macro(self, kind: str, weights: np.ndarray | None = None) -> float:
        """Mean strict F1 over the files of a kind, in percent.

        Args:
            kind: which files.
            weights: how often each sentence counts, shape (sentences,); once by default.
        """
        weighted = self.counts if weights is None else self.counts * weights[:, None]
        total = np.zeros((len(self.kinds), 3))
        np.add.at(total, self.groups, weighted)
        f1 = 200 * total[:, 0] / np.maximum(total[:, 1] + total[:, 2], 1)
        chosen = [number for number, name in enumerate(self.kinds) if name == kind]
        return float(f1[chosen].mean()) if chosen else float("nan")

    @cached_property
    def members(self) -> list[np.ndarray]:
        """The sentences of each file."""
        return [np.flatnonzero(self.groups == number) for number in range(len(self.kinds))]


def run(names: Sequence[str], *, data: Path, work: Path, report: Report) -> list[dict[str, Any]]:
    """Train and score the control and the named variants (all by default), and write the table.

    A run that is finished is not trained again.

    Args:
        names: variants; empty for all.
        data: the data folder; the runs are compared on its dev files.
        work: checkpoints and logs.
        report: progress.

    Returns:
        One row a run: macro F1 on gold, zero-shot and silver dev files, and how the first differs from the control's,
        with its 95% interval and the share of resamples in which the difference has the other sign, times two.

    Raises:
        DataError: a name is not in the plan, or a file is missing.
    """
    plan = read_plan()
    unknown = sorted(set(names) - set(plan.stages))
    if unknown:
        raise DataError(f"no ablation {', '.join(unknown)}; known: {', '.join(plan.stages)}")
    chosen = [CONTROL, *(name for name in plan.stages if name != CONTROL and (not names or name in names))]
    rows, control = [], None
    for done, name in enumerate(chosen):
        scores, seconds = _scored(plan, name, data, work, _part(report, done, len(chosen), name))
        control = control or scores
        row = {"name": name, **_row(plan, name, scores, control), "seconds": seconds}
        rows.append(row)
        _store(row)
    return rows


def _part(report: Report, done: int, count: int, name: str) -> Report:
    return lambda fraction, desc: report((done + fraction) / count, f"{name}: {desc}")


def _scored(plan: Plan, name: str, data: Path, work: Path, report: Report) -> tuple[Scores, float]:
    from ..training.plans import read_plans
    from ..training.teacher import run_stages

    before = read_plans()[plan.start] if plan.start else []
    trained = run_stages(name, [*before, plan.stages[name]], data=data, work=work, report=report)
    log = (trained.folder.parent / "log.jsonl").read_text(encoding="utf-8").splitlines()
    rates = [json.loads(line)["sentences_per_s"] for line in log]
    sentences = plan.stages[name].settings.steps * plan.stages[name].settings.batch_size
    kept = trained.folder.parent / f"dev-{plan.sentences}.npz"
    if not kept.exists():
        report(1.0, "tagging the dev files")
        scores = score(trained.folder, corpora(data, "dev"), plan.sentences, set(trained.record["seen"]))
        np.savez(kept, counts=scores.counts, groups=scores.groups, kinds=np.array(scores.kinds))
    with np.load(kept) as arrays:
        found = Scores(arrays["counts"], arrays["groups"], tuple(arrays["kinds"].tolist()))
    return found, round(sentences / (sum(rates) / len(rates)))


def score(checkpoint: Path, files: Sequence[Corpus], sentences: int, seen: set[str]) -> Scores:
    """Tag dev files with a checkpoint, in PyTorch, in batches.

    Args:
        checkpoint: a stock checkpoint folder.
        files: labelled files.
        sentences: at most so many of each, drawn by seed.
        seen: languages with training labels.
    """
    tagger = _tagger(checkpoint)
    drawn: list[Sentence] = []
    groups: list[int] = []
    for number, corpus in enumerate(files):
        chosen = draw(corpus.sentences, sentences, SEED)
        drawn += chosen
        groups += [number] * len(chosen)
    counts = []
    for sentence, tagged in zip(drawn, tagger.tag([s.words for s in drawn]), strict=True):
        gold, found = entities(sentence.tags), entities(tagged.tags)
        counts.append((len(gold & found), len(found), len(gold)))
    return Scores(np.array(counts), np.array(groups), tuple(_kind(corpus, seen) for corpus in files))


def _kind(corpus: Corpus, seen: set[str]) -> str:
    if corpus.source in SILVER:
        return "silver"
    return "gold" if corpus.language in seen else "zero-shot"


def _tagger(checkpoint: Path) -> ArtifactTagger:
    import torch
    from transformers import BertForTokenClassification

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = BertForTokenClassification.from_pretrained(checkpoint).to(device).eval()

    @torch.inference_mode()
    def engine(ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        logits = model(**{name: tensor.to(device) for name, tensor in inputs.items()}).logits.float()
        scores, tags = logits.softmax(-1).max(-1)
        return tags.cpu().numpy(), scores.cpu().numpy()

    config = {"id2label": {str(i): label for i, label in model.config.id2label.items()}}
    config["pad_token_id"] = model.config.pad_token_id
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    return ArtifactTagger(engine, tokenizer, config, torch.get_num_threads(), model.config.max_position_embeddings)


def difference(ours: Scores, control: Scores) -> dict[str, float]:
    """Paired bootstrap over sentences, within files, of the difference in macro F1 on gold files.

    Returns:
        `difference` in points, its 95% interval `low` and `high`, and the two-sided `p`.
    """
    rng = np.random.default_rng(SEED)
    found = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        weights = np.zeros(len(ours.groups))
        for members in ours.members:
            np.add.at(weights, rng.choice(members, len(members)), 1)
        found[number] = ours.macro("gold", weights) - control.macro("gold", weights)
    low, high = np.quantile(found, [0.025, 0.975])
    p = 2 * min((found <= 0).mean(), (found >= 0).mean())
    return {
        "difference": round(ours.macro("gold") - control.macro("gold"), 2),
        "low": round(float(low), 2),
        "high": round(float(high), 2),
        "p": round(min(float(p), 1.0), 3),
    }


def _row(plan: Plan, name: str, scores: Scores, control: Scores) -> dict[str, Any]:
    import torch

    settings = plan.stages[name].settings
    gpu = torch.cuda.is_available()
    return {
        "changes": plan.changes[name],
        "start": plan.start or "encoder",
        "steps": settings.steps,
        "batch_size": settings.batch_size,
        **{kind.replace("-", "_"): round(scores.macro(kind), 2) for kind in ("gold", "zero-shot", "silver")},
        **difference(scores, control),
        "dev_sentences": len(scores.counts),
        "hardware": torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads",
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python -m mma_core train ablations --data DIR",
    }


def _store(row: dict[str, Any]) -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    kept = [line for line in lines if json.loads(line)["name"] != row["name"]]
    TABLE.write_text("\n".join([*kept, json.dumps(row, ensure_ascii=False)]) + "\n", encoding="utf-8")
