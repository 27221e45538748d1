"""Windows over the last axes, one kernel per function: im2col and col2im for convolution, and pooling.

The kernels take three axes; missing ones have length 1. No two threads write to the same element: the thread of an
element looks up all that is added to it, so that sums are always taken in the same order.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, prod
from typing import Any, Final

import cupy
import numpy as np

from ..sliding_windows import Lengths, Windows, number_type, split
from .typed_kernel import THREADS, TypedKernel, blocks, flat, index_type, supported

__all__ = [
    "add_to_windows",
    "add_to_windows_kernel",
    "col2im",
    "col2im_kernel",
    "gather_from_windows",
    "gather_from_windows_kernel",
    "im2col",
    "im2col_kernel",
    "suits",
    "window_max",
    "window_max_kernel",
    "window_sum",
    "window_sum_kernel",
]  # fmt: skip

_SETTINGS: Final = ("lengths", "counts", "kernel", "stride", "before", "dilation")
_TABLE: Final = np.dtype([(name, np.int32, 3) for name in _SETTINGS])
_SOURCE: Final = """
struct Windows {
    int lengths[3], counts[3], kernel[3], stride[3], before[3], dilation[3];

    // The number of elements under the windows, of windows, and of elements in a window.
    __device__ Index length() const { return (Index)lengths[0] * lengths[1] * lengths[2]; }
    __device__ Index count() const { return (Index)counts[0] * counts[1] * counts[2]; }
    __device__ int size() const { return kernel[0] * kernel[1] * kernel[2]; }

    // The position along an axis of element k of a window.
    __device__ int place(int axis, int window, int k) const {
        return window * stride[axis] + k * dilation[axis] - before[axis];
    }

    // The window whose element k is at a position along an axis; -1 if there is none.
    __device__ int window(int axis, int place, int k) const {
        const int start = place + before[axis] - k * dilation[axis], found = start / stride[axis];
        return start >= 0 && found * stride[axis] == start && found < counts[axis] ? found : -1;
    }

    // The flat index of a position or of a window; -1 if there is no such one, as in the padding.
    __device__ Index flat_place(int y0, int y1, int y2) const {
        const bool inside = 0 <= y0 && y0 < lengths[0] && 0 <= y1 && y1 < lengths[1] && 0 <= y2 && y2 < lengths[2];
        return inside ? ((Index)y0 * lengths[1] + y1) * lengths[2] + y2 : -1;
    }
    __device__ Index flat_window(int i0, int i1, int i2) const {
        return i0 >= 0 && i1 >= 0 && i2 >= 0 ? ((Index)i0 * counts[1] + i1) * counts[2] + i2 : -1;
    }
};

// The three indices that a flat index stands for.
struct Places {
    int of[3];
    __device__ Places(Index i, const int* lengths) {
        of[2] = i % lengths[2];
        of[1] = i / lengths[2] % lengths[1];
        of[0] = i / lengths[2] / lengths[1];
    }
};

// For each element of the kernel, its three indices and its flat index k.
#define FOR_EACH_K(w) \\
    for (int k0 = 0, k = 0; k0 < w.kernel[0]; ++k0) \\
        for (int k1 = 0; k1 < w.kernel[1]; ++k1) \\
            for (int k2 = 0; k2 < w.kernel[2]; ++k2, ++k)

// The flat position of element k of the window i; and the flat window whose element k is at the position p.
#define PLACE(w, i) w.flat_place(w.place(0, i.of[0], k0), w.place(1, i.of[1], k1), w.place(2, i.of[2], k2))
#define WINDOW(w, p) w.flat_window(w.window(0, p.of[0], k0), w.window(1, p.of[1], k1), w.window(2, p.of[2], k2))
"""


def suits(dtype: Any, windows: Windows) -> bool:
    """Return whether the kernels support arrays of a dtype with these windows."""
    return supported(dtype) and len(windows.kernel) <= 3


@lru_cache(1024)
def _table(windows: Windows, lengths: Lengths) -> Any:
    """Return the kernels' `Windows` argument for axes of these lengths."""
    table, axes = np.zeros((), _TABLE), len(lengths)
    before = [first for first, _ in windows.padding]
    settings = lengths, windows.counts(lengths), windows.kernel, windows.stride, before, windows.dilation
    for name, values in zip(_SETTINGS, settings, strict=True):
        table[name] = [*[0 if name == "before" else 1] * (3 - axes), *values]
    return table


