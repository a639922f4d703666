"""Virtual environments for rivals whose libraries cannot stand beside ours; made once, in the user's cache."""

import hashlib
import logging
import subprocess
import sys
import venv
from pathlib import Path

from filelock import FileLock

from mma_core.folders import cache_root

from .errors import RivalError

READY = "ready"


def requirements(name: str) -> Path:
    """The pins of an environment."""
    return Path(__file__).with_name(f"requirements-{name}.txt")


def interpreter(name: str) -> Path:
    """The Python of an environment, which is installed if need be; of this process's if the name is empty.

    Raises:
        RivalError: its libraries could not be installed.
    """
    if not name:
        return Path(sys.executable)
    pins = requirements(name)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = hashlib.sha256(version.encode() + pins.read_bytes()).hexdigest()[:12]
    folder = cache_root() / "benchmarks" / "environments" / f"{name}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not (folder / READY).exists():
            _install(folder, pins)
    return folder / "bin" / "python"


def _install(folder: Path, pins: Path) -> None:
    logging.getLogger(__name__).info("installing %s into %s, once", pins.name, folder)
    venv.create(folder, clear=True, with_pip=True, symlinks=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "install", "--requirement", str(pins)], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise RivalError(f"{pins.name} could not be installed: {reason}")
    (folder / READY).touch()
