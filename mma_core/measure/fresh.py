"""A recipe in a fresh process: the time until its first tags, and its peak memory."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import build
from ..processes import pool
from ..recipe import parse


@dataclass(frozen=True)
class Fresh:
    """What a process costs that opens a recipe's tagger and tags some texts.

    Attributes:
        cold_start_s: seconds from the start of the process to the first text's tags, imports and all.
        peak_rss_mb: peak resident memory in MB (10^6 bytes), imports included.
    """

    cold_start_s: float
    peak_rss_mb: float


def fresh(recipe: str, *, teacher: str, threads: int, texts: Sequence[str], language: str) -> Fresh:
    """Start such a process; the artifact must have been built, and its files are in the system's cache."""
    began = time.time()
    with pool(1) as processes:
        answered, peak = processes.submit(_tag, recipe, teacher, threads, list(texts), language).result()
    return Fresh(round(answered - began, 2), round(peak / 1e6, 1))


def _tag(recipe: str, teacher: str, threads: int, texts: list[str], language: str) -> tuple[float, int]:
    tagger = build.tagger(parse(recipe), teacher=teacher, threads=threads)
    tagger.tag_texts(texts[:1], language)
    answered = time.time()
    tagger.tag_texts(texts, language)
    return answered, _peak_bytes()


def _peak_bytes() -> int:
    # On Linux a new process inherits its parent's `ru_maxrss`; the high-water mark of its own memory does not.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
