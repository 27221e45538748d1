"""Softmax and its logarithm along the last axis as one kernel, their gradients as another."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from .rows import ROWS, block_of, grid_of
from .typed_kernel import TypedKernel, flat

__all__ = ["gradient", "gradient_kernel", "softmax", "softmax_kernel", "suits"]

_SOURCE = (
    ROWS
    + """
// For each row that this row of threads takes. All threads of a block run equally often, as they wait for each other.
#define FOR_EACH_ROW(row) \\
    for (long long first = (long long)blockIdx.x * blockDim.y, row; first < rows; \\
         first += (long long)gridDim.x * blockDim.y) \\
        if (row = first + threadIdx.y, true)

// For each element of the row that this thread takes; none if there is no such row.
#define FOR_EACH_OF_ROW(i) \\
    for (long long i = row * length + threadIdx.x; row < rows && i < (row + 1) * length; i += blockDim.x)
"""
)

softmax_kernel = TypedKernel(
    "agrad_softmax",
    "T",
    _SOURCE
    + """
extern "C" __global__ void agrad_softmax(const T* x, long long rows, long long length, bool logarithm, T* out) {
    FOR_EACH_ROW(row) {
        T largest = -CUDART_INF_F, total = 0;
        FOR_EACH_OF_ROW(i) if (x[i] > largest) largest = x[i];
        largest = in_row(largest, true);
        FOR_EACH_OF_ROW(i) total += exp(x[i] - largest);
        total = in_row(total);
        FOR_EACH_OF_ROW(i) out[i] = logarithm ? x[i] - largest - log(total) : exp(x[i] - largest) / total;
    }
}
""",
)

gradient_kernel = TypedKernel(
    "agrad_softmax_input",
    "T",
    _SOURCE
    + """
// The part that changes the sum of the probabilities is removed twice: the second time removes its rounding error.
extern "C" __global__ void agrad_softmax_input(
    const T* g, const T* out, long long rows, long long length, bool logarithm, T* slope
) {
    FOR_EACH_ROW(row) {
        T sum = 0, rest = 0;
        FOR_EACH_OF_ROW(i) sum += logarithm ? g[i] : g[i] * out[i];
        sum = in_row(sum);
        FOR_EACH_OF_ROW(i) {
            slope[i] = g[i] - (logarithm ? exp(out[i]) * sum : sum);
            rest += logarithm ? slope[i] : slope[i] * out[i];
        }
        rest = in_row(rest);
        FOR_EACH_OF_ROW(i) slope[i] = logarithm ? slope[i] - exp(out[i]) * rest : out[i] * (slope[i] - rest);
    }
}
""",
)


def suits(x: Any, axis: Any) -> bool:
    """Return whether the kernels support an array and an axis: float32 or float64, along the last one."""
    return x.dtype.char in "fd" and x.ndim > 0 and axis in (-1, x.ndim - 1, (-1,), (x.ndim - 1,))


def softmax(x: Any, logarithm: bool) -> Any:
    """Return the softmax along the last axis, or its logarithm."""
    out = cupy.empty(x.shape, x.dtype)
    _launch(softmax_kernel, [flat(x)], logarithm, out)
    return out


def gradient(g: Any, out: Any, logarithm: bool) -> Any:
    """Return the gradient of `softmax` with respect to its input."""
    slope = cupy.empty(out.shape, out.dtype)
    _launch(gradient_kernel, [flat(g, out.dtype), flat(out)], logarithm, slope)
    return slope


def _launch(kernel: TypedKernel, arrays: list[Any], logarithm: bool, out: Any) -> None:
    length = out.shape[-1]
    rows, block = out.size // (length or 1), block_of(length)
    numbers = np.int64(rows), np.int64(length), np.bool_(logarithm)
    kernel((out.dtype,), grid_of(rows, block), block, *arrays, *numbers, out)
