"""Files of JSON lines that only grow: half a line at the end is what a killed writer left there, and is no line."""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read(path: Path) -> list[bytes]:
    """The whole lines of a file, without their line breaks; empty ones too, so that a line's number is its place."""
    *whole, last = path.read_bytes().split(b"\n")
    return whole if _torn(last) else [*whole, last]


def append(path: Path, contents: Iterable[Any]) -> None:
    """Add JSON values, one a line, and flush them to the disk, after cutting off half a line at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    added = "".join(json.dumps(content, ensure_ascii=False) + "\n" for content in contents)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = file.read().rpartition(b"\n")[2]
        if _torn(last):
            file.truncate(file.tell() - len(last))
        elif last:
            file.write(b"\n")
        file.write(added.encode())
        file.flush()
        os.fsync(file.fileno())


def _torn(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return bool(line)
    return False
