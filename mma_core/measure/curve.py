"""The learning curve of a teacher: F1 on dev files after each stage of its training."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..data import Corpus, corpora
from ..progress import Report
from .checkpoints import score

TABLE = Path(__file__).parents[2] / "precomputed" / "training" / "curves.jsonl"
SENTENCES = 100


def curve(name: str, *, data: Path, work: Path, report: Report) -> list[dict[str, Any]]:
    """Score a teacher after every stage, and write its rows of the table; stages not yet trained are.

    Args:
        name: the teacher.
        data: the data folder.
        work: where its stages are kept.
        report: progress.

    Returns:
        One row a stage: the `sentences` drawn until its end, repeats counted, and macro `f1` in percent by source,
        the languages that no stage has seen apart.

    Raises:
        DataError: no such teacher, or no files.
    """
    from ..training import teacher

    trained = teacher.train(name, data=data, work=work, report=report)
    files = corpora(data, "dev")
    kinds = [kind(corpus, trained.record["seen"]) for corpus in files]
    rows: list[dict[str, Any]] = []
    drawn = 0
    for done, (stage, folder) in enumerate(zip(trained.record["stages"], trained.folders, strict=True)):
        report(done / len(trained.folders), f"{stage['name']}: tagging the dev files")
        settings = stage["settings"]
        drawn += (settings["until"] or settings["steps"]) * settings["batch_size"]
        scores = score(folder, files, SENTENCES, kinds)
        rows.append(
            {
                "teacher": name,
                "stage": stage["name"],
                "sentences": drawn,
                "f1": {kind: round(scores.macro(kind), 2) for kind in sorted(set(kinds))},
                "dev_sentences": len(scores.counts),
                "date": datetime.now(UTC).date().isoformat(),
                "command": f"python -m mma_core train curve {name} --data DIR",
            }
        )
    _store(name, rows)
    return rows


def kind(corpus: Corpus, seen: Collection[str]) -> str:
    """A file's source, and whether its language was seen in training."""
    return corpus.source if corpus.language in seen else f"{corpus.source}, zero-shot"


def _store(name: str, rows: list[dict[str, Any]]) -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    kept = [line for line in lines if json.loads(line)["teacher"] != name]
    TABLE.write_text("\n".join([*kept, *map(json.dumps, rows)]) + "\n", encoding="utf-8")
