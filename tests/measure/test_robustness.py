"""F1 under perturbation, by a tagger that knows a list of names, and by a tiny random teacher."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builds import Made

from mma_core import build, results
from mma_core.data import Corpus, draw, samples
from mma_core.errors import DataError
from mma_core.measure.accuracy import accuracy
from mma_core.measure.bench import cpu
from mma_core.measure.perturb import PERTURBATIONS
from mma_core.measure.robustness import STRENGTHS, Plan, chosen, measure
from mma_core.measure.scoring import SEED
from mma_core.recipe import parse
from mma_core.results import UNPERTURBED, Robustness
from mma_core.runtime import Tagged

pytest_plugins = ("engine_fixtures",)

NAMES = {"Anna": "B-PER", "Oslo": "B-LOC", "Bergen": "B-LOC"}
CONLL = "Anna B-PER\nlives O\nin O\nOslo B-LOC\n. O\n\n" * 6 + "Bergen B-LOC\nis O\nnear O\n"


class Names:
    """Tags what it knows, and notes how many sentences it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.fails_at = 1000

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagged]:
        if len(self.asked) == self.fails_at:
            raise KeyboardInterrupt
        self.asked.append(len(sentences))
        return [Tagged([NAMES.get(word, "O") for word in words], [1.0] * len(words)) for words in sentences]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """In the place of every recipe's tagger."""
    tagger = Names()
    monkeypatch.setattr(build, "tagger", lambda wanted, **_settings: tagger)
    return tagger


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    path = tmp_path / "test.conll"
    path.write_text(CONLL, encoding="utf-8")
    return Corpus("mine", "en", "test", path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "new" / "robustness.jsonl"


def plan(corpus: Corpus, *perturbations: str, recipe: str = "onnx", **other: Any) -> Plan:
    given = {"recipes": [parse(recipe)], "corpora": [corpus], "sources": [corpus], "command": "again"}
    return Plan(**{**given, "perturbations": chosen(perturbations), **other})


def test_known_names_give_known_f1(names: Names, corpus: Corpus, table: Path) -> None:
    rows = measure(plan(corpus, "lower", "swap-language"), table)
    assert [(row.perturbation, row.strength) for row in rows] == [
        (UNPERTURBED, 0.0),
        *(("lower", strength) for strength in STRENGTHS),
        *(("swap-language", strength) for strength in STRENGTHS),
    ]
    f1 = {(row.perturbation, row.strength): row.f1 for row in rows}
    assert f1[UNPERTURBED, 0.0] == 100
    assert 100 > f1["lower", 0.25] > f1["lower", 0.5] > f1["lower", 1.0] == 0
    # Only Oslo and Bergen have others of their type, and those are known too.
    assert f1["swap-language", 1.0] == 100
    assert rows[-1].changed == 100
    for row in rows:
        assert row.f1_low <= row.f1 <= row.f1_high
        assert row.change == pytest.approx(row.f1 - 100)
        right, found, gold = map(sum, zip(*row.counts, strict=True))
        assert row.f1 == pytest.approx(200 * right / (found + gold), abs=0.01)
        assert (row.sentences, row.seed, row.cpu, row.command) == (7, SEED, cpu(), "again")
    assert results.rows(table, Robustness) == rows


def test_unchanged_sentences_are_not_tagged_again(names: Names, corpus: Corpus, table: Path) -> None:
    rows = measure(plan(corpus, "diacritics"), table)
    assert sum(names.asked) == 7
    assert {(row.f1, row.change, row.changed) for row in rows} == {(100.0, 0.0, 0.0)}


def test_what_is_there_is_not_measured_again(names: Names, corpus: Corpus, table: Path) -> None:
    first = measure(plan(corpus, "lower"), table)
    names.asked.clear()
    assert measure(plan(corpus, "lower"), table) == first
    assert names.asked == []
    both = measure(plan(corpus, "lower", "caps"), table)
    assert both[:4] == first
    assert [row.perturbation for row in both[4:]] == ["caps"] * 3
    assert len(table.read_text(encoding="utf-8").splitlines()) == 7


def test_a_cut_off_run_goes_on(names: Names, corpus: Corpus, table: Path) -> None:
    names.fails_at = 5  # after the text as it is, all strengths of the first, and one of the second
    with pytest.raises(KeyboardInterrupt):
        measure(plan(corpus, "lower", "caps"), table)
    assert [row.perturbation for row in results.rows(table, Robustness)] == [UNPERTURBED, *["lower"] * 3]
    names.fails_at = 1000
    assert len(measure(plan(corpus, "lower", "caps"), table)) == 7
    assert len(table.read_text(encoding="utf-8").splitlines()) == 7


@pytest.mark.parametrize("change", [{"sentences": 6}, {"cpu": "another"}, {"teacher": "other"}])
def test_rows_of_another_sample_cpu_or_teacher_do_not_count(
    names: Names, corpus: Corpus, table: Path, change: dict[str, Any]
) -> None:
    rows = measure(plan(corpus, "lower"), table)
    table.unlink()
    results.append(table, [replace(row, **change) for row in rows])
    names.asked.clear()
    assert measure(plan(corpus, "lower"), table) == rows
    assert names.asked


def test_a_student_that_was_trained_longer_is_measured_again(
    names: Names, corpus: Corpus, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = plan(corpus, "lower", recipe="layers:6")
    assert {row.budget for row in measure(wanted, table)} == {"quick"}
    names.asked.clear()
    measure(wanted, table)
    assert names.asked == []
    longer = SimpleNamespace(manifest={"budget": "standard"})
    monkeypatch.setattr(build, "cached", lambda recipe, *, teacher: longer)
    assert {row.budget for row in measure(wanted, table)} == {"standard"}
    assert {row.budget for row in measure(plan(corpus, "lower"), table)} == {""}


def test_at_most_so_many_sentences_and_no_recipe_twice(names: Names, corpus: Corpus, table: Path) -> None:
    rows = measure(plan(corpus, "lower", sentences=3, recipes=[parse("onnx"), parse("onnx")]), table)
    assert [row.sentences for row in rows] == [3] * 4


def test_what_does_not_apply_is_skipped_with_a_reason(names: Names, corpus: Corpus, table: Path) -> None:
    said: list[str] = []
    rows = measure(plan(corpus, "arabic", "mixed", "swap-script"), table, say=said.append)
    assert [row.perturbation for row in rows] == [UNPERTURBED]
    assert said == [
        "mixed is skipped for en: it is English",
        "arabic is skipped for en: it is written in another script",
        "swap-script is skipped for en: no other language of its script is in the data",
    ]


def test_the_seed_is_the_runs_and_the_sentences_own(names: Names, corpus: Corpus, table: Path) -> None:
    """Equal sentences change at different places."""
    (_, low, *_) = measure(plan(corpus, "lower"), table)
    assert 0 < low.changed < 100


def test_progress_names_recipe_and_corpus(names: Names, corpus: Corpus, table: Path) -> None:
    told: list[tuple[float, str]] = []
    measure(
        plan(corpus, "lower", recipes=[parse("onnx"), parse("int8")]),
        table,
        report=lambda fraction, desc: told.append((fraction, desc)),
    )
    assert told == [(0.0, "onnx: en, mine"), (0.5, "int8: en, mine")]


def test_an_empty_corpus_and_an_unknown_perturbation_are_refused(names: Names, corpus: Corpus, table: Path) -> None:
    corpus.path.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="no sentences"):
        measure(plan(corpus, "lower"), table)
    with pytest.raises(DataError, match=r"unknown perturbation 'noise'; known: typos, "):
        chosen(["lower", "noise"])
    assert chosen([]) == list(PERTURBATIONS.values())
    assert [one.name for one in chosen(["caps", "typos"])] == ["typos", "caps"]


def test_a_random_teacher_on_two_languages(made: Made, tiny_teacher: Callable[[str], Path], table: Path) -> None:
    made("bert")
    teacher = str(tiny_teacher("bert"))
    corpora = [corpus for corpus in samples() if corpus.language in ("de", "zh")]
    given = {"teacher": teacher, "sentences": 5, "corpora": corpora, "sources": samples(), "command": ""}
    rows = measure(Plan(recipes=[parse("onnx")], perturbations=chosen([]), **given), table)
    applied = {code: {row.perturbation for row in rows if row.language == code} for code in ("de", "zh")}
    assert applied["de"] == {UNPERTURBED, *PERTURBATIONS} - {"arabic", "devanagari", "width"}
    assert applied["zh"] == {UNPERTURBED, "ocr", "punctuation", "width", "swap-language"}
    tagger = build.tagger(parse("onnx"), teacher=teacher)
    for corpus in corpora:
        sentences = draw(corpus.sentences, 5, SEED)
        tagged = tagger.tag([sentence.words for sentence in sentences])
        scores = accuracy([sentence.tags for sentence in sentences], [one.tags for one in tagged], SEED)
        plain = next(row for row in rows if (row.language, row.strength) == (corpus.language, 0))
        assert (plain.f1, plain.f1_low, plain.f1_high, plain.change) == (scores.f1, scores.f1_low, scores.f1_high, 0)
    assert [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()] == [
        asdict(row) for row in rows
    ]
