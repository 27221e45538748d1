"""Products of small matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

ALONE = 1 << 18  # products that a matrix product sums up, above which OpenBLAS wakes its threads


def matmul(x1: Any, x2: Any, /) -> Any:
    """Return the product of arrays: of small matrices in pieces for which OpenBLAS wakes none of its threads.

    Once woken, they ask for more work for 25 ms, on the cores that the loops here need.
    """
    size = x1.shape[0] * x2.size if x1.ndim == x2.ndim == 2 else 0
    if not ALONE < size <= 8 * ALONE or x1.shape[1] != x2.shape[0]:
        return np.matmul(x1, x2)
    out, pieces = np.empty((x1.shape[0], x2.shape[1]), np.result_type(x1, x2)), -(-size // ALONE)
    step = -(-x1.shape[0] // pieces)
    for start in range(0, x1.shape[0], step):
        np.matmul(x1[start : start + step], x2, out[start : start + step])
    return out
