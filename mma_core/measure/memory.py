"""Peak memory of a fresh process that opens a recipe's tagger and tags some texts."""

import multiprocessing
import resource
from collections.abc import Sequence
from pathlib import Path

from .. import build
from ..recipe import parse


def peak_rss_mb(recipe: str, *, teacher: str, texts: Sequence[str], language: str) -> float:
    """Peak resident memory in MB (10^6 bytes), imports included; the artifact must have been built."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (recipe, teacher, list(texts), language))


def _peak(recipe: str, teacher: str, texts: list[str], language: str) -> float:
    build.tagger(parse(recipe), teacher=teacher).tag_texts(texts, language)
    return round(_peak_bytes() / 1e6, 1)


def _peak_bytes() -> int:
    # On Linux a new process inherits its parent's `ru_maxrss`; the high-water mark of its own memory does not.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
