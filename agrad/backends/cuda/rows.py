"""Rows of threads, one for each row of a matrix: a block takes several rows if they are short.

A block is ``(threads of a row, rows of a block)``, both powers of two, `THREADS` threads in all.
"""

from __future__ import annotations

from typing import Final

from .typed_kernel import THREADS

__all__ = ["ROWS", "block_of", "grid_of"]

ROWS: Final = """
// The sum or the largest of the values of a row of threads, returned to all of them.
__device__ T in_row(T value, bool largest = false) {
    __shared__ T values[256];
    T* row = values + threadIdx.y * blockDim.x;
    __syncthreads();  // until the values of the previous call have been read
    row[threadIdx.x] = value;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            const T own = row[threadIdx.x], other = row[threadIdx.x + half];
            row[threadIdx.x] = !largest ? own + other : own < other ? other : own;
        }
    }
    __syncthreads();
    return row[0];
}
"""


def block_of(length: int) -> tuple[int, int]:
    """Return the block for rows of a length."""
    across = min(THREADS, 1 << max(0, length - 1).bit_length())
    return across, THREADS // across


def grid_of(rows: int, block: tuple[int, int], most: int = 1 << 16) -> tuple[int]:
    """Return the grid for a number of rows; with more than `most` blocks, each block loops over several rows."""
    return (min(max(1, -(-rows // block[1])), most),)
