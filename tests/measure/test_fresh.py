"""Peak memory is that of the fresh process, whatever its parent holds."""

import multiprocessing

import numpy as np

from mma_core.measure import fresh


def test_what_the_parent_holds_does_not_count() -> None:
    held = np.ones(200_000_000)  # 1.6 GB
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        peak = pool.apply(fresh._peak_bytes) / 1e6
    assert held.nbytes / 1e6 > 1500
    assert 5 < peak < 1000
