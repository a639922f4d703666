"""Where the user's files live; `MMA_CACHE` moves all of them."""

import os
from pathlib import Path

import platformdirs


def cache_root() -> Path:
    """The cache: unpacked teachers and built artifacts. It can be deleted at any time."""
    override = os.environ.get("MMA_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("mma-explorer"))


def data_root() -> Path:
    """What the user made here and wants to keep: own measurements."""
    override = os.environ.get("MMA_CACHE")
    return Path(override) / "data" if override else Path(platformdirs.user_data_dir("mma-explorer"))
