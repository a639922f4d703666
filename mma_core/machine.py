"""What this process may use of its machine: processors, memory, and 8-bit products that are exact."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

SYSTEM = Path("/")
# A control group of version 2 has the first, of version 1 the others: quota and period, or the limit in bytes.
QUOTA_FILES = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")
MEMORY_FILES = ("memory.max", "memory.limit_in_bytes")


def available_threads() -> int:
    """Processors this process may use: the affinity mask, cut by the quotas of the groups that it runs in."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([processors, *map(_quota, _groups("cpu"))])))


def available_memory() -> int:
    """Bytes this process may hold: what the machine has, cut by the limits of the groups that it runs in."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(min([whole, *map(_limit, _groups("memory"))]))


def has_vnni() -> bool:
    """Whether 8-bit products are exact here; without VNNI two of them are added in 16 bits and can saturate."""
    flags = SYSTEM / "proc/cpuinfo"
    return not flags.exists() or any(name in flags.read_text() for name in ("avx512_vnni", "avx_vnni", "asimddp"))


def _groups(controller: str) -> Iterator[Path]:
    """The control groups that this process is in, and all above them; of version 1 those of this controller."""
    mounted, told = SYSTEM / "sys/fs/cgroup", SYSTEM / "proc/self/cgroup"
    for line in told.read_text().splitlines() if told.exists() else ["0::/"]:
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            parts = Path(path).parts[1:]
            outermost = mounted / controller if controllers else mounted
            yield from (outermost.joinpath(*parts[:depth]) for depth in range(len(parts) + 1))


def _quota(group: Path) -> float:
    """How many processors' time a group may take: infinitely many where it has no quota."""
    quota, period = _words(group, QUOTA_FILES) or ("max", "1")
    return math.inf if quota in {"max", "-1"} else int(quota) / int(period)


def _limit(group: Path) -> float:
    """How many bytes a group may hold: infinitely many where it has no limit."""
    (limit,) = _words(group, MEMORY_FILES) or ("max",)
    return math.inf if limit == "max" else int(limit)


def _words(group: Path, names: Sequence[str]) -> list[str]:
    """What those of a group's files say that are there."""
    return [word for name in names if (group / name).is_file() for word in (group / name).read_text().split()]
