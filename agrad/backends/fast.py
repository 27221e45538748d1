"""Convolution and pooling on NumPy arrays, compiled by numba: the extra `fast`.

The same as in `strided.py` and `windows.py`, for floating arrays with one or two axes under the windows. What is
gathered lies ``(channels, *kernel, samples, *counts)``, so that rows of a picture are copied as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any

import numba
import numpy as np

from .windows import Lengths, Windows, number_type, split

GATHERED = 1 << 20  # bytes of windows that are gathered at once: half of what a core's second cache holds
# Not `parallel=True`: numba's threads and those of the matrix products take the cores from each other.
_compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy")
_PLACE = np.uintp  # an index that cannot be negative: loops over it use the core's wide instructions


def suits(windows: Windows, *arrays: Any) -> bool:
    """Whether the functions here take these arrays: all float32 or all float64, and as they lie in memory."""
    dtype = arrays[0].dtype
    return (
        len(windows.kernel) <= 2
        and (dtype == np.float32 or dtype == np.float64)
        and all(x.dtype == dtype and x.flags.c_contiguous for x in arrays)
    )


def convolve(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return the sums over each window and all channels of the input times the weight."""
    counts = windows.counts(x.shape[2:])
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    out = np.empty((x.shape[0], weight.shape[0], *counts), x.dtype)

    def convolve_part(part: slice) -> None:
        products = matrix @ _gathered(x[part], windows).reshape(groups, matrix.shape[2], -1)
        out[part] = products.reshape(weight.shape[0], -1, *counts).swapaxes(0, 1)

    _in_parts(convolve_part, x.shape[0], matrix.nbytes // matrix.shape[1] * prod(counts))
    return out


def convolve_input(g: Any, weight: Any, lengths: Lengths, windows: Windows, groups: int) -> Any:
    """Spread each element of `g` over its window, times the weight: the transpose of `convolve` in its input."""
    channels = weight.shape[1] * groups
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1).mT
    out = np.zeros((g.shape[0], channels, *lengths), g.dtype)

    def spread_part(part: slice) -> None:
        products = matrix @ _channels_first(g[part]).reshape(groups, matrix.shape[2], -1)
        shape = (channels, *_two(windows.kernel, 1), -1, *_two(g.shape[2:], 1))
        _scatter(products.reshape(shape), _flat(out[part]), *_steps(windows))

    _in_parts(spread_part, g.shape[0], matrix.nbytes // matrix.shape[2] * prod(g.shape[2:]))
    return out


def convolve_weight(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Return for each place of the weight the sum of `g` times what stands there: the transpose in the weight."""
    outputs, columns = g.shape[1] // groups, x.shape[1] // groups * prod(windows.kernel)

    def multiply_part(part: slice) -> Any:
        gathered = _gathered(x[part], windows).reshape(groups, columns, -1)
        return _channels_first(g[part]).reshape(groups, outputs, -1) @ gathered.mT

    parts = _in_parts(multiply_part, x.shape[0], groups * columns * prod(g.shape[2:]) * x.itemsize)
    total = sum(parts, np.zeros((groups, outputs, columns), x.dtype))
    return total.reshape(g.shape[1], x.shape[1] // groups, *windows.kernel)


def window_max(x: Any, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window, or NaN if there is one, and its place in the kernel by number."""
    lead, lengths = split(x.shape, windows)
    shape = (*lead, *windows.counts(lengths))
    largest, numbers = np.full(shape, -inf, x.dtype), np.zeros(shape, number_type(np, windows))
    _pool(_max, lead, windows, x, largest, numbers)
    return largest, numbers


def window_sum(x: Any, windows: Windows) -> Any:
    """Return the sum of each window."""
    lead, lengths = split(x.shape, windows)
    total = np.zeros((*lead, *windows.counts(lengths)), x.dtype)
    _pool(_sum, lead, windows, x, total)
    return total


def spread(g: Any, numbers: Any, lengths: Lengths, windows: Windows) -> Any:
    """Add each element to its whole window in zeros, or to the place in it that its number says."""
    lead = split(g.shape, windows)[0]
    total = np.zeros((*lead, *lengths), g.dtype)
    if numbers is None:
        _pool(_spread, lead, windows, g, total)
    else:
        _pool(_put_back, lead, windows, g, np.ascontiguousarray(numbers), total)
    return total


def _in_parts(work: Callable[[slice], Any], count: int, size: int) -> list[Any]:
    """Do the work on so many samples in parts that fit the cache, and return what it gave for each part."""
    step = max(1, GATHERED // max(1, size))
    return [work(slice(start, start + step)) for start in range(0, count, step)]


def _pool(kernel: Callable[..., None], lead: Lengths, windows: Windows, *arrays: Any) -> None:
    """Run a kernel over planes: the arrays with the leading axes as one."""
    planes = [x.reshape(prod(lead), *_two(x.shape[len(lead) :], 1)) for x in arrays]

    def pool_part(part: slice) -> None:
        kernel(*(x[part] for x in planes), _two(windows.kernel, 1), *_steps(windows))

    _in_parts(pool_part, prod(lead), max(x[:1].nbytes for x in planes))


def _gathered(x: Any, windows: Windows) -> Any:
    x, counts = _flat(x), _two(windows.counts(x.shape[2:]), 1)
    out = np.empty((x.shape[1], *_two(windows.kernel, 1), x.shape[0], *counts), x.dtype)
    _gather(x, out, *_steps(windows))
    return out


def _channels_first(x: Any) -> Any:
    return x.swapaxes(0, 1).copy()


# One axis is treated as two, the first of length 1.


def _two(values: Any, missing: Any) -> Any:
    return (missing, *values) if len(values) == 1 else tuple(values)


def _flat(x: Any) -> Any:
    return x.reshape(*x.shape[:2], *_two(x.shape[2:], 1))


def _steps(windows: Windows) -> tuple[Lengths, Lengths, Lengths]:
    """Return the stride, the padding before, and the dilation."""
    return _two(windows.stride, 1), _two([before for before, _ in windows.padding], 0), _two(windows.dilation, 1)


# The kernels


@_compiled
def _span(offset: int, stride: int, length: int, count: int) -> tuple[int, int]:
    """Return which of the windows have the element at this offset inside the axis: the first, and one past the last."""
    return max(0, -(offset // stride)), min(count, (length - 1 - offset) // stride + 1)


@_compiled
def _gather(x: Any, out: Any, stride: Any, before: Any, dilation: Any) -> None:
    batch, channels, height, width = x.shape
    _, tall, wide, _, rows, columns = out.shape
    for channel, i, j in np.ndindex(channels, tall, wide):
        top, left = i * dilation[0] - before[0], j * dilation[1] - before[1]
        start, stop = _span(left, stride[1], width, columns)
        for sample in range(batch):
            for row in range(rows):
                y = top + row * stride[0]
                if not 0 <= y < height or start > 0 or stop < columns:
                    out[channel, i, j, sample, row] = 0
                if 0 <= y < height:
                    for column in range(start, stop):
                        value = x[sample, channel, y, _PLACE(left + column * stride[1])]
                        out[channel, i, j, sample, row, _PLACE(column)] = value


@_compiled
def _scatter(parts: Any, out: Any, stride: Any, before: Any, dilation: Any) -> None:
    batch, channels, height, width = out.shape
    _, tall, wide, _, rows, columns = parts.shape
    for channel, i, j in np.ndindex(channels, tall, wide):
        top, left = i * dilation[0] - before[0], j * dilation[1] - before[1]
        start, stop = _span(left, stride[1], width, columns)
        for sample in range(batch):
            for row in range(rows):
                y = top + row * stride[0]
                if 0 <= y < height:
                    for column in range(start, stop):
                        value = parts[channel, i, j, sample, row, _PLACE(column)]
                        out[sample, channel, y, _PLACE(left + column * stride[1])] += value


@_compiled
def _max(x: Any, largest: Any, numbers: Any, kernel: Any, stride: Any, before: Any, dilation: Any) -> None:
    _, height, width = x.shape
    planes, rows, columns = largest.shape
    for i, j in np.ndindex(kernel):
        top, left = i * dilation[0] - before[0], j * dilation[1] - before[1]
        start, stop = _span(left, stride[1], width, columns)
        number = numbers.dtype.type(i * kernel[1] + j)
        for plane, row in np.ndindex(planes, rows):
            y = top + row * stride[0]
            if 0 <= y < height:
                for column in range(start, stop):
                    value = x[plane, y, _PLACE(left + column * stride[1])]
                    best, chosen = largest[plane, row, _PLACE(column)], numbers[plane, row, _PLACE(column)]
                    wins = (value > best) | (value != value)  # or is NaN
                    largest[plane, row, _PLACE(column)] = value if wins else best
                    numbers[plane, row, _PLACE(column)] = number if wins else chosen


@_compiled
def _put_back(g: Any, numbers: Any, total: Any, kernel: Any, stride: Any, before: Any, dilation: Any) -> None:
    _, height, width = total.shape
    for plane, row, column in np.ndindex(g.shape):
        i, j = divmod(np.int32(numbers[plane, row, column]), np.int32(kernel[1]))
        y, x = row * stride[0] + i * dilation[0] - before[0], column * stride[1] + j * dilation[1] - before[1]
        if 0 <= y < height and 0 <= x < width:
            total[plane, y, x] += g[plane, row, column]


@_compiled
def _sum(x: Any, total: Any, kernel: Any, stride: Any, before: Any, dilation: Any) -> None:
    _, height, width = x.shape
    planes, rows, columns = total.shape
    for i, j in np.ndindex(kernel):
        top, left = i * dilation[0] - before[0], j * dilation[1] - before[1]
        start, stop = _span(left, stride[1], width, columns)
        for plane, row in np.ndindex(planes, rows):
            y = top + row * stride[0]
            if 0 <= y < height:
                for column in range(start, stop):
                    total[plane, row, _PLACE(column)] += x[plane, y, _PLACE(left + column * stride[1])]


@_compiled
def _spread(g: Any, total: Any, kernel: Any, stride: Any, before: Any, dilation: Any) -> None:
    _, height, width = total.shape
    planes, rows, columns = g.shape
    for i, j in np.ndindex(kernel):
        top, left = i * dilation[0] - before[0], j * dilation[1] - before[1]
        start, stop = _span(left, stride[1], width, columns)
        for plane, row in np.ndindex(planes, rows):
            y = top + row * stride[0]
            if 0 <= y < height:
                for column in range(start, stop):
                    total[plane, y, _PLACE(left + column * stride[1])] += g[plane, row, _PLACE(column)]
