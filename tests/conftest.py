"""Shared by all tests: small checkpoints and sentences, a cache of their own, and no network."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mma_core.data import Sentence

LONGEST = (
    "test_cluster.py",
    "test_steps.py",
    "test_browser.py",
    "test_build.py",
    "test_faults.py",
    "test_bulk.py",
    "test_loop.py",
    "test_main.py",
)

# A busy machine is no failure, and the same commit gives the same answer twice.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for what takes minutes to make: one for all processes that share the run, who wait for each other."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared-cache"
    for name in ("teachers", "graphs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Path]:
    """Keep the user's cache out of the tests, and the tests off the network; built-in teachers are unpacked once."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "teachers").symlink_to(shared_cache / "teachers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMA_CACHE", str(folder))
        patch.setenv("MMA_TEST_GRAPHS", str(shared_cache / "graphs"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        yield folder


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Model type (`tiny.MODEL_TYPES`) → checkpoint folder, written once a session."""
    import tiny

    @cache
    def folder(model_type: str = "bert") -> Path:
        return tiny.write(model_type, tmp_path_factory.mktemp(model_type))

    return folder


@pytest.fixture(scope="session")
def tiny_corpus() -> list[Sentence]:
    """A few labelled sentences in five scripts."""
    import tiny

    return tiny.corpus()


@pytest.fixture(scope="module")
def short_rounds() -> Iterator[None]:
    """Speeds are taken in fewer and shorter rounds: what they are is another matter than that they are."""
    from mma_core.measure import bench, speed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "LEAST_ROUNDS", 3)
        patch.setattr(speed, "MOST_SECONDS", 0)
        patch.setattr(speed, "ROUND_SECONDS", 0.1)
        patch.setattr(bench, "ENERGY_SECONDS", 0.1)
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that take longest: of processes that take file by file, none is left with one at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_configure() -> None:
    """Two threads of a tokenizer that forks are a warning, and a warning is an error here."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
