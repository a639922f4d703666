from pathlib import Path

import pytest

from mma_core.errors import DataError
from mma_core.measure import ablations
from mma_core.training.loop import Settings
from mma_core.training.plans import Mixture, Stage, read_plans


def test_the_shipped_plans_are_read() -> None:
    plans = read_plans()
    assert set(plans) == {"multi", "en"}
    assert all(stage.mixture.languages == ("en",) for stage in plans["en"] if stage.task == "ner")
    for name, stages in plans.items():
        compared = ablations.read_plan(name)
        assert compared.after <= len(stages)
        assert len(compared.stages) >= 7
        assert set(compared.stages) == set(compared.changes)


def test_keys_find_their_places(tmp_path: Path) -> None:
    path = tmp_path / "plans.toml"
    path.write_text('[[x]]\nname = "a"\nsteps = 3\nswap = 0.5\nsources = ["uner"]\ndropout = 0.1\n', "utf-8")
    assert read_plans(path) == {"x": [Stage("a", Settings(steps=3), Mixture(sources=("uner",), swap=0.5), dropout=0.1)]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[[x]]\nname = "a"\nsteps = 3\nsteeps = 3', "plans.toml, x: unknown key 'steeps'; known: average, batch_size"),
        ('[[x]]\nname = "a"', "plans.toml, x: .*steps"),
        ("[[x]]\nsteps = 3", "plans.toml, x: .*name"),
        ("[[x", "cannot read the training plan"),
    ],
)
def test_a_bad_plan_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_plans(path)


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.toml"):
        read_plans(tmp_path / "nothing.toml")
