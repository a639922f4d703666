"""What helps a teacher: small runs from the same start that differ in one thing, compared on dev files."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import harmonic_mean
from typing import TYPE_CHECKING, Any

from .. import bootstrap, builtin
from ..data import SILVER, Corpus, corpora
from ..errors import DataError
from ..progress import Report, portion
from .checkpoints import SEED, Scores, score

if TYPE_CHECKING:
    from ..training.plans import Stage

PLAN = Path(__file__).parents[2] / "precomputed" / "training" / "ablations.toml"
TABLE = PLAN.with_suffix(".jsonl")
CONTROL = "control"


@dataclass(frozen=True)
class Plan:
    """The runs to compare for a teacher.

    Attributes:
        teacher: the runs go on from its first stages; where they begin elsewhere, any name of this part of the file.
        after: how many; 0 begins from the bare encoder, or where `start` of the control says.
        judged: the kind of dev files that decides, `gold` or `zero-shot`.
        sentences: at most so many of each dev file.
        stages: name → the run; `control` is what the others are compared with.
        first: name → a stage that a run has before its own; few have one.
        changes: name → the keys in which a run differs from the control.
    """

    teacher: str
    after: int
    judged: str
    sentences: int
    stages: "dict[str, Stage]"
    first: "dict[str, Stage]"
    changes: dict[str, dict[str, Any]]


def read_plan(teacher: str, path: Path = PLAN) -> Plan:
    """Read a teacher's part of the file of ablations.

    Raises:
        DataError: the file is missing, not TOML, has nothing for this teacher, or has an unknown key.
    """
    from ..training.plans import read_toml, stage

    file = read_toml(path)
    if teacher not in file:
        raise DataError(f"{path.name} has no ablations for teacher {teacher!r}; known: {', '.join(file)}")
    content = file[teacher]
    changes = {CONTROL: {}, **content.get("variants", {})}
    where = {name: f"{path.name}, {name}" for name in changes}
    own = {name: {key: value for key, value in change.items() if key != "first"} for name, change in changes.items()}
    stages = {
        name: stage({**content.get(CONTROL, {}), **change, "name": name}, where[name]) for name, change in own.items()
    }
    first = {
        name: stage({"name": f"before-{name}", **change["first"]}, where[name])
        for name, change in changes.items()
        if "first" in change
    }
    after, judged = content.get("after", 0), content.get("judged", "gold")
    return Plan(teacher, after, judged, content.get("sentences", 50), stages, first, changes)


def run(teacher: str, names: Sequence[str], *, data: Path, work: Path, report: Report) -> list[dict[str, Any]]:
    """Train and score a teacher's control and named variants (all by default), and write the table.

    A run that is finished is not trained again.

    Args:
        teacher: whose ablations.
        names: variants; empty for all.
        data: the data folder; the runs are compared on its dev files.
        work: checkpoints and logs.
        report: progress.

    Returns:
        One row a run: macro F1 on gold, zero-shot and silver dev files, and how the one that
        decides differs from the control's, with its 95% interval and the share of resamples in which the difference has
        the other sign, times two.

    Raises:
        DataError: a name is not in the plan, or a file is missing.
    """
    plan = read_plan(teacher)
    unknown = sorted(set(names) - set(plan.stages))
    if unknown:
        raise DataError(f"teacher {teacher} has no ablation {', '.join(unknown)}; known: {', '.join(plan.stages)}")
    chosen = [CONTROL, *(name for name in plan.stages if name != CONTROL and (not names or name in names))]
    rows, control = [], None
    for done, name in enumerate(chosen):
        tell = portion(report, done / len(chosen), (done + 1) / len(chosen), name)
        scores, seconds = _scored(plan, name, data, work, tell)
        control = control or scores
        row = {"teacher": teacher, "name": name, **_row(plan, name, scores, control), "seconds": seconds}
        rows.append(row)
        _store(row)
    return rows


def _scored(plan: Plan, name: str, data: Path, work: Path, report: Report) -> tuple[Scores, int]:
    from ..training.teacher import run_stages

    before = _first_stages(plan)
    own = [stages[name] for stages in (plan.first, plan.stages) if name in stages]
    trained = run_stages(name, [*before, *own], data=data, work=work, report=report)
    seconds = _seconds(trained.folder.parent / "log.jsonl", plan.stages[name])
    report(1.0, "tagging the dev files")
    files = corpora(data, "dev")
    seen = {*trained.record["seen"], *builtin.labelled(plan.stages[name].start)}
    scores = score(trained.folder, files, plan.sentences, kinds(files, seen))
    return scores, seconds


def _seconds(log: Path, stage: "Stage") -> int:
    """How long a stage trained; 0 for one of no steps, which leaves what it begins with as it is."""
    if not stage.settings.steps:
        return 0
    rates = [json.loads(line)["sentences_per_s"] for line in log.read_text(encoding="utf-8").splitlines()]
    return round(stage.settings.steps * stage.settings.batch_size / harmonic_mean(rates))


def _first_stages(plan: Plan) -> "list[Stage]":
    from ..training.plans import read_plans

    known = read_plans()
    if plan.after and plan.teacher not in known:
        raise DataError(f"{PLAN.name}, {plan.teacher}: after = {plan.after}, but there is no teacher of that name")
    return known[plan.teacher][: plan.after] if plan.after else []


def kinds(files: Sequence[Corpus], seen: Collection[str]) -> list[str]:
    """What each file is: `silver`, `gold`, or `zero-shot`, gold of a language that was not seen."""
    return ["silver" if f.source in SILVER else "gold" if f.language in seen else "zero-shot" for f in files]


def difference(ours: Scores, control: Scores, judged: str) -> dict[str, float]:
    """How much better a run is than the control, in macro F1 on the files of a kind.

    Returns:
        `difference` in points, its 95% interval `low` and `high`, and the two-sided `p`, of a paired bootstrap.
    """
    counts, groups = ours.of(judged)
    found = bootstrap.paired(counts, control.of(judged)[0], groups, SEED)
    return {
        "difference": round(found.points, 2),
        "low": round(found.low, 2),
        "high": round(found.high, 2),
        "p": round(found.p, 3),
    }


def _row(plan: Plan, name: str, scores: Scores, control: Scores) -> dict[str, Any]:
    import torch

    settings = plan.stages[name].settings
    gpu = torch.cuda.is_available()
    return {
        "changes": plan.changes[name],
        "after": plan.after,
        "start": plan.stages[name].start,
        "judged": plan.judged,
        "steps": settings.steps,
        "batch_size": settings.batch_size,
        **{kind.replace("-", "_"): round(scores.macro(kind), 2) for kind in ("gold", "zero-shot", "silver")},
        **difference(scores, control, plan.judged),
        "dev_sentences": len(scores.counts),
        "hardware": torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads",
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m mma_core train ablations {plan.teacher} --data DIR",
    }


def _store(row: dict[str, Any]) -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    kept = [line for line in lines if not _same(json.loads(line), row)]
    TABLE.write_text("\n".join([*kept, json.dumps(row, ensure_ascii=False)]) + "\n", encoding="utf-8")


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["teacher"], one["name"]) == (other["teacher"], other["name"])
