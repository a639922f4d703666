"""Rows say all that the design wants, and a teacher equals itself."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builds import Made, quiet

from mma_core import build, machine, runtime
from mma_core.data import Corpus, samples
from mma_core.errors import DataError, MMAError
from mma_core.measure import bench as room
from mma_core.measure.bench import Stand, bench
from mma_core.measure.energy import Spent
from mma_core.measure.fresh import Fresh
from mma_core.measure.journal import Journal
from mma_core.measure.speed import speed
from mma_core.pieces import join
from mma_core.recipe import parse
from mma_core.results import Measurement

pytest_plugins = ("engine_fixtures",)
pytestmark = pytest.mark.usefixtures("short_rounds")

FIELDS = {
    *("recipe", "teacher", "language", "dataset", "f1", "f1_low", "f1_high", "precision", "recall", "per_type"),
    *("sentences", "words", "words_per_s", "sentences_per_s", "latency_ms_p50", "latency_ms_p95", "size_mb"),
    *("errors", "counts", "model_share", "cold_start_s", "embedding_parameters", "nonzero_parameters"),
    *(
        "speedup_low",
        "speedup_high",
        "peak_rss_mb",
        "parameters",
        "energy_j_per_1k_words",
        "energy_source",
        "speedup",
        "retention",
        "threads",
        "cpu",
    ),
}


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Callable[[str], Path]) -> str:
    """A teacher of random weights."""
    return str(tiny_teacher("bert"))


@pytest.fixture(scope="module")
def corpus(teacher: str, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Sentences that the teacher tags right, but for a few."""
    sentences = [list(sentence.words) for sentence in samples()[1].sentences[:12]]
    tagged = build.tagger(parse("teacher"), teacher=teacher).tag(sentences)
    rows = [
        "".join(f"{word}\t{tag if index > 2 else 'O'}\n" for word, tag in zip(words, t.tags, strict=True))
        for index, (words, t) in enumerate(zip(sentences, tagged, strict=True))
    ]
    path = tmp_path_factory.mktemp("corpus") / "own.conll"
    path.write_text("\n".join(rows), encoding="utf-8")
    return Corpus("own", "de", "test", path)


@pytest.fixture(scope="module")
def rows(made: Made, corpus: Corpus, teacher: str, short_rounds: None) -> list[Measurement]:
    """The baseline and its export, measured."""
    made("bert")
    seen: list[float] = []
    recipes = [parse("teacher"), parse("onnx")]
    found = list(
        bench(recipes, [corpus], teacher=teacher, command="mma bench", report=lambda share, _: seen.append(share))
    )
    assert seen == sorted(seen)
    return found


def test_every_field_of_the_design(rows: list[Measurement], corpus: Corpus, teacher: str) -> None:
    assert [row.recipe for row in rows] == ["teacher", "onnx"]
    for row in rows:
        assert asdict(row).keys() >= FIELDS
        assert (row.teacher, row.language, row.dataset) == (teacher, "de", "own")
        assert (row.sentences, row.words) == (12, sum(len(s.words) for s in corpus.sentences))
        assert row.command == "mma bench"
        assert row.f1_low <= row.f1 <= row.f1_high
        assert row.latency_ms_p50 <= row.latency_ms_p95
        assert row.words_per_s / row.sentences_per_s == pytest.approx(row.words / row.sentences, rel=0.01)
        assert row.peak_rss_mb > 20
        assert 0.1 < row.cold_start_s < 600
        assert 0 < row.model_share <= 100
        assert row.speedup_low <= row.speedup <= row.speedup_high
        assert row.embedding_parameters < row.nonzero_parameters <= row.parameters
        assert row.threads >= 1
        assert row.cpu
        assert row.energy_j_per_1k_words > 0
        assert row.energy_source.startswith(("estimated", "measured"))


def test_the_teacher_equals_itself(rows: list[Measurement]) -> None:
    teacher, exported = rows
    assert 0 < teacher.f1 < 100
    assert (teacher.retention, teacher.speedup) == (100, 1)
    assert (exported.f1, exported.retention) == (teacher.f1, 100)
    assert exported.per_type == teacher.per_type
    assert exported.parameters == teacher.parameters
    assert exported.counts == teacher.counts
    assert teacher.errors["right"] == sum(right for right, _, _ in teacher.counts)


def test_sizes_are_those_of_the_files(rows: list[Measurement], made: Made, teacher: str) -> None:
    baseline, exported = rows
    assert exported.size_mb == round(made("bert").size_bytes / 1e6, 1)
    files = ("config.json", "model.safetensors", "tokenizer.json")
    assert baseline.size_mb == round(sum((Path(teacher) / file).stat().st_size for file in files) / 1e6, 1)


def test_the_teacher_runs_even_if_not_asked_for(
    rows: list[Measurement], corpus: Corpus, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "fresh", lambda *_arguments, **_settings: Fresh(1.0, 1.0))
    (row,) = bench([parse("onnx")], [corpus], teacher=teacher, sentences=5, threads=1)
    assert (row.recipe, row.sentences, row.threads) == ("onnx", 5, 1)
    assert row.retention in {0, 100}
    assert row.speedup > 0


