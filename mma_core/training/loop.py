"""The one training loop: fixed batch plan, warm-up and linear decay, exact resume, several processes, progress."""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ..progress import Report

Batch = dict[str, torch.Tensor]
Prepare = Callable[[int, np.ndarray], Batch]
Loss = Callable[[torch.nn.Module, Batch], torch.Tensor]
After = Callable[[int], None]

AHEAD = 4
LOG_EVERY = 10
# Adam counts the steps of each parameter, which begin when it thaws.
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_LAYER = re.compile(r"\.layer\.(\d+)\.")


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters of one run.

    Attributes:
        steps: optimiser steps of the schedule.
        until: the step after which the run ends, for another to go on from there; 0 for the schedule's last.
        batch_size: sentences a step, over all processes.
        learning_rate: peak rate of the uppermost layer.
        head_factor: the head's rate as a multiple of it.
        layer_decay: each layer's rate as a multiple of that of the layer above; the embeddings stand below the first.
        warmup: share of the steps with a rising rate.
        hold: share of the steps after which the rate begins to fall, in a line to 0; at once after the rise for 0.
        weight_decay: AdamW's, on matrices only.
        clip: maximum gradient norm.
        average: decay of the exponential moving average of the weights that a run ends with; 0 ends with the last.
        seed: of the batch plan and of dropout.
        save_every: steps between two checkpoints.
    """

    steps: int
    until: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_factor: float = 5.0
    layer_decay: float = 1.0
    warmup: float = 0.06
    hold: float = 0.0
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.0
    seed: int = 13
    save_every: int = 200


def non_default(plan: Any) -> dict[str, Any]:
    """The fields of a data class that differ from their defaults: what names a run for good, whatever keys follow."""
    values = {field.name: (getattr(plan, field.name), field.default) for field in fields(plan)}
    return {name: value for name, (value, default) in values.items() if value != default}


def plan_batches(
    lengths: np.ndarray, groups: np.ndarray, *, exponent: float, settings: Settings, pool: int = 50
) -> list[np.ndarray]:
    """Draw every batch of the run in advance, so that a resumed run sees what an unbroken one would.

    A group (a corpus) of n sentences is drawn with probability proportional to n ** exponent; within a group the
    sentences come in random order without replacement until it is used up. Batches are sorted by length within
    pools of `pool` batches.

    Args:
        lengths: length of each sentence in any unit, shape (sentences,).
        groups: corpus number of each sentence, shape (sentences,).
        exponent: 1 samples by size, 0 every corpus alike.
        settings: steps, batch size and seed.
        pool: batches that are sorted together.

    Returns:
        For each step of the run the indices of its sentences.
    """
    rng = np.random.default_rng(settings.seed)
    sizes = np.bincount(groups)
    weights = np.where(sizes > 0, sizes.astype(float) ** exponent, 0.0)
    drawn_groups = rng.choice(len(sizes), size=settings.steps * settings.batch_size, p=weights / weights.sum())
    drawn = np.empty_like(drawn_groups)
    for group in range(len(sizes)):
        places = np.flatnonzero(drawn_groups == group)
        members = np.flatnonzero(groups == group)
        rounds = [rng.permutation(members) for _ in range(-(-len(places) // max(len(members), 1)))]
        drawn[places] = np.concatenate(rounds)[: len(places)] if rounds else []
    batches: list[np.ndarray] = []
    for start in range(0, len(drawn), pool * settings.batch_size):
        chunk = drawn[start : start + pool * settings.batch_size]
        ordered = chunk[np.argsort(lengths[chunk], kind="stable")]
        parts = [ordered[i : i + settings.batch_size] for i in range(0, len(ordered), settings.batch_size)]
        batches += [parts[i] for i in rng.permutation(len(parts))]
    return batches[: settings.until or None]


def accelerator() -> Accelerator:
    """This process's share of the run: a GPU where there is one, several under `accelerate launch`.

    bf16 where the hardware has it; a CPU without it emulates it a hundred times slower.
    """
    return Accelerator(mixed_precision="bf16" if torch.cuda.is_available() or _has_bf16() else "no")


def _has_bf16() -> bool:
    return torch.cpu._is_avx512_bf16_supported()


def attention() -> str:
    """The implementation of attention that trains fastest here, as transformers names it.

    In bf16 the backward pass of PyTorch's fused attention takes more than half of a step on a CPU (2.13).
    """
    return "eager" if _has_bf16() and not torch.cuda.is_available() else "sdpa"


def fit(  # noqa: PLR0913  (what is trained, on what, how, and where it is kept)
    model: torch.nn.Module,
    *,
    batches: Sequence[np.ndarray],
    prepare: Prepare,
    loss: Loss,
    settings: Settings,
    folder: Path,
    report: Report,
    after: After | None = None,
) -> None:
    """Train in place; a run that was cut off goes on from its last checkpoint in `folder`.

    A checkpoint holds every trained parameter, whether or not it learns at that step, and every persistent buffer, so
    that masks kept as buffers come back too.

    Args:
        model: parameters with `requires_grad` are trained; those whose name has "classifier" at the head's rate.
        batches: one entry a step to run, handed to `prepare`; with several processes each takes its part
        prepare: (step, part of the batch) → tensors on the CPU. It is called ahead of the step in a thread of its
            own, so chance in it must come from a generator seeded by the step.
        loss: (model, tensors on the model's device) → scalar.
        settings: hyper-parameters.
        folder: checkpoints (safetensors), and `log.jsonl` with step, loss, sentences per second and rate.
        report: progress from 0 to 1 with loss, sentences per second and time left.
        after: (steps done) → nothing; it may change weights, as masks do, or `requires_grad` of trained parameters, as
            gradual unfreezing does. It is called before the first step too, and again for a step that is taken up
            or that the run ends with, so it must depend on model and step alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    machine = accelerator()
    wrapped = machine.prepare_model(model)
    run = _Run(model, settings)
    done = run.resume(folder)
    change = after or _nothing
    change(done)
    mine = [batch[machine.process_index :: machine.num_processes] for batch in batches]
    clock = _Clock(folder / "log.jsonl", len(mine), report, main=machine.is_main_process)
    model.train()
    for step, batch in _ahead(prepare, mine, done, len(mine)):
        torch.manual_seed(settings.seed * 1_000_003 + step * machine.num_processes + machine.process_index)
        with machine.autocast():
            value = loss(wrapped, {name: tensor.to(machine.device) for name, tensor in batch.items()})
        machine.backward(value)
        run.advance()
        change(step + 1)
        run.average()
        clock.tick(step + 1, value.detach(), len(batches[step]), run.rate)
        if machine.is_main_process and ((step + 1) % settings.save_every == 0 or step + 1 == len(mine)):
            run.save(folder, step + 1)
    run.finish()
    change(len(mine))
    machine.wait_for_everyone()
    model.eval()


def _nothing(step: int) -> None:
    """Change nothing."""


def _ahead(prepare: Prepare, batches: Sequence[np.ndarray], begin: int, end: int) -> Iterator[tuple[int, Batch]]:
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[tuple[int, Future[Batch]]] = deque()
        for step in range(begin, end):
            waiting.append((step, thread.submit(prepare, step, batches[step])))
            if len(waiting) > AHEAD:
                ready, future = waiting.popleft()
                yield ready, future.result()
        for ready, future in waiting:
            yield ready, future.result()


def _rate(step: int, settings: Settings) -> float:
    rising = settings.warmup * settings.steps
    falling = max(rising, settings.hold * settings.steps)
    return min((step + 1) / max(rising, 1), 1.0, (settings.steps - step) / max(settings.steps - falling, 1))


class _Run:
    """Optimiser, schedule and averaged weights of one run, and their checkpoint."""

    def __init__(self, model: torch.nn.Module, settings: Settings) -> None:
        self._settings = settings
        self._parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(_parameter_groups(self._parameters, settings), fused=True)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: _rate(step, settings))
        self._averages = {name: p.detach().clone() for name, p in self._parameters.items() if settings.average}
        self._model = model

    @property
    def rate(self) -> float:
        """The next step's rate of the uppermost layer."""
        return self._settings.learning_rate * _rate(self._schedule.last_epoch, self._settings)

    @property
    def _buffers(self) -> Batch:
        persistent = self._model.state_dict().keys()
        return {name: buffer for name, buffer in self._model.named_buffers() if name in persistent}

    def advance(self) -> None:
        """One step along the gradients that stand in the parameters."""
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), self._settings.clip)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)

    def average(self) -> None:
        """Take the weights of this step into the averages."""
        # The young average must not be held by the first weights, so its decay grows with the steps.
        step = self._schedule.last_epoch
        decay = min(self._settings.average, (1 + step) / (10 + step))
        for name, average in self._averages.items():
            average.lerp_(self._parameters[name].detach(), 1 - decay)

    def finish(self) -> None:
        """Put the averaged weights into the model."""
        with torch.no_grad():
            for name, average in self._averages.items():
                self._parameters[name].copy_(average)

    def save(self, folder: Path, step: int) -> None:
        """Write all that `resume` needs."""
        tensors = {f"{name}/buffer": value.contiguous() for name, value in self._buffers.items()}
        for name, parameter in self._parameters.items():
            tensors[name] = parameter.detach().contiguous()
            # A parameter that has not learnt yet has none of these.
            tensors |= {f"{name}/{key}": v.contiguous() for key, v in self._optimizer.state[parameter].items()}
        tensors |= {f"{name}/average": average for name, average in self._averages.items()}
        metadata = {"step": str(step), "settings": json.dumps(non_default(self._settings))}
        partial = folder / "state.partial"
        save_file(tensors, partial, metadata=metadata)
        partial.replace(folder / "state.safetensors")

    def resume(self, folder: Path) -> int:
        """Take up the checkpoint of a run with the same settings; returns the steps that it had done."""
        path = folder / "state.safetensors"
        step = self._steps_of(path) if path.exists() else 0
        if not step:
            return 0
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(tensors[name])
                found = {key: tensors[f"{name}/{key}"] for key in _MOMENTS if f"{name}/{key}" in tensors}
                if found:
                    state = {"step": torch.tensor(float(step)), **found}
                    self._optimizer.state[parameter] = {k: v.to(parameter.device) for k, v in state.items()}
            for name, average in self._averages.items():
                average.copy_(tensors[f"{name}/average"])
            for name, value in self._buffers.items():
                value.copy_(tensors[f"{name}/buffer"])
        self._schedule.last_epoch = step
        for group, base in zip(self._optimizer.param_groups, self._schedule.base_lrs, strict=True):
            group["lr"] = base * _rate(step, self._settings)
        return step

    def _steps_of(self, path: Path) -> int:
        """How many steps a checkpoint had done; 0 for one of other settings, or of other parts than these."""
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118  (it is no dictionary)
        fits = all(shapes.get(name) == list(parameter.shape) for name, parameter in self._parameters.items())
        same = json.loads(metadata["settings"]) == non_default(self._settings)
        return int(metadata["step"]) if fits and same else 0


