import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mma_core.blocks import BLOCK, BYTES_4BIT, pack_8bit, unpack_4bit, unpack_8bit

magnitudes = st.floats(2**-7, 64, width=32)
weights = st.one_of(st.just(0.0), magnitudes, magnitudes.map(lambda value: -value))


@given(hnp.arrays(np.uint8, st.integers(1, 4).map(lambda blocks: blocks * BYTES_4BIT)))
def test_unpack_4bit_follows_the_layout_weight_by_weight(raw: np.ndarray) -> None:
    raw = raw.copy()
    raw.reshape(-1, BYTES_4BIT)[:, 1] &= 0x3F  # a finite scale
    expected = []
    for block in raw.reshape(-1, BYTES_4BIT):
        scale = float(np.frombuffer(block[:2].tobytes(), "<f2")[0])
        codes = [int(byte) & 15 for byte in block[2:]] + [int(byte) >> 4 for byte in block[2:]]
        expected += [(code - 8) * scale for code in codes]
    assert unpack_4bit(raw).tolist() == expected


@given(hnp.arrays(np.float32, st.integers(1, 5).map(lambda blocks: blocks * BLOCK), elements=weights))
def test_8bit_round_trip_is_within_half_a_step(given_weights: np.ndarray) -> None:
    codes, scale = pack_8bit(given_weights)
    error = np.abs(unpack_8bit(codes, scale) - given_weights).reshape(-1, BLOCK)
    # Half a step, and the largest weight's share of what fp16 rounds off the scale.
    allowed = scale.astype(np.float32)[:, None] * (0.5 + 127 * 2**-11) + 1e-9
    assert (error <= allowed).all()
    assert (codes.dtype, scale.dtype) == (np.int8, np.float16)


def test_8bit_keeps_the_largest_weight_and_the_zeros_exactly() -> None:
    block = np.zeros(2 * BLOCK, dtype=np.float32)
    block[3], block[5] = 127.0, -63.0
    assert unpack_8bit(*pack_8bit(block)).tolist() == block.tolist()


def test_8bit_packs_a_matrix_row_by_row() -> None:
    matrix = np.linspace(-1, 1, 4 * BLOCK, dtype=np.float32).reshape(4, BLOCK)
    codes, scale = pack_8bit(matrix)
    assert codes.shape == (4, BLOCK)
    assert np.allclose(scale, np.abs(matrix).max(axis=1) / 127, rtol=1e-3)


def test_8bit_refuses_weights_that_do_not_fill_blocks() -> None:
    with pytest.raises(ValueError, match="33 weights"):
        pack_8bit(np.zeros(33, dtype=np.float32))
