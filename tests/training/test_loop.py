import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from mma_core.training.loop import Batch, Settings, _rate, fit, non_default, plan_batches

SETTINGS = Settings(steps=12, batch_size=4, learning_rate=1e-2, save_every=4, weight_decay=0.1)
INPUTS = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
TARGETS = torch.randint(0, 3, (40,), generator=torch.Generator().manual_seed(2))
BATCHES = [np.arange(step, step + 4) for step in range(12)]


class Small(torch.nn.Module):
    """A body, a head named as a token classifier's, and a frozen table; dropout, so that chance matters."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.frozen = torch.nn.Parameter(torch.full((6,), 0.5), requires_grad=False)
        torch.manual_seed(seed)
        self.body = torch.nn.Linear(6, 8)
        self.dropout = torch.nn.Dropout(0.3)
        self.classifier = torch.nn.Linear(8, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.dropout(torch.tanh(self.body(inputs * self.frozen))))


def prepare(step: int, indices: np.ndarray) -> Batch:
    return {"inputs": INPUTS[indices], "targets": TARGETS[indices], "step": torch.tensor(step)}


def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(model(batch["inputs"]).float(), batch["targets"])


def cut_off_at(step: int) -> Callable[[torch.nn.Module, Batch], torch.Tensor]:
    def failing(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        if batch["step"] == step:
            raise KeyboardInterrupt
        return loss(model, batch)

    return failing


def silent(fraction: float, desc: str) -> None:
    assert 0 <= fraction <= 1
    assert desc


def trained(folder: Path, settings: Settings = SETTINGS, seed: int = 3) -> dict[str, torch.Tensor]:
    model = Small(seed)
    batches = BATCHES[: settings.steps]
    fit(model, batches=batches, prepare=prepare, loss=loss, settings=settings, folder=folder, report=silent)
    assert not model.training
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("step", [2, 6, 11])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_run_that_was_cut_off_ends_with_exactly_the_weights_of_an_unbroken_one(
    tmp_path: Path, step: int, average: float
) -> None:
    settings = dataclasses.replace(SETTINGS, average=average)
    unbroken = trained(tmp_path / "unbroken", settings)
    with pytest.raises(KeyboardInterrupt):
        fit(
            Small(3),
            batches=BATCHES,
            prepare=prepare,
            loss=cut_off_at(step),
            settings=settings,
            folder=tmp_path / "cut",
            report=silent,
        )
    # Other fresh weights, unless nothing had been saved: what counts is the checkpoint.
    resumed = trained(tmp_path / "cut", settings, seed=3 if step < SETTINGS.save_every else 4)
    assert same(resumed, unbroken)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = trained(tmp_path)
    written = (tmp_path / "state.safetensors").stat().st_mtime_ns
    assert same(trained(tmp_path, seed=4), first)
    assert (tmp_path / "state.safetensors").stat().st_mtime_ns == written


def test_other_parts_begin_anew(tmp_path: Path) -> None:
    class Wider(Small):
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            self.body, self.classifier = torch.nn.Linear(6, 9), torch.nn.Linear(9, 3)

    seen: list[int] = []
    told = {"batches": BATCHES, "settings": SETTINGS, "folder": tmp_path, "report": silent}
    fit(Small(3), prepare=prepare, loss=loss, **told)  # type: ignore[arg-type]

    def noted(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        seen.append(int(batch["step"]))
        return loss(model, batch)

    fit(Wider(3), prepare=prepare, loss=noted, **told)  # type: ignore[arg-type]
    assert seen == list(range(12))


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    trained(tmp_path / "a")
    other = dataclasses.replace(SETTINGS, learning_rate=2e-2)
    assert same(trained(tmp_path / "a", other), trained(tmp_path / "b", other))


def test_what_is_frozen_stays_and_the_rest_learns(tmp_path: Path) -> None:
    before, after = Small(3).state_dict(), trained(tmp_path)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(before) - {"frozen"}


def test_the_head_learns_at_its_own_rate(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, steps=1, warmup=0.0, weight_decay=0.0, head_factor=5.0)
    before, after = Small(3).state_dict(), trained(tmp_path, settings)
    # Adam's first step moves every weight by the learning rate.
    body, head = ((after[name] - before[name]).abs().max() for name in ("body.weight", "classifier.weight"))
    assert body == pytest.approx(1e-2, rel=0.01)
    assert head == pytest.approx(5e-2, rel=0.01)


class Deep(Small):
    """Two layers named as an encoder's."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.encoder = torch.nn.ModuleDict({"layer": torch.nn.ModuleList([torch.nn.Linear(6, 6) for _ in range(2)])})
        self.embeddings = torch.nn.Linear(6, 6)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.embeddings(inputs)
        for layer in self.encoder["layer"]:
            hidden = layer(hidden)
        return super().forward(hidden)


