"""Who takes part, and what each is given."""

import hashlib
import inspect
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from mma_core import engines, machine, sources
from mma_core.folders import cache_root

from .contenders.flair_crf import FlairCRF
from .contenders.optimum_int8 import OptimumInt8
from .contenders.ours import Ours
from .contenders.spacy_cnn import SpacyCNN
from .contenders.transformers_pipeline import TransformersPipeline
from .environments import interpreter, requirements
from .errors import RivalError
from .rival import Job, Rival
from .texts import SEED
from .worker import running

log = logging.getLogger("benchmarks")


def contenders(languages: Sequence[str]) -> list[Rival]:
    """All who can take part on this CPU; the baseline first."""
    ours = ["onnx", "int8", "int8static", f"vocab:{','.join(sorted(set(languages)))}+int8"]
    if engines.has_bf16():
        ours.append("bf16")
    return [
        TransformersPipeline(1),
        TransformersPipeline(32),
        OptimumInt8(1),
        OptimumInt8(32),
        SpacyCNN(),
        FlairCRF(),
        *(Ours(recipe) for recipe in ours),
    ]


def job(rival: Rival, teacher: str, training: Path) -> Job:
    """What a contender is given; its folder is named by all that decides what it makes."""
    source = sources.locate(teacher)
    vnni = machine.has_vnni()
    code = Path(inspect.getfile(type(rival))).read_text(encoding="utf-8")
    decisive = [code, source.sha256, training.name, str(vnni)]
    if rival.environment:
        decisive.append(requirements(rival.environment).read_text(encoding="utf-8"))
    key = hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:12]
    return Job(
        teacher=teacher,
        checkpoint=str(source.folder),
        training=str(training),
        folder=str(cache_root() / "benchmarks" / f"{type(rival).__name__}-{key}"),
        threads=machine.available_threads(),
        seed=SEED,
        vnni=vnni,
    )


def prepare(rivals: Sequence[Rival], jobs: Mapping[str, Job]) -> dict[str, Path]:
    """Install and make what contenders need, and open each once; who cannot be had is left out, and the log says why.

    Returns:
        Name → interpreter of each who can take part.

    Raises:
        RivalError: the baseline or one of ours is missing.
    """
    ready = {}
    for rival in rivals:
        log.info("preparing %s", rival.name)
        try:
            python = interpreter(rival.environment)
            with running(rival, jobs[rival.name], python) as worker:
                worker.ask("prepare")
                worker.ask("open")
            ready[rival.name] = python
        except RivalError as error:
            if not rival.environment:
                raise
            log.warning("left out: %s", error)
    return ready
