"""Sums over several blocks in one launch: the block that comes last adds up what the others have left."""

from __future__ import annotations

from typing import Any, Final

import cupy
import numpy as np

from .kept import kept

__all__ = ["COUNTERS", "LAST_BLOCK", "counters"]

COUNTERS: Final = 1024
LAST_BLOCK: Final = """
// Whether this is the last of so many blocks to come here, which then sees what the others wrote; told to all threads.
__device__ bool comes_last(unsigned* arrived, unsigned blocks) {
    __shared__ bool last;
    __threadfence();  // before it says that its own is there
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
    """Return `COUNTERS` counters of blocks that are done, which are 0 between the launches on a stream."""
    return kept(cupy.zeros, COUNTERS, np.uint32)
