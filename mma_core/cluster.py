"""A Ray cluster: reaching it, what goes wrong there in words that a user can act on, and files on their way to it.

Ray's machines run each other's code, so a cluster must be the user's own. They need this project's requirements and the
same versions of Python and Ray; code and files come from here.
"""

import logging
import os
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .artifact import transaction
from .errors import MMAError, StorageError, to_show

if TYPE_CHECKING:
    from ray import ObjectRef

REACH_SECONDS = 10
ROOT = Path(__file__).parents[1]

Files = Mapping[str, "ObjectRef"]
"""Contents of files by name, in Ray's store of objects, from which each machine takes them once."""


class ClusterError(MMAError):
    """Ray is not installed, or its cluster cannot be used."""


@contextmanager
def connected(address: str, lost: str, *, assets: bool = False) -> Iterator[int]:
    """Connect to a cluster within the block, and say how many processors it has.

    Args:
        address: host:port of the cluster's head, or `auto`; this machine must be one of the cluster's.
        lost: what to do if a machine is lost meanwhile.
        assets: whether the machines need the built-in teachers and samples beside the code.

    Raises:
        ClusterError: Ray is not installed, its cluster cannot be reached or offers no processor, or a machine was lost.
        MMAError: what a machine met, if a user can mend it.
    """
    _join(address, assets=assets)
    import ray

    try:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if not processors:
            raise ClusterError(f"--ray {address}: no machine of this cluster offers a processor")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="ray")  # of its own settings, and of actors that get no work
            warnings.filterwarnings("ignore", "`ray_remote_args`")  # it has no other way to say `max_restarts` yet
            yield processors
    except lost_errors() as error:
        raise ClusterError(f"--ray {address}: a machine was lost; {lost}") from error
    except ray.exceptions.RayTaskError as error:
        raise _ours(error) from error
    finally:
        ray.shutdown()


def lost_errors() -> tuple[type[Exception], ...]:
    """What Ray raises where a machine is gone, or a process on it."""
    from ray import exceptions as known

    gone = (known.RayActorError, known.NodeDiedError, known.WorkerCrashedError)
    return *gone, known.ActorUnschedulableError, known.TaskUnschedulableError


def _join(address: str, *, assets: bool) -> None:
    _reach(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray.data
    except ImportError as error:
        raise ClusterError("--ray needs an extra that is not installed: pip install -r requirements-ray.txt") from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    try:
        ray.init(address=address, runtime_env=_sent(assets=assets), log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ClusterError(f"--ray {address}: {' '.join(str(error).split())}") from error


def _sent(*, assets: bool) -> dict[str, Any]:
    """What Ray copies to the machines: of this folder, as it stands, the code and maybe the assets beside it."""
    names = (".", "mma_core", "assets") if assets else (".", "mma_core")
    return {"working_dir": str(ROOT), "excludes": ["/*", *(f"!/{name}" for name in names), "__pycache__"]}


def _ours(error: Any) -> Exception:
    """What a machine met, if a user can mend it, without the lines that Ray Data adds; else the error itself."""
    cause = error.cause
    if isinstance(cause, ImportError):
        return ClusterError(f"a machine of the cluster lacks {cause.name}: pip install -r requirements.txt there")
    told = to_show(cause)
    if isinstance(told, StorageError):
        return ClusterError(f"a machine of the cluster: {told}")
    return type(told)(str(told).partition("\n")[0]) if told else error


def _reach(address: str) -> None:
    """Refuse an address where nobody listens; Ray itself would try it for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ClusterError(f"--ray {address}: neither auto nor HOST:PORT of a cluster's head")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        start = "ray start --head --disable-usage-stats"
        raise ClusterError(f"--ray {address}: no cluster answers ({error}); is `{start}` running?") from error


def packed(paths: Iterable[Path]) -> Files:
    """Put files into the store of objects."""
    import ray

    return {path.name: ray.put(np.fromfile(path, np.uint8)) for path in paths}


def unpack(files: Files, folder: Path, is_there: Callable[[], bool]) -> None:
    """Write files into a folder of this machine, all or none; processes that do so at once wait for each other.

    Args:
        files: by name.
        folder: which they fill; what else stood there goes.
        is_there: whether the folder holds them already.
    """
    import ray
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if is_there():
            return
        with transaction(folder) as partial:
            for name, content in files.items():
                ray.get(content).tofile(partial / name)
