"""Sums over several blocks in one launch: the block that comes last adds up what the others have left."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Final

import cupy
import numpy as np

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

# By device, stream and thread, which may have a default stream of its own. They are 0 between launches.
_arrived: dict[tuple[int, int, int], Any] = {}


def counters() -> Any:
    """Return `COUNTERS` counters of blocks that are done, for each stream its own: its launches follow each other."""
    place = cupy.cuda.runtime.getDevice(), cupy.cuda.get_current_stream().ptr, get_ident()
    if place not in _arrived:
        _arrived[place] = cupy.zeros(COUNTERS, np.uint32)
    return _arrived[place]
