"""Ablations are compared as they were measured."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mma_core.data import Corpus
from mma_core.errors import DataError
from mma_core.measure import ablations, checkpoints
from mma_core.measure.ablations import difference, kinds
from mma_core.measure.checkpoints import Scores, score
from mma_core.progress import quiet
from mma_core.training import plans, teacher
from mma_core.training.teacher import Trained

KINDS = ("gold", "gold", "silver", "zero-shot")


def scores(right: list[int]) -> Scores:
    """Four sentences in each of four files, each with two gold entities and two found ones."""
    counts = np.array([(number, 2, 2) for number in right])
    return Scores(counts, np.repeat(np.arange(4), 4), KINDS)


def test_macro_is_the_mean_over_files() -> None:
    found = scores([2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 0, 0])
    assert found.macro("gold") == pytest.approx(50)
    assert found.macro("silver") == pytest.approx(50)
    assert found.macro("zero-shot") == pytest.approx(50)
    assert np.isnan(found.macro("other"))


def test_a_run_beside_itself_does_not_differ() -> None:
    one = scores([2, 1, 0, 2] * 4)
    assert difference(one, one, "gold") == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_what_is_always_better_is_surely_better() -> None:
    found = difference(scores([2] * 16), scores([1] * 16), "zero-shot")
    assert found == {"difference": 50.0, "low": 50.0, "high": 50.0, "p": 0.0}


@given(st.lists(st.integers(0, 2), min_size=16, max_size=16), st.lists(st.integers(0, 2), min_size=16, max_size=16))
def test_the_difference_turns_with_its_sides(one: list[int], other: list[int]) -> None:
    there, back = (difference(scores(a), scores(b), "gold") for a, b in ((one, other), (other, one)))
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["low"], there["high"]) == pytest.approx((-back["high"], -back["low"]), abs=0.011)
    assert there["p"] == pytest.approx(back["p"])


@pytest.fixture
def dev(tmp_path: Path) -> list[Corpus]:
    found = []
    for name in ("uner/da", "uner/ar", "wikiann/de"):
        path = tmp_path / "data" / "ner" / name / "dev.conll"
        path.parent.mkdir(parents=True)
        path.write_text("Angela\tB-PER\n\nhier\tO\nin\tO\nMünchen\tB-LOC\n", encoding="utf-8")
        found.append(Corpus(*name.split("/"), "dev", path))
    return found


def test_a_checkpoint_is_scored_on_dev_files(tiny_teacher: Callable[[str], Path], dev: list[Corpus]) -> None:
    found = score(tiny_teacher("bert"), dev, 50, kinds(dev, {"da", "de"}))
    assert found.kinds == ("gold", "zero-shot", "silver")
    assert found.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.counts[:, 2].tolist() == [1, 1] * 3
    assert (found.counts[:, 0] <= found.counts[:, 1:].min(axis=1)).all()
    assert found.counts[:2].tolist() == found.counts[2:4].tolist()


def test_a_score_is_kept_until_the_files_change(
    tiny_teacher: Callable[[str], Path], tmp_path: Path, dev: list[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stage" / "checkpoint"
    shutil.copytree(tiny_teacher("bert"), folder)
    names = kinds(dev, {"da"})
    first = score(folder, dev, 50, names)
    asked: list[Path] = []
    real = checkpoints.tagger
    monkeypatch.setattr(checkpoints, "tagger", lambda path: asked.append(path) or real(path))
    again = score(folder, dev, 50, names)
    assert (again.counts.tolist(), again.groups.tolist()) == (first.counts.tolist(), first.groups.tolist())
    assert not asked
    dev[0].path.write_text("Angela\tB-PER\n", encoding="utf-8")
    assert len(score(folder, dev, 50, names).counts) == len(first.counts) - 1
    assert asked == [folder]


@pytest.fixture
def world(
    tmp_path: Path, dev: list[Corpus], tiny_teacher: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A plan of a control and two variants; their training is replaced by the tiny teacher."""
    plan = tmp_path / "ablations.toml"
    plan.write_text(
        "[en]\nsentences = 2\n[en.control]\nsteps = 4\n[en.variants]\nb = { swap = 0.5 }\nc = {}\n", "utf-8"
    )
    monkeypatch.setattr(ablations, "TABLE", tmp_path / "table.jsonl")
    real = ablations.read_plan
    monkeypatch.setattr(ablations, "read_plan", lambda name: real(name, plan))

    def run_stages(name: str, stages: list[plans.Stage], **places: object) -> Trained:
        folder = tmp_path / name
        if not folder.exists():
            folder.mkdir()
            (folder / "checkpoint").symlink_to(tiny_teacher("bert"))
            if stages[-1].settings.steps:
                (folder / "log.jsonl").write_text('{"sentences_per_s": 64.0}\n', encoding="utf-8")
        return Trained((folder / "checkpoint",), {"seen": {"da": 1}})

    monkeypatch.setattr(teacher, "run_stages", run_stages)
    return tmp_path


def test_every_run_has_its_row_beside_the_control(world: Path) -> None:
    rows = ablations.run("en", [], data=world / "data", work=world, report=quiet)
    assert [(row["name"], row["changes"]) for row in rows] == [("control", {}), ("b", {"swap": 0.5}), ("c", {})]
    assert all(row["difference"] == 0 and row["p"] == 1 and row["seconds"] == 2 for row in rows)
    assert all(row["dev_sentences"] == 6 and row["judged"] == "gold" for row in rows)
    again = ablations.run("en", ["c"], data=world / "data", work=world, report=quiet)
    assert [row["name"] for row in again] == ["control", "c"]
    lines = (world / "table.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["name"] for line in lines) == ["b", "c", "control"]


def test_a_run_of_no_steps_is_what_it_begins_with(world: Path) -> None:
    plan = world / "ablations.toml"
    plan.write_text(plan.read_text("utf-8").replace("c = {}", "c = { steps = 0 }"), "utf-8")
    rows = ablations.run("en", ["c"], data=world / "data", work=world, report=quiet)
    assert [(row["name"], row["steps"], row["seconds"]) for row in rows] == [("control", 4, 2), ("c", 0, 0)]


def test_an_unknown_variant_is_named(world: Path) -> None:
    with pytest.raises(DataError, match="teacher en has no ablation x; known: control, b, c"):
        ablations.run("en", ["x"], data=world / "data", work=world, report=quiet)


def test_a_teacher_without_ablations_is_named(world: Path) -> None:
    with pytest.raises(DataError, match="no ablations for teacher 'fr'; known: en"):
        ablations.run("fr", [], data=world / "data", work=world, report=quiet)


def test_stages_of_no_teacher_are_refused(world: Path) -> None:
    plan = world / "ablations.toml"
    plan.write_text(plan.read_text("utf-8").replace("[en", "[other").replace("sentences = 2", "after = 1"), "utf-8")
    with pytest.raises(DataError, match="other: after = 1, but there is no teacher of that name"):
        ablations.run("other", [], data=world / "data", work=world, report=quiet)
