"""Normalization to mean 0 and variance 1 as one kernel, its gradient as another: a block of threads for each group.

A group is the elements that share a mean and a variance. In memory they are runs of equal length at equal distances:
one run for layer normalization, one in each sample for batch normalization.
"""

from __future__ import annotations

from math import prod
from typing import Any

import cupy

from .typed_kernel import TypedKernel, flat, index_type

__all__ = [
    "gradient",
    "gradient_kernel",
    "groups_of",
    "moments",
    "moments_kernel",
    "standardize",
    "standardize_kernel",
]

_SOURCE = """
// The sum of the values of all threads of the block, returned to all of them.
__device__ T in_block(T value) {
    __shared__ T values[1024];
    __syncthreads();  // until the previous sum has been read
    values[threadIdx.x] = value;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
    }
    __syncthreads();
    return values[0];
}

// For each element of this block's group that this thread takes, its flat index i in the array.
#define FOR_EACH_OF_GROUP(i) \\
    for (Index j = threadIdx.x, i; j < runs * length; j += blockDim.x) \\
        if (i = (j / length * groups + group) * length + j % length, true)
"""

standardize_kernel = TypedKernel(
    "agrad_standardize",
    "T Index",
    _SOURCE
    + """
extern "C" __global__ void __launch_bounds__(1024) agrad_standardize(
    const T* x, Index groups, Index runs, Index length, T eps, T* out, T* deviation
) {
    for (Index group = blockIdx.x; group < groups; group += gridDim.x) {
        T sum = 0, squares = 0;
        FOR_EACH_OF_GROUP(i) sum += x[i];
        const T mean = in_block(sum) / (runs * length);
        FOR_EACH_OF_GROUP(i) squares += (x[i] - mean) * (x[i] - mean);
        const T root = sqrt(in_block(squares) / (runs * length) + eps);
        FOR_EACH_OF_GROUP(i) out[i] = (x[i] - mean) / root;
        if (threadIdx.x == 0) deviation[group] = root;
    }
}
""",
)

moments_kernel = TypedKernel(
    "agrad_moments",
    "T Index",
    _SOURCE
    + """
// The mean of each group, and its variance with Bessel's correction.
extern "C" __global__ void __launch_bounds__(1024) agrad_moments(
    const T* x, Index groups, Index runs, Index length, T* means, T* variances
) {
    for (Index group = blockIdx.x; group < groups; group += gridDim.x) {
        T sum = 0, squares = 0;
        FOR_EACH_OF_GROUP(i) sum += x[i];
        const T mean = in_block(sum) / (runs * length);
        FOR_EACH_OF_GROUP(i) squares += (x[i] - mean) * (x[i] - mean);
        squares = in_block(squares);
        if (threadIdx.x == 0) {
            means[group] = mean;
            variances[group] = squares / (runs * length - 1);
        }
    }
}
""",
)

gradient_kernel = TypedKernel(
    "agrad_standardize_input",
    "T Index",
    _SOURCE
    + """
extern "C" __global__ void __launch_bounds__(1024) agrad_standardize_input(
    const T* g, const T* out, const T* deviation, Index groups, Index runs, Index length, T* slope
) {
    for (Index group = blockIdx.x; group < groups; group += gridDim.x) {
        T sum = 0, products = 0;
        FOR_EACH_OF_GROUP(i) {
            sum += g[i];
            products += g[i] * out[i];
        }
        const T mean = in_block(sum) / (runs * length), along = in_block(products) / (runs * length);
        FOR_EACH_OF_GROUP(i) slope[i] = (g[i] - mean - out[i] * along) / deviation[group];
    }
}
""",
)


def groups_of(x: Any, axis: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return the number of groups, the number of runs in each, and their length; None if the kernels do not support it.

    They support float32 and float64, if the axes that are not normalized are adjacent.
    """
    summed = {i % x.ndim for i in axis}
    kept = [i for i in range(x.ndim) if i not in summed]
    first, last = (kept[0], kept[-1] + 1) if kept else (0, 0)
    if x.dtype.char not in "fd" or not x.size or last - first != len(kept):
        return None
    return prod(x.shape[first:last]), prod(x.shape[:first]), prod(x.shape[last:])


def standardize(x: Any, axis: tuple[int, ...], eps: float, groups: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return the normalized array, and the standard deviation of each group."""
    out = cupy.empty(x.shape, x.dtype)
    summed = {i % x.ndim for i in axis}
    deviation = cupy.empty([1 if i in summed else n for i, n in enumerate(x.shape)], x.dtype)
    _launch(standardize_kernel, groups, [flat(x)], x.dtype.type(eps), out, deviation)
    return out, deviation


def moments(x: Any, axis: tuple[int, ...], groups: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return the mean along axes, and the variance with Bessel's correction."""
    summed = {i % x.ndim for i in axis}
    means, variances = (cupy.empty([n for i, n in enumerate(x.shape) if i not in summed], x.dtype) for _ in range(2))
    _launch(moments_kernel, groups, [flat(x)], means, variances)
    return means, variances


def gradient(g: Any, out: Any, deviation: Any, groups: tuple[int, int, int]) -> Any:
    """Return the gradient with respect to the input."""
    slope = cupy.empty(out.shape, out.dtype)
    _launch(gradient_kernel, groups, [flat(g, out.dtype), flat(out), flat(deviation)], slope)
    return slope


def _launch(kernel: TypedKernel, groups: tuple[int, int, int], arrays: list[Any], *others: Any) -> None:
    """Launch a kernel with a block for each group, of a power of two of threads."""
    count, runs, length = groups
    index = index_type(count * runs * length)
    threads = min(1024, max(32, 1 << (runs * length - 1).bit_length()))
    kernel((arrays[0].dtype, index), (min(count, 1 << 16),), (threads,), *arrays, *map(index, groups), *others)
