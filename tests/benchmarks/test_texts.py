"""Everyone gets the same texts, and what is found in them is scored on the corpus's words."""

import json
from pathlib import Path

import pytest

from benchmarks import texts
from benchmarks.rival import Entity
from benchmarks.texts import Heat, files, heats, training_file
from mma_core.data import Corpus, Sentence, read_conll
from mma_core.errors import DataError
from mma_core.spans import spans

GOLD = "Angela\tB-PER\nMerkel\tI-PER\nin\tO\nBonn\tB-LOC\n.\tO\n\n王\tB-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with two languages."""
    for name, content in (("uner/de", GOLD), ("uner/zh", GOLD), ("uner/da", "")):
        for split in ("train", "test"):
            path = tmp_path / "ner" / name / f"{split}.conll"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return tmp_path


def test_texts_and_words(folder: Path) -> None:
    (heat,) = heats(folder, ["uner/de"], 10)
    assert heat.texts == ["Angela Merkel in Bonn .", "王在北京"]
    assert heat.words == 9


@pytest.mark.parametrize(
    ("found", "f1"),
    [
        ([[(0, 13, "PER"), (17, 21, "LOC")], [(0, 1, "PER"), (2, 4, "LOC")]], 100.0),
        # With the space before it, as some pipelines report it.
        ([[(0, 13, "PER"), (16, 21, "LOC")], [(0, 1, "PER"), (2, 4, "LOC")]], 100.0),
        ([[(0, 13, "PER"), (17, 21, "LOC")], [(0, 1, "PER"), (2, 3, "LOC")]], 75.0),
        # Not the whole of a word.
        ([[(0, 13, "PER"), (17, 20, "LOC")], [(0, 1, "PER"), (2, 4, "LOC")]], 85.71),
        ([[(0, 13, "MISC"), (17, 21, "LOC")], [(0, 1, "PER"), (2, 4, "LOC")]], 85.71),
        ([[], []], 0.0),
    ],
)
def test_scores(folder: Path, found: list[list[Entity]], f1: float) -> None:
    (heat,) = heats(folder, ["uner/de"], 10)
    assert heat.score(found).f1 == f1


def test_the_gold_entities_score_all(tiny_corpus: list[Sentence]) -> None:
    heat = Heat(Corpus("tiny", "en", "test", Path("tiny")), tiny_corpus)
    gold = [spans(texts._words(s.words), s.tags, [1.0] * len(s.tags)) for s in tiny_corpus]
    assert heat.score([[(span.start, span.end, span.label) for span in found] for found in gold]).f1 == 100


def test_training_rows_agree_with_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = training_file(folder, ["uner/de", "uner/zh"])
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["Angela Merkel in Bonn .", "王在北京"] * 2
    for row in rows:
        in_text = [(row["text"][start:end].replace(" ", ""), label) for start, end, label in row["entities"]]
        in_words = [("".join(row["words"][begin:end]), label) for begin, end, label in row["spans"]]
        assert in_text == in_words
    assert training_file(folder, ["uner/de", "uner/zh"]) == path
    monkeypatch.setattr(texts, "TRAINING_SENTENCES", 1)
    assert training_file(folder, ["uner/de", "uner/zh"]) != path


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match="has no test file of uner/xx; it has those of uner/da, uner/de, uner/zh"):
        files(folder, ["uner/de", "uner/xx"], "test")
    with pytest.raises(DataError, match="holds no sentences"):
        heats(folder, ["uner/da"], 10)
    assert list(read_conll(files(folder, ["uner/da"], "test")[0].path)) == []
