"""Where the user's files live; `MMA_CACHE` moves all of them."""

import os
import shutil
from contextlib import suppress
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


def usable(folder: Path) -> Path | None:
    """A folder of the cache, made if it is missing; None where nothing can be written there, which costs only time."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder if os.access(folder, os.W_OK) else None


def lock_of(folder: Path) -> Path:
    """The lock that whoever fills a folder of the cache holds."""
    return folder.with_name(f"{folder.name}.lock")


def make_room(folder: Path, most: int) -> None:
    """Delete the folders beside one that were used the longest ago, until the others take at most `most` bytes."""
    from filelock import FileLock, Timeout

    others = [path for path in folder.parent.iterdir() if path.is_dir() and path != folder]
    newest_first = sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    kept = 0
    for other in newest_first:
        kept += sum(path.stat().st_size for path in other.iterdir())
        if kept > most:
            # Whoever is filling it holds its lock; who reads it has its files open.
            with suppress(Timeout), FileLock(lock_of(other), timeout=0):
                shutil.rmtree(other)
