from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from transformers import AutoTokenizer, BertForTokenClassification

from mma_core import sources
from mma_core.errors import DataError
from mma_core.training import encoder, ner, teacher
from mma_core.training.loop import Settings
from mma_core.training.plans import Mixture, Stage
from mma_core.training.teacher import run_stages, train, write_checkpoint

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
TEXT = "Angela\tB-PER\nbesuchte\tO\nMünchen\tB-LOC\n\nSiemens\tB-ORG\n\n" * 4
PLAN = """
[[multi]]
name = "all"
steps = 3
batch_size = 2

[[multi]]
name = "gold"
steps = 2
batch_size = 2
sources = ["uner"]
"""


def silent(fraction: float, desc: str) -> None:
    assert 0 <= fraction <= 1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("uner/da", "wikineural/de"):
        path = tmp_path / "data" / "ner" / name / "train.conll"
        path.parent.mkdir(parents=True)
        path.write_text(TEXT, encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def tiny_encoder(tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the built-in one."""
    start = tiny_teacher("bert")
    real = ner.initial_model
    monkeypatch.setattr(ner, "initial_model", lambda stage, folder: real(stage, folder or start))
    monkeypatch.setattr(encoder, "package_file", Path)
    monkeypatch.setattr(encoder, "read", lambda path: encoder.PackedEncoder({}, []))
    monkeypatch.setattr(encoder, "tokenizer", lambda pieces: tiny.tokenizer("bert"))
    monkeypatch.setattr(encoder, "MASK", "[MASK]")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return BertForTokenClassification.from_pretrained(folder).state_dict()


def same(first: Path, second: Path) -> bool:
    other = weights(second)
    return all(torch.equal(value, other[name]) for name, value in weights(first).items())


def test_stages_follow_each_other_and_are_kept(tmp_path: Path, data: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLAN, encoding="utf-8")
    made = train("multi", data=data, work=tmp_path / "work", plans=plans, report=silent)
    first, second = sorted(path for path in (tmp_path / "work").iterdir())
    assert first.name.startswith("1-all-")
    assert made.folder == second / "checkpoint"
    assert not same(first / "checkpoint", made.folder)
    assert made.record["files"] == {"uner": 1, "wikineural": 1}
    assert made.record["available"] == {"da": 8, "de": 8}
    assert set(made.record["seen"]) == {"da", "de"}
    assert 1 <= made.record["seen"]["da"] <= 8
    written = (made.folder / "model.safetensors").stat().st_mtime_ns
    assert train("multi", data=data, work=tmp_path / "work", plans=plans, report=silent) == made
    assert (made.folder / "model.safetensors").stat().st_mtime_ns == written


def cut_off(real: Callable[..., Any]) -> Callable[..., Any]:
    def save(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    return save


def test_a_training_that_was_cut_off_ends_where_an_unbroken_one_does(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [Stage("a", Settings(steps=6, batch_size=2, save_every=2), Mixture(swap=0.5, drop=0.2))]
    unbroken = run_stages("multi", stages, data=data, work=tmp_path / "unbroken", report=silent)
    from mma_core.training import loop

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop._Run, "save", cut_off(loop._Run.save))
        run_stages("multi", stages, data=data, work=tmp_path / "cut", report=silent)
    resumed = run_stages("multi", stages, data=data, work=tmp_path / "cut", report=silent)
    assert same(unbroken.folder, resumed.folder)


def test_a_stage_may_be_the_mean_of_those_before(tmp_path: Path, data: Path) -> None:
    settings = Settings(steps=2, batch_size=4, warmup=0)
    stages = [Stage("a", settings), Stage("b", settings), Stage("mean", Settings(steps=0), mean_of=2)]
    made = run_stages("multi", stages, data=data, work=tmp_path, report=silent)
    first, second, soup = (weights(folder) for folder in made.folders)
    for name, value in soup.items():
        assert torch.allclose(value, (first[name] + second[name]) / 2, atol=1e-7)
    assert torch.equal(soup[EMBEDDINGS], first[EMBEDDINGS])
    assert not torch.equal(soup["classifier.weight"], first["classifier.weight"])
    assert made.folder == made.folders[-1]


def test_a_mean_may_take_in_a_built_in_teacher(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(steps=2, batch_size=4, warmup=0)
    shipped = run_stages("multi", [Stage("a", settings)], data=data, work=tmp_path / "a", report=silent).folder
    monkeypatch.setattr(teacher.builtin, "names", lambda: ("shipped",))
    monkeypatch.setattr(teacher.sources, "locate", lambda name: sources.Source(name, shipped, "1" * 64))
    other = Stage("b", Settings(steps=2, batch_size=4, warmup=0, seed=2), start="encoder")
    stages = [other, Stage("mean", Settings(steps=0), mean_of=1, start="shipped")]
    *_, last, soup = run_stages("multi", stages, data=data, work=tmp_path / "b", report=silent).folders
    first, second = weights(shipped), weights(last)
    assert not torch.equal(first["classifier.weight"], second["classifier.weight"])
    for name, value in weights(soup).items():
        assert torch.allclose(value, (first[name] + second[name]) / 2, atol=1e-7)


@pytest.mark.parametrize("train_embeddings", [False, True])
def test_word_embeddings_stay_unless_they_are_to_learn(tmp_path: Path, data: Path, train_embeddings: bool) -> None:
    start = ner.initial_model(Stage("a", Settings(steps=1)), None).state_dict()
    stages = [Stage("a", Settings(steps=2, batch_size=4, warmup=0), train_embeddings=train_embeddings)]
    after = weights(run_stages("multi", stages, data=data, work=tmp_path, report=silent).folder)
    assert torch.equal(start[EMBEDDINGS], after[EMBEDDINGS]) != train_embeddings
    assert not torch.equal(start["classifier.weight"], after["classifier.weight"])


def test_a_stage_is_known_by_all_that_determines_it(data: Path) -> None:
    files = ner.labelled(data, Mixture(), tiny.tokenizer("bert")).files
    stage = Stage("a", Settings(steps=1))
    keys = [
        teacher.stage_key(stage, files, "x"),
        teacher.stage_key(Stage("a", Settings(steps=2)), files, "x"),
        teacher.stage_key(Stage("a", Settings(steps=1), Mixture(swap=0.1)), files, "x"),
        teacher.stage_key(stage, files[:1], "x"),
        teacher.stage_key(stage, files, "y"),
    ]
    assert len(set(keys)) == len(keys)
    assert teacher.stage_key(Stage("a", Settings(steps=1)), files, "x") == keys[0]


def test_a_stage_may_begin_with_a_built_in_teacher(data: Path) -> None:
    stage = Stage("a", Settings(steps=1), start="multi")
    assert teacher._start(stage, {}) == sources.locate("multi").folder
    files = ner.labelled(data, Mixture(), tiny.tokenizer("bert")).files
    key = teacher.stage_key(stage, files, "x")
    assert key != teacher.stage_key(stage, files, "y"), "stages after it may go back to those before it"
    assert key != teacher.stage_key(Stage("a", Settings(steps=1), start="en"), files, "x")


def test_a_teacher_of_its_own_does_not_begin_with_a_built_in_one(data: Path, tmp_path: Path) -> None:
    plan = tmp_path / "teachers.toml"
    plan.write_text('[[multi]]\nname = "on"\nsteps = 1\nstart = "en"\n', encoding="utf-8")
    with pytest.raises(DataError, match="stage on starts from en, as ablations alone may"):
        train("multi", data=data, work=tmp_path, plans=plan, report=silent)


def test_an_unknown_teacher_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no teacher 'fr'; known: multi, en"):
        train("fr", data=data, work=tmp_path, report=silent)


def test_a_checkpoint_is_a_stock_folder(tiny_teacher: Callable[[str], Path], tmp_path: Path) -> None:
    model = BertForTokenClassification.from_pretrained(tiny_teacher("bert"))
    built = tiny.tokenizer("bert")
    folder = write_checkpoint(model, built, tmp_path / "checkpoint")
    again = BertForTokenClassification.from_pretrained(folder)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    assert AutoTokenizer.from_pretrained(folder)("Angela besuchte")["input_ids"] == built.encode("Angela besuchte").ids