def _launch(kernel: TypedKernel, types: tuple[Any, ...], threads: int, largest: int, *arguments: Any) -> None:
    """Launch a kernel; its Index type, also that of the integers among the arguments, fits the largest array."""
    index = index_type(largest)
    numbers = [index(x) if type(x) is int else x for x in arguments]
    kernel((*types, index), blocks(threads), (THREADS,), *numbers)


# Convolution

im2col_kernel = TypedKernel(
    "agrad_im2col",
    "T Index",
    _SOURCE
    + """
// One thread copies one window of one channel and sample: x is (samples, channels, lengths), columns is
// (channels, kernel, samples, counts).
extern "C" __global__ void agrad_im2col(const T* x, Index samples, Index channels, Windows w, T* columns) {
    const Index count = w.count(), row = samples * count;
    FOR_EACH(i, channels * row) {
        const Index channel = i / row, sample = i / count % samples;
        const Places window(i % count, w.counts);
        const T* from = x + (sample * channels + channel) * w.length();
        T* to = columns + channel * w.size() * row + i % row;
        FOR_EACH_K(w) {
            const Index place = PLACE(w, window);
            to[k * row] = place < 0 ? T(0) : from[place];
        }
    }
}
""",
)

col2im_kernel = TypedKernel(
    "agrad_col2im",
    "T Index",
    _SOURCE
    + """
// The transpose of agrad_im2col: one thread for each element of x sums the window elements at its position.
extern "C" __global__ void agrad_col2im(const T* columns, Index samples, Index channels, Windows w, T* x) {
    const Index count = w.count(), row = samples * count, length = w.length();
    FOR_EACH(i, samples * channels * length) {
        const Index sample = i / length / channels, channel = i / length % channels;
        const Places place(i % length, w.lengths);
        const T* from = columns + channel * w.size() * row + sample * count;
        Wide<T>::type sum = 0;
        FOR_EACH_K(w) {
            const Index window = WINDOW(w, place);
            if (window >= 0) sum += (Wide<T>::type)from[k * row + window];
        }
        x[i] = (T)sum;
    }
}
""",
)