def test_of_many_each_group_runs_beside_the_teacher(
    rows: list[Measurement], corpus: Corpus, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "fresh", lambda *_arguments, **_settings: Fresh(1.0, 1.0))
    monkeypatch.setattr(room, "AT_ONCE", 1)
    seen: list[float] = []
    recipes = [parse("onnx"), parse("teacher")]
    found = list(bench(recipes, [corpus], teacher=teacher, report=lambda share, _: seen.append(share)))
    assert [(row.recipe, row.f1, row.retention) for row in found] == [
        ("onnx", rows[1].f1, rows[1].retention),
        ("teacher", rows[0].f1, 100),
    ]
    assert seen == sorted(seen)
    assert 0.5 < seen[-1] < 1


@pytest.mark.parametrize(("held", "sizes"), [(0, [1] * 30), (12.5, [12, 12, 6]), (1000, [24, 6])])
def test_as_many_are_open_at_once_as_the_memory_holds(
    held: float, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: int(held * room.ROOM_BYTES))
    recipes = [parse(f"layers:{kept}") for kept in range(1, 31)]
    assert [len(group) for group in room.groups([*recipes, *recipes])] == sizes


def test_a_measurement_that_was_cut_off_goes_on(
    made: Made, corpus: Corpus, teacher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weigh(*_arguments: Any, **_settings: Any) -> Fresh:
        return Fresh(1.0, 1.0)

    def asked(*_arguments: Any) -> None:
        raise AssertionError("it was tagged again")

    monkeypatch.setattr(room, "fresh", weigh)
    recipes, sentences = ["onnx"], list(corpus.sentences)
    stand = room.set_up([parse("onnx")], teacher=teacher)
    journal = stand.journal(corpus, sentences, recipes)
    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(stand.taggers["onnx"], "tag_texts", asked)
        stand.rows(corpus, sentences, recipes, journal)
    kept = stand.journal(corpus, sentences, recipes)
    assert "accuracy of teacher" in kept
    assert "accuracy of onnx" in kept
    assert "round 0" not in kept, "a round is kept whole"
    (row,) = stand.rows(corpus, sentences, recipes, kept)
    for tagger in stand.taggers.values():
        monkeypatch.setattr(tagger, "tag_texts", asked)
        monkeypatch.setattr(tagger, "tag", asked)
    assert stand.rows(corpus, sentences, recipes, stand.journal(corpus, sentences, recipes)) == [row]
    for others in ((corpus, sentences[1:], recipes), (corpus, sentences, ["teacher"])):
        assert "accuracy of teacher" not in stand.journal(*others)
    kept.close()
    assert "accuracy of teacher" not in stand.journal(corpus, sentences, recipes)


def test_a_tagger_under_two_names_is_as_fast_as_itself(made: Made, corpus: Corpus) -> None:
    tagger = runtime.open_artifact(made("bert"), 1)
    texts = [join(sentence.words)[0] for sentence in corpus.sentences]
    found = speed({"one": tagger, "other": tagger}, texts, corpus.language, Journal(), standard_error=1)
    ratio, low, high = found["other"].over(found["one"])
    assert low <= ratio <= high
    assert 0.5 < ratio < 2


def test_what_cannot_be_built_is_an_error(corpus: Corpus) -> None:
    with pytest.raises(MMAError, match="lacks"):
        next(bench([parse("int8")], [corpus], teacher=str(corpus.path.parent), report=quiet))


@pytest.mark.parametrize(("content", "sentences"), [("\n", 5), ("Ja\tO\n", 0), ("Ja\tO\nNein\tX\n", 5)])
def test_text_is_read_before_anything_is_built(tmp_path: Path, content: str, sentences: int) -> None:
    path = tmp_path / "own.conll"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"holds no sentences to measure on|own\.conll:2: tag 'X'"):
        next(bench([parse("onnx")], [Corpus("own", "de", "test", path)], teacher="/no/teacher", sentences=sentences))


@pytest.mark.parametrize(("sets", "wanted"), [(1, 0.02), (4, 0.04), (100, 0.12)])
def test_of_many_data_sets_each_may_be_known_less_well(
    made: Made, corpus: Corpus, teacher: str, monkeypatch: pytest.MonkeyPatch, sets: int, wanted: float
) -> None:
    asked: list[float] = []

    def timed(*_arguments: Any, standard_error: float) -> None:
        asked.append(standard_error)
        raise InterruptedError

    made("bert")
    monkeypatch.setattr(room, "fresh", lambda *_arguments, **_settings: Fresh(1.0, 1.0))
    monkeypatch.setattr(room, "speed", timed)
    with pytest.raises(InterruptedError):
        list(bench([parse("onnx")], [corpus] * sets, teacher=teacher, sentences=5))
    assert asked == [pytest.approx(wanted)]


def test_energy_is_the_median_power_times_the_seconds_of_a_pass() -> None:
    passes = [0]
    readings = iter([Spent(10.0, 1.0, "a"), Spent(30.0, 1.0, "b"), Spent(40.0, 2.0, "c")])

    def spent(work: Callable[[], object]) -> Spent:
        passes.append(0)
        work()
        return next(readings)

    def once() -> None:
        passes[-1] += 1

    run: Any = SimpleNamespace(meter=SimpleNamespace(spent=spent))
    found = Stand([], {}, {}, run)._energy("int8", once, 0.03, Journal())
    assert found == Spent(pytest.approx(20 * 0.03), 0.03, "c")
    assert passes == [1, 4, 4, 4], "one to warm up, then a tenth of a second each"
