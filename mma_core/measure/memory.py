"""Peak memory of a fresh process that opens a recipe's tagger and tags some texts."""

import multiprocessing
import resource
import sys
from collections.abc import Sequence

from .. import build
from ..recipe import parse


def peak_rss_mb(recipe: str, *, teacher: str, texts: Sequence[str], language: str) -> float:
    """Peak resident memory in MB (10^6 bytes), imports included; the artifact must have been built."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak, (recipe, teacher, list(texts), language))


def _peak(recipe: str, teacher: str, texts: list[str], language: str) -> float:
    build.tagger(parse(recipe), teacher=teacher).tag_texts(texts, language)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6, 1)
