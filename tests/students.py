"""What students learn from, small: the tiny corpus and a tiny teacher's outputs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tiny
from builds import quiet

from mma_core.checkpoint import Checkpoint
from mma_core.training.loop import Report
from mma_core.training.material import Material
from mma_core.training.ner import encode


def material_of(teacher: Checkpoint, shared: Path) -> Material:
    """The tiny corpus, labelled, as one file."""
    encoded = encode(teacher.tokenizer, tiny.corpus(), labels=teacher.labels)
    return Material(teacher, encoded, np.zeros(len(encoded), dtype=np.int64), shared)


def world_at(work: Path, report: Report = quiet) -> Any:
    """What of a world the phases of a training use."""
    return SimpleNamespace(work=work, report=report, seed=5)
