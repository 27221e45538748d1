"""The ReLU of an array plus a bias as one kernel, and the gradients with respect to both as another."""

from __future__ import annotations

from math import prod
from typing import Any, Final

import cupy
import numpy as np

from .last_block import COUNTERS, LAST_BLOCK, counters
from .typed_kernel import THREADS, TypedKernel, flat, index_type

__all__ = ["bias_relu", "gradients", "gradients_kernel", "rectified_sum", "suits"]

_ELEMENTS: Final = 16  # elements per thread at least, before a channel is divided among several blocks

rectified_sum = cupy.ElementwiseKernel(
    "T x, T bias", "T y", "const T sum = x + bias; y = sum <= (T)0 ? (T)0 : sum", "agrad_bias_relu"
)  # which keeps NaN

gradients_kernel = TypedKernel(
    "agrad_bias_relu_inputs",
    "T Index",
    LAST_BLOCK
    + """
typedef Wide<T>::type Sum;

// The sum of the values of a column of threads, returned to its first thread.
__device__ Sum in_column(Sum value) {
    __shared__ Sum values[256];
    Sum* own = values + threadIdx.y * blockDim.x + threadIdx.x;
    __syncthreads();  // until the previous sum has been read
    *own = value;
    for (int half = blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.y < half) *own += own[half * blockDim.x];
    }
    return *own;
}

// A column of threads for each channel: blockDim is (channels of a block, threads of each), gridDim (blocks for all
// channels, parts of each). g and out are (samples, channels, length); slope is (channels, samples, length), as
// convolutions read it, except for a length of 1: then that layout is slow and no convolution follows.
extern "C" __global__ void agrad_bias_relu_inputs(
    const T* g, const T* out, Index samples, Index channels, Index length, Index part, T* slope, T* sums,
    volatile Sum* partial, unsigned* arrived
) {
    const Index channel = (Index)blockIdx.x * blockDim.x + threadIdx.x, count = samples * length;
    const Index first = blockIdx.y * part, end = first + part < count ? first + part : count;
    const bool exists = channel < channels;
    Sum sum = 0;
    for (Index j = first + threadIdx.y; exists && j < end; j += blockDim.y) {
        const Index i = (j / length * channels + channel) * length + j % length;
        const T gated = out[i] != (T)0 ? g[i] : (T)0;
        slope[length == 1 ? i : channel * count + j] = gated;
        sum += (Sum)gated;
    }
    sum = in_column(sum);
    if (gridDim.y > 1) {
        if (exists && threadIdx.y == 0) partial[blockIdx.y * channels + channel] = sum;
        if (!comes_last(arrived + blockIdx.x, gridDim.y)) return;
        sum = 0;
        for (Index k = threadIdx.y; exists && k < gridDim.y; k += blockDim.y) sum += partial[k * channels + channel];
        sum = in_column(sum);
    }
    if (exists && threadIdx.y == 0) sums[channel] = (T)sum;
}
""",
)


def suits(x: Any, bias: Any = None) -> bool:
    """Return whether the kernels support an array and a bias: real floating ones of the same dtype."""
    return x.dtype.char in "efd" and (bias is None or bias.dtype == x.dtype)


def bias_relu(x: Any, bias: Any, axis: int) -> Any:
    """Return the ReLU of `x` plus a bias along an axis; `x` may have any memory layout."""
    out = cupy.empty(x.shape, x.dtype)
    rectified_sum(x, bias.reshape(*bias.shape, *[1] * (x.ndim - 1 - axis)), out)
    return out


def gradients(g: Any, out: Any, axis: int) -> tuple[Any, Any]:
    """Return the gradients with respect to the array and the bias."""
    channels, before, after = out.shape[axis], out.shape[:axis], out.shape[axis + 1 :]
    length, index = prod(after), index_type(out.size)
    slope = cupy.empty(out.shape, out.dtype)
    if length != 1:
        slope = cupy.moveaxis(cupy.empty((channels, *before, *after), out.dtype), 0, axis)
    block, grid, part = _shares(channels, prod(before) * length, length)
    sums = cupy.empty(channels, out.dtype)
    partial = cupy.empty(grid[1] * channels, np.float32 if out.dtype.char == "e" else out.dtype)
    numbers = map(index, (prod(before), channels, length, part))
    gradients_kernel(
        (out.dtype, index), grid, block, flat(g, out.dtype), flat(out), *numbers, slope, sums, partial, counters()
    )
    return slope, sums


def _shares(channels: int, count: int, length: int) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Return the block, the grid, and the number of elements of each channel that a block takes.

    Neighbouring threads take neighbouring elements in memory: of one channel, or if the length is 1, of several.
    """
    across = 1 if length > 1 else min(32, 1 << max(0, channels - 1).bit_length())
    block = across, THREADS // across
    blocks = max(1, -(-channels // across))
    parts = max(1, min(COUNTERS // blocks, -(-count // (_ELEMENTS * block[1]))))
    return block, (blocks, parts), -(-count // parts)
