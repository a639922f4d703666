"""Block-quantised tensors: 32 weights share one fp16 scale.

Four-bit blocks are those of the built-in encoder's package (design, "The built-in encoder"); eight-bit blocks
keep the body of a trained teacher at a quarter of its fp32 size.
"""

import numpy as np

BLOCK = 32
BYTES_4BIT = 2 + BLOCK // 2


def unpack_4bit(raw: np.ndarray) -> np.ndarray:
    """Expand 4-bit blocks to weights.

    A block is an fp16 scale d and 16 bytes; byte j holds weight j in its low and weight j + 16 in its high four
    bits, each standing for (q - 8) * d.

    Args:
        raw: bytes, shape (blocks * 18,), uint8.

    Returns:
        Weights, shape (blocks * 32,), fp32.
    """
    blocks = raw.reshape(-1, BYTES_4BIT)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    low, high = blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4
    weights = np.concatenate([low, high], axis=1).astype(np.float32)
    weights -= 8
    weights *= scale
    return weights.reshape(-1)


def pack_8bit(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights to 8-bit blocks, symmetric, nearest.

    Args:
        weights: any shape whose size is a multiple of 32, fp32.

    Returns:
        Codes, shape (blocks, 32), int8, and scales, shape (blocks,), fp16.

    Raises:
        ValueError: the size is not a multiple of 32.
    """
    if weights.size % BLOCK:
        raise ValueError(f"{weights.size} weights do not fill blocks of {BLOCK}")
    blocks = weights.reshape(-1, BLOCK).astype(np.float32)
    scale = (np.abs(blocks).max(axis=1) / 127).astype(np.float16)
    safe = np.where(scale > 0, scale, np.float16(1)).astype(np.float32)
    codes = np.clip(np.rint(blocks / safe[:, None]), -127, 127).astype(np.int8)
    return codes, scale


def unpack_8bit(codes: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Expand 8-bit blocks to weights, shape (blocks * 32,), fp32."""
    return (codes.astype(np.float32) * scale.astype(np.float32)[:, None]).reshape(-1)