def im2col(x: Any, windows: Windows) -> Any:
    """Return the windows of ``(samples, channels, ...)`` as an array ``(channels, kernel, samples * counts)``."""
    samples, channels, *lengths = x.shape
    table = _table(windows, tuple(lengths))
    threads = samples * channels * prod(windows.counts(tuple(lengths)))
    columns = cupy.empty((channels, prod(windows.kernel), threads // (channels or 1)), x.dtype)
    _launch(im2col_kernel, (x.dtype,), threads, max(columns.size, x.size), flat(x), samples, channels, table, columns)
    return columns


def col2im(columns: Any, out: Any, windows: Windows) -> None:
    """Write the sums of windows in the layout of `im2col` to ``(samples, channels, ...)``."""
    samples, channels, *lengths = out.shape
    table, largest = _table(windows, tuple(lengths)), max(columns.size, out.size)
    _launch(col2im_kernel, (out.dtype,), out.size, largest, columns, samples, channels, table, out)


# Pooling

window_max_kernel = TypedKernel(
    "agrad_window_max",
    "T Number Index",
    _SOURCE
    + """
// The largest element of each window; its last NaN if it has one; `lowest` if it is all padding.
extern "C" __global__ void agrad_window_max(
    const T* x, Index planes, Windows w, T lowest, T* largest, Number* indices
) {
    const Index count = w.count();
    FOR_EACH(i, planes * count) {
        const Places window(i % count, w.counts);
        const T* from = x + i / count * w.length();
        T best = lowest;
        int number = -1;
        FOR_EACH_K(w) {
            const Index place = PLACE(w, window);
            if (place < 0) continue;
            const T value = from[place];
            if (number < 0 || value > best || value != value) {
                best = value;
                number = k;
            }
        }
        largest[i] = best;
        indices[i] = number < 0 ? 0 : number;
    }
}
""",
)

gather_from_windows_kernel = TypedKernel(
    "agrad_gather_from_windows",
    "T Number Index",
    _SOURCE
    + """
// The element of each window at its number; 0 in the padding.
extern "C" __global__ void agrad_gather_from_windows(
    const T* x, const Number* indices, Index planes, Windows w, T* chosen
) {
    const Index count = w.count();
    FOR_EACH(i, planes * count) {
        const Places window(i % count, w.counts), in_kernel(indices[i], w.kernel);
        const int k0 = in_kernel.of[0], k1 = in_kernel.of[1], k2 = in_kernel.of[2];
        const Index place = PLACE(w, window);
        chosen[i] = place < 0 ? T(0) : x[i / count * w.length() + place];
    }
}
""",
)

window_sum_kernel = TypedKernel(
    "agrad_window_sum",
    "T Index",
    _SOURCE
    + """
// The sum of each window.
extern "C" __global__ void agrad_window_sum(const T* x, Index planes, Windows w, T* sums) {
    const Index count = w.count();
    FOR_EACH(i, planes * count) {
        const Places window(i % count, w.counts);
        const T* from = x + i / count * w.length();
        Wide<T>::type sum = 0;
        FOR_EACH_K(w) {
            const Index place = PLACE(w, window);
            if (place >= 0) sum += (Wide<T>::type)from[place];
        }
        sums[i] = (T)sum;
    }
}
""",
)

add_to_windows_kernel = TypedKernel(
    "agrad_add_to_windows",
    "T Number Index",
    _SOURCE
    + """
// One thread for each element sums g over the windows that hold it, or over those that have chosen it by its index.
extern "C" __global__ void agrad_add_to_windows(const T* g, const Number* indices, Index planes, Windows w, T* total) {
    const Index count = w.count(), length = w.length();
    FOR_EACH(i, planes * length) {
        const Places place(i % length, w.lengths);
        const Index first = i / length * count;
        Wide<T>::type sum = 0;
        FOR_EACH_K(w) {
            const Index window = WINDOW(w, place);
            if (window < 0 || (indices && indices[first + window] != k)) continue;
            sum += (Wide<T>::type)g[first + window];
        }
        total[i] = (T)sum;
    }
}
""",
)


def window_max(x: Any, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window, or NaN if it holds one, and its flat index in the kernel."""
    lead, lengths = split(x.shape, windows)
    largest = cupy.empty((*lead, *windows.counts(lengths)), x.dtype)
    indices = cupy.empty(largest.shape, number_type(np, windows))
    lowest = x.dtype.type(-inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min)
    arrays = flat(x), prod(lead), _table(windows, lengths), lowest, largest, indices
    _launch(window_max_kernel, (x.dtype, indices.dtype), largest.size, max(x.size, largest.size), *arrays)
    return largest, indices


def gather_from_windows(x: Any, indices: Any, windows: Windows) -> Any:
    """Return the element of each window at its flat kernel index in `indices`."""
    lead, lengths = split(x.shape, windows)
    chosen = cupy.empty(indices.shape, x.dtype)
    arrays = flat(x), flat(indices), prod(lead), _table(windows, lengths), chosen
    _launch(gather_from_windows_kernel, (x.dtype, indices.dtype), chosen.size, max(x.size, chosen.size), *arrays)
    return chosen


def window_sum(x: Any, windows: Windows) -> Any:
    """Return the sum of each window."""
    lead, lengths = split(x.shape, windows)
    sums = cupy.empty((*lead, *windows.counts(lengths)), x.dtype)
    arrays = flat(x), prod(lead), _table(windows, lengths), sums
    _launch(window_sum_kernel, (x.dtype,), sums.size, max(x.size, sums.size), *arrays)
    return sums


def add_to_windows(g: Any, indices: Any, lengths: Lengths, windows: Windows) -> Any:
    """Add each element to its whole window in zeros, or only at its flat kernel index in `indices`."""
    lead = split(g.shape, windows)[0]
    total = cupy.empty((*lead, *lengths), g.dtype)
    number = np.dtype(np.uint8) if indices is None else indices.dtype
    chosen = np.uintp(0) if indices is None else flat(indices)
    arrays = flat(g), chosen, prod(lead), _table(windows, tuple(lengths)), total
    _launch(add_to_windows_kernel, (g.dtype, number), total.size, max(g.size, total.size), *arrays)
    return total
