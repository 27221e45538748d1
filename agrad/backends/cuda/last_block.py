"""Sums over several blocks in one launch: the last block to finish adds up the partial sums of all."""

from __future__ import annotations

from typing import Any, Final

import cupy
import numpy as np

from .kept import kept

__all__ = ["COUNTERS", "LAST_BLOCK", "counters"]

COUNTERS: Final = 1024
LAST_BLOCK: Final = """
// Whether this is the last of all blocks to get here, which then sees what the others wrote; returned to all threads.
__device__ bool comes_last(unsigned* arrived, unsigned blocks) {
    __shared__ bool last;
    __threadfence();  // its own partial sums are visible before it counts as arrived
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        last = atomicAdd(arrived, 1u) == blocks - 1;
        if (last) *arrived = 0;  // for the next launch
    }
    __syncthreads();
    __threadfence();
    return last;
}
"""


def counters() -> Any:
    """Return `COUNTERS` counters of finished blocks, which are 0 between launches on a stream."""
    return kept(cupy.zeros, COUNTERS, np.uint32)
