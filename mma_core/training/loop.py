"""The one training loop: fixed batch plan, warm-up and linear decay, exact resume, progress."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters of one run.

    Attributes:
        steps: optimiser steps.
        batch_size: sentences a step.
        learning_rate: peak rate of the body.
        head_factor: the head's rate as a multiple of the body's.
        warmup: share of the steps with a rising rate.
        weight_decay: AdamW's, on matrices only.
        clip: maximum gradient norm.
        seed: of the batch plan and of dropout.
        save_every: steps between two checkpoints.
    """

    steps: int
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_factor: float = 5.0
    warmup: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 13
    save_every: int = 200


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
        For each step the indices of its sentences.
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
    return batches


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(where: torch.device) -> torch.autocast:
    """bf16 where the hardware has it (a CPU without it emulates it a hundred times slower)."""
    fast = where.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=fast)


def fit(
    model: torch.nn.Module,
    *,
    batches: Sequence[np.ndarray],
    loss: Callable[[torch.nn.Module, np.ndarray], torch.Tensor],
    settings: Settings,
    folder: Path,
    report: Report,
) -> None:
    """Train in place; a run that was cut off goes on from its last checkpoint in `folder`.

    Args:
        model: parameters with `requires_grad` are trained; those whose name has "classifier" at the head's rate.
        batches: one entry a step, handed to `loss`.
        loss: (model, batch) → scalar tensor on the model's device.
        settings: hyper-parameters.
        folder: checkpoints (safetensors), and `log.jsonl` with step, loss, sentences per second and rate.
        report: progress from 0 to 1 with loss, sentences per second and time left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(_parameter_groups(model, settings), betas=(0.9, 0.999))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, settings))
    done = _resume(model, optimizer, schedule, folder, settings)
    where = next(model.parameters()).device
    clock = _Clock(folder / "log.jsonl", settings, report)
    model.train()
    for step in range(done, settings.steps):
        torch.manual_seed(settings.seed * 1_000_003 + step)
        with autocast(where):
            value = loss(model, batches[step])
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        clock.tick(step + 1, value.detach(), len(batches[step]), schedule.get_last_lr()[0])
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            _save(model, optimizer, step + 1, folder, settings)
    model.eval()


def _rate(step: int, settings: Settings) -> float:
    rising = settings.warmup * settings.steps
    return min((step + 1) / max(rising, 1), (settings.steps - step) / max(settings.steps - rising, 1))


def _parameter_groups(model: torch.nn.Module, settings: Settings) -> list[dict[str, object]]:
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(("classifier" in name, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate * (settings.head_factor if head else 1.0),
            "weight_decay": settings.weight_decay if matrix else 0.0,
        }
        for (head, matrix), parameters in groups.items()
    ]


class _Clock:
    """Smooths loss and speed, writes the log, tells the time left."""

    def __init__(self, log: Path, settings: Settings, report: Report, every: int = 10) -> None:
        self._log, self._settings, self._report, self._every = log, settings, report, every
        self._since, self._sentences = time.perf_counter(), 0
        self._losses: list[torch.Tensor] = []

    def tick(self, step: int, loss: torch.Tensor, sentences: int, rate: float) -> None:
        self._losses.append(loss)
        self._sentences += sentences
        if step % self._every and step != self._settings.steps:
            return
        seconds = time.perf_counter() - self._since
        speed = self._sentences / seconds
        mean = float(torch.stack(self._losses).float().mean())
        left = (self._settings.steps - step) * self._settings.batch_size / speed
        row = {"step": step, "loss": round(mean, 4), "sentences_per_s": round(speed, 1), "rate": rate}
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        self._report(step / self._settings.steps, f"loss {mean:.3f}, {speed:.0f} sentences/s, {left / 60:.0f} min left")
        self._since, self._sentences, self._losses = time.perf_counter(), 0, []


def _trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def _save(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, folder: Path, settings: Settings
) -> None:
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in _trained(model).items():
        tensors[name] = parameter.detach().contiguous()
        for key in ("exp_avg", "exp_avg_sq"):
            tensors[f"{name}/{key}"] = optimizer.state[parameter][key].contiguous()
    metadata = {"step": str(step), "settings": json.dumps(asdict(settings))}
    partial = folder / "state.partial"
    save_file(tensors, partial, metadata=metadata)
    partial.replace(folder / "state.safetensors")


def _resume(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    folder: Path,
    settings: Settings,
) -> int:
    path = folder / "state.safetensors"
    if not path.exists():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    if json.loads(metadata["settings"]) != asdict(settings):
        return 0
    step, tensors = int(metadata["step"]), load_file(path)
    with torch.no_grad():
        for name, parameter in _trained(model).items():
            parameter.copy_(tensors[name])
            state = {key: tensors[f"{name}/{key}"].to(parameter.device) for key in ("exp_avg", "exp_avg_sq")}
            optimizer.state[parameter] = {"step": torch.tensor(float(step)), **state}
    schedule.last_epoch = step
    for group, base in zip(optimizer.param_groups, schedule.base_lrs, strict=True):
        group["lr"] = base * _rate(step, settings)
    return step