def test_lower_layers_learn_at_smaller_rates(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, steps=1, warmup=0.0, weight_decay=0.0, layer_decay=0.5)
    model = Deep(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, batches=BATCHES[:1], prepare=prepare, loss=loss, settings=settings, folder=tmp_path, report=silent)
    after = model.state_dict()
    names = ("encoder.layer.1.weight", "encoder.layer.0.weight", "embeddings.weight")
    moved = [float((after[name] - before[name]).abs().max()) for name in names]
    assert moved == pytest.approx([1e-2, 5e-3, 2.5e-3], rel=0.01)


def test_averaged_weights_lie_between_those_of_the_run(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, average=0.9)
    first, last = Small(3).state_dict(), trained(tmp_path / "last")
    average = trained(tmp_path / "average", settings)
    assert not same(average, last)
    assert (average["body.weight"] - first["body.weight"]).norm() < (last["body.weight"] - first["body.weight"]).norm()


class Masked(Small):
    """Its body is pruned to the larger half at step 5, and its head learns from step 6 on."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.register_buffer("mask", torch.ones_like(self.body.weight))

    def after(self, step: int) -> None:
        if step == 5:
            self.mask = (self.body.weight.abs() > self.body.weight.abs().median()).float()
        with torch.no_grad():
            self.body.weight.mul_(self.mask)
        for parameter in self.classifier.parameters():
            parameter.requires_grad_(step >= 6)


@pytest.mark.parametrize("step", [2, 5, 6, 10])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_masks_and_thawing_survive_a_cut(tmp_path: Path, step: int, average: float) -> None:
    settings = dataclasses.replace(SETTINGS, average=average, save_every=1)
    ended = {}
    for name in ("unbroken", "cut"):
        model = Masked(3)
        begin = {"batches": BATCHES, "prepare": prepare, "settings": settings, "folder": tmp_path / name}
        if name == "cut":
            with pytest.raises(KeyboardInterrupt):
                fit(model, loss=cut_off_at(step), report=silent, after=model.after, **begin)
            model = Masked(4)  # what counts is the checkpoint
        fit(model, loss=loss, report=silent, after=model.after, **begin)
        ended[name] = {key: value.clone() for key, value in model.state_dict().items()}
    assert same(ended["cut"], ended["unbroken"])
    assert int((ended["cut"]["body.weight"] == 0).sum()) == ended["cut"]["mask"].numel() // 2


def test_what_thaws_late_stays_until_then_and_begins_as_the_first(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, weight_decay=0.0, head_factor=1.0, warmup=0.0)
    model, heads = Masked(3), []

    def after(step: int) -> None:
        model.after(step)
        heads.append(model.classifier.weight.detach().clone())

    fit(
        model,
        batches=BATCHES,
        prepare=prepare,
        loss=loss,
        settings=settings,
        folder=tmp_path,
        report=silent,
        after=after,
    )
    assert all(torch.equal(head, heads[0]) for head in heads[:7])
    # Adam's first step moves every weight by the learning rate, which has fallen to a half.
    assert (heads[7] - heads[6]).abs().max() == pytest.approx(1e-2 * 6 / 12, rel=0.01)


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    code = (
        "import dataclasses, sys; sys.path[:0] = ['tests', 'tests/training'];"
        "import torch; torch.set_num_threads(1); from pathlib import Path; from test_loop import *;"
        "folder = Path(sys.argv[1]);"
        "settings = dataclasses.replace(SETTINGS, steps=3, save_every=1);"
        "model = Small(3); model.dropout.p = 0.0;"
        "fit(model, batches=BATCHES, prepare=prepare, loss=loss, settings=settings, folder=folder,"
        " report=lambda fraction, desc: None)"
    )
    script = tmp_path / "run.py"
    script.write_text(code, encoding="utf-8")
    for folder, processes in (("one", 1), ("two", 2)):
        launch = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", str(processes)]
        options = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
        run = [sys.executable, *launch, *options, str(script), str(tmp_path / folder)]
        environment = {**os.environ, "PYTHONPATH": ".", "OMP_NUM_THREADS": "1"}
        subprocess.run(run, check=True, capture_output=True, env=environment)
    one, two = (load_file(tmp_path / folder / "state.safetensors") for folder in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_a_run_may_end_before_its_schedule(tmp_path: Path) -> None:
    groups = np.zeros(40, dtype=np.int64)
    settings = Settings(steps=20, batch_size=4, save_every=5)
    begun = dataclasses.replace(settings, until=10)
    plans = [plan_batches(np.ones(40), groups, exponent=1, settings=each) for each in (settings, begun)]
    assert [batch.tolist() for batch in plans[1]] == [batch.tolist() for batch in plans[0][:10]]
    fit(Small(3), batches=plans[1], prepare=prepare, loss=loss, settings=begun, folder=tmp_path, report=silent)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["step"] == 10
    assert 0.4 < rows[-1]["rate"] / begun.learning_rate < 0.6


def test_what_is_given_names_a_run_for_good() -> None:
    assert non_default(Settings(steps=3)) == {"steps": 3}
    assert non_default(Settings(steps=3, seed=14, warmup=0.06)) == {"steps": 3, "seed": 14}


def test_the_rate_rises_to_its_peak_and_falls_to_nothing(tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, steps=100, warmup=0.3, save_every=100)
    reports: list[float] = []
    fit(
        Small(3),
        batches=(BATCHES * 9)[:100],
        prepare=prepare,
        loss=loss,
        settings=settings,
        folder=tmp_path,
        report=lambda fraction, desc: reports.append(fraction),
    )
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = [11 / 30, 21 / 30, 1, 60 / 70, 50 / 70, 40 / 70, 30 / 70, 20 / 70, 10 / 70, 0]
    assert [row["rate"] for row in rows] == pytest.approx([1e-2 * share for share in expected])
    assert [row["step"] for row in rows] == list(range(10, 101, 10))
    assert reports == [row["step"] / 100 for row in rows]
    assert all(row["loss"] > 0 and row["sentences_per_s"] > 0 for row in rows)
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_rate_is_held_before_it_falls() -> None:
    settings = dataclasses.replace(SETTINGS, steps=10, warmup=0.2, hold=0.6)
    assert [_rate(step, settings) for step in range(11)] == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0])


sizes = st.lists(st.integers(0, 30), min_size=1, max_size=5).filter(any)


@given(sizes, st.integers(1, 20), st.integers(1, 8), st.floats(0, 1), st.integers(0, 5))
def test_a_plan_is_whole_repeatable_and_fair(
    group_sizes: list[int], steps: int, batch_size: int, exponent: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(group_sizes)), group_sizes)
    lengths = (np.arange(len(groups)) * 7) % 31
    settings = Settings(steps=steps, batch_size=batch_size, seed=seed)
    plan = plan_batches(lengths, groups, exponent=exponent, settings=settings, pool=3)
    again = plan_batches(lengths, groups, exponent=exponent, settings=settings, pool=3)
    assert [batch.tolist() for batch in plan] == [batch.tolist() for batch in again]
    assert [len(batch) for batch in plan] == [batch_size] * steps
    assert all((np.diff(lengths[batch]) >= 0).all() for batch in plan)
    drawn = np.bincount(np.concatenate(plan), minlength=len(groups))
    for group in np.unique(groups):
        times = drawn[groups == group]
        assert times.max() - times.min() <= 1, "a sentence came twice before another came once"


@pytest.mark.parametrize(("exponent", "shares"), [(1.0, (0.8, 0.2)), (0.5, (2 / 3, 1 / 3)), (0.0, (0.5, 0.5))])
def test_corpora_are_drawn_by_size_to_the_exponent(exponent: float, shares: tuple[float, float]) -> None:
    groups = np.repeat([0, 2], [800, 200])  # number 1 is empty
    settings = Settings(steps=500, batch_size=32)
    plan = plan_batches(np.ones(1000), groups, exponent=exponent, settings=settings)
    drawn = np.bincount(groups[np.concatenate(plan)]) / (500 * 32)
    assert drawn == pytest.approx([shares[0], 0, shares[1]], abs=0.02)


def test_another_seed_is_another_plan() -> None:
    groups = np.zeros(100, dtype=np.int64)
    plans = [plan_batches(np.ones(100), groups, exponent=1, settings=Settings(steps=5, seed=seed)) for seed in range(2)]
    assert not np.array_equal(*map(np.concatenate, plans))
