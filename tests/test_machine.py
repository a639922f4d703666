"""What the system says of a machine, and of the share of it that a process has."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from mma_core import machine

PAGES, PAGE = 4096, 1 << 20

System = Callable[..., None]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """Writes what the system's files say, instead of this machine's; eight processors, 4 GiB."""
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    facts = {"SC_PAGE_SIZE": PAGE, "SC_PHYS_PAGES": PAGES}
    here = SimpleNamespace(sched_getaffinity=lambda _pid: set(range(8)), sysconf=facts.__getitem__)
    monkeypatch.setattr(machine, "os", here)

    def write(files: dict[str, str]) -> None:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")

    return write


def test_available_threads_here() -> None:
    assert machine.available_threads() >= 1


@pytest.mark.parametrize(
    ("quota", "threads"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("1000 100000\n", 1),
        ("9900000 100000\n", 8),
    ],
)
def test_available_threads_follow_the_quota(system: System, quota: str, threads: int) -> None:
    system({"sys/fs/cgroup/cpu.max": quota})
    assert machine.available_threads() == threads


@pytest.mark.parametrize(
    ("quotas", "threads"),
    [
        ({"": "max 100000\n", "/a": "max 100000\n", "/a/b": "300000 100000\n"}, 3),
        ({"/a": "200000 100000\n", "/a/b": "600000 100000\n"}, 2),
        ({"/a/b/c": "100000 100000\n", "/b": "100000 100000\n"}, 8),
        ({}, 8),
    ],
)
def test_the_least_quota_of_nested_groups_counts(system: System, quotas: dict[str, str], threads: int) -> None:
    system({"proc/self/cgroup": "0::/a/b\n", **{f"sys/fs/cgroup{at}/cpu.max": said for at, said in quotas.items()}})
    assert machine.available_threads() == threads


@pytest.mark.parametrize(("quota", "threads"), [("-1\n", 8), ("250000\n", 3), ("10000\n", 1)])
@pytest.mark.parametrize("place", ["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu/a", "sys/fs/cgroup/cpu/a/b:c"])
def test_quotas_of_the_older_kind(system: System, place: str, quota: str, threads: int) -> None:
    system({"proc/self/cgroup": "12:memory:/m\n4:cpu,cpuacct:/a/b:c\n1:name=systemd:/s\n0::/u\n"})
    system({f"{place}/cpu.cfs_quota_us": quota, f"{place}/cpu.cfs_period_us": "100000\n"})
    assert machine.available_threads() == threads


def test_available_threads_without_a_quota(system: System) -> None:
    assert machine.available_threads() == 8


@pytest.mark.parametrize(
    ("flags", "exact"), [("avx2 fma", False), ("avx2 avx_vnni", True), ("avx512_vnni", True), ("fp asimddp", True)]
)
def test_vnni_is_read_from_the_processor(system: System, flags: str, *, exact: bool) -> None:
    system({"proc/cpuinfo": f"flags : {flags}\n"})
    assert machine.has_vnni() is exact


def test_available_memory_here() -> None:
    assert 0 < machine.available_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("limits", "memory"),
    [
        ({}, PAGES * PAGE),
        ({"memory.max": "max\n"}, PAGES * PAGE),
        ({"memory.max": "1000000\n", "a/memory.max": "3000000\n"}, 1_000_000),
        ({"a/b/memory.max": "2000000\n", "b/memory.max": "1000\n"}, 2_000_000),
        ({"memory.max": str(PAGES * PAGE + 1)}, PAGES * PAGE),
    ],
)
def test_available_memory_follows_the_least_limit(system: System, limits: dict[str, str], memory: int) -> None:
    system({"proc/self/cgroup": "0::/a/b\n", **{f"sys/fs/cgroup/{at}": said for at, said in limits.items()}})
    assert machine.available_memory() == memory


@pytest.mark.parametrize(("limit", "memory"), [("9223372036854771712\n", PAGES * PAGE), ("500000\n", 500_000)])
@pytest.mark.parametrize("place", ["memory", "memory/m"])
def test_limits_of_the_older_kind(system: System, place: str, limit: str, memory: int) -> None:
    system({"proc/self/cgroup": "12:memory:/m\n4:cpu,cpuacct:/a\n"})
    system({f"sys/fs/cgroup/{place}/memory.limit_in_bytes": limit, "sys/fs/cgroup/cpu/memory.limit_in_bytes": "7\n"})
    assert machine.available_memory() == memory
