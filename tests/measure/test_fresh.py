"""Peak memory is that of the fresh process, whatever its parent holds."""

import multiprocessing
import os
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import pytest

from mma_core.measure import fresh


def test_what_the_parent_holds_does_not_count() -> None:
    held = np.ones(200_000_000)  # 1.6 GB
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peak = pool.apply(fresh._peak_bytes) / 1e6
    assert held.nbytes / 1e6 > 1500
    assert 5 < peak < 1000


class Bomb:
    """Ends the process that unpacks it, as a killer of processes that take too much memory does."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def test_a_process_that_is_killed_is_not_waited_for() -> None:
    with pytest.raises(BrokenProcessPool):
        fresh.fresh("onnx", teacher="multi", threads=1, texts=[Bomb()], language="de")