def _parameter_groups(parameters: dict[str, torch.nn.Parameter], settings: Settings) -> list[dict[str, object]]:
    depths = [int(found[1]) for found in map(_LAYER.search, parameters) if found]
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in parameters.items():
        factor = _factor(name, settings, layers=max(depths, default=-1) + 1)
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": members,
            "lr": settings.learning_rate * factor,
            "weight_decay": settings.weight_decay if matrix else 0.0,
        }
        for (factor, matrix), members in groups.items()
    ]


def _factor(name: str, settings: Settings, layers: int) -> float:
    if "classifier" in name:
        return settings.head_factor
    found = _LAYER.search(name)
    return settings.layer_decay ** (layers - 1 - int(found[1]) if found else layers)


class _Clock:
    """Smooths loss and speed, writes the log, tells the time left."""

    def __init__(self, log: Path, steps: int, report: Report, *, main: bool) -> None:
        self._log, self._steps, self._report, self._main = log, steps, report, main
        self._since, self._sentences = time.perf_counter(), 0
        self._losses: list[torch.Tensor] = []

    def tick(self, step: int, loss: torch.Tensor, sentences: int, rate: float) -> None:
        self._losses.append(loss)
        self._sentences += sentences
        if not self._main or (step % LOG_EVERY and step != self._steps):
            return
        mean = float(torch.stack(self._losses).float().mean())
        seconds = time.perf_counter() - self._since
        speed = self._sentences / seconds
        left = (self._steps - step) * sentences / speed
        row = {"step": step, "loss": round(mean, 4), "sentences_per_s": round(speed, 1), "rate": rate}
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        self._report(step / self._steps, f"loss {mean:.3f}, {speed:.0f} sentences/s, {left / 60:.0f} min left")
        self._since, self._sentences, self._losses = time.perf_counter(), 0, []
