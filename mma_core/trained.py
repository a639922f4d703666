"""The checkpoints of steps that train, kept so that `layers:6+bf16` does not learn again what `layers:6` did.

They are kept by what determined them, as artifacts are, and can be deleted at any time.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint
from .errors import ArtifactError
from .folders import cache_root, lock_of, make_room

MOST_BYTES = 8 << 30


def read(key: str, teacher: Checkpoint) -> Checkpoint | None:
    """A checkpoint that was kept, or None where there is none that is whole.

    Args:
        key: of what determined it.
        teacher: what it was made from; where both cut text alike, they share one tokenizer.
    """
    folder = _folder(key)
    if not folder.is_dir():
        return None
    try:
        found = checkpoints.load(str(folder))
    except ArtifactError:
        return None
    os.utime(folder)
    same = found.tokenizer.to_str() == teacher.tokenizer.to_str()
    tokenizer = teacher.tokenizer if same else found.tokenizer
    return replace(found, tokenizer=tokenizer, name=teacher.name, sha256=teacher.sha256)


def write(key: str, made: Checkpoint) -> None:
    """Keep a checkpoint, in place of those that were used the longest ago where they take too much room."""
    folder = _folder(key)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock_of(folder)):
        partial = folder.with_name(f".{folder.name}.partial")
        made.model.save_pretrained(partial)
        made.tokenizer.save(str(partial / "tokenizer.json"))
        shutil.rmtree(folder, ignore_errors=True)  # one that was not whole, or another's of the same
        partial.rename(folder)
    make_room(folder, MOST_BYTES)


def _folder(key: str) -> Path:
    return cache_root() / "checkpoints" / key
