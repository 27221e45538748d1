"""Pooling: the largest element or the sum of each window, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any

import numpy as np

from ..sliding_windows import Lengths, Windows, first_inside, number_type, split
from .parts import compiled, share, steps, two

__all__ = ["add_to_windows", "window_max", "window_sum"]


def window_max(x: Any, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window, or NaN if it holds one, and its flat index in the kernel."""
    lead, lengths = split(x.shape, windows)
    shape = (*lead, *windows.counts(lengths))
    largest, indices = np.full(shape, -inf, x.dtype), np.empty(shape, number_type(np, windows))
    indices[...] = first_inside(windows, lengths) if windows.pads else 0  # stays if all elements are -inf
    _pool_parts(_max, windows, x, largest, indices)
    return largest, indices


def window_sum(x: Any, windows: Windows) -> Any:
    """Return the sum of each window."""
    lead, lengths = split(x.shape, windows)
    total = np.zeros((*lead, *windows.counts(lengths)), x.dtype)
    _pool_parts(_sum, windows, x, total)
    return total


def add_to_windows(g: Any, indices: Any, lengths: Lengths, windows: Windows) -> Any:
    """Add each element to its whole window in zeros, or only at its flat kernel index in `indices`."""
    total = np.zeros((*split(g.shape, windows)[0], *lengths), g.dtype)
    if indices is None:
        _pool_parts(_spread, windows, g, total)
    else:
        _pool_parts(_put_back, windows, g, indices, total)
    return total


def _pool_parts(kernel: Callable[..., Any], windows: Windows, *arrays: Any) -> None:
    """Run a loop on parts of the planes, with the leading axes of all arrays flattened into one."""
    lead = arrays[0].ndim - len(windows.kernel)
    planes = [np.ascontiguousarray(x).reshape(prod(x.shape[:lead]), *two(x.shape[lead:], 1)) for x in arrays]
    where = two(windows.kernel, 1), *steps(windows)
    share(lambda part: kernel(*(x[part] for x in planes), *where), len(planes[0]), max(x[:1].nbytes for x in planes))


# The loops. Each takes planes (images of one channel): those under the windows, and those with an element per window.


@compiled
def _spans(axis: int, count: int, length: int, kernel: Any, before: Any, stride: Any, dilation: Any) -> Any:
    """Return for each kernel index along an axis its offset, and the start and stop of the windows with it inside."""
    spans = np.empty((kernel[axis], 3), np.intp)
    for i in range(kernel[axis]):
        offset, step = i * dilation[axis] - before[axis], stride[axis]
        spans[i] = offset, max(0, -(offset // step)), min(count, (length - 1 - offset) // step + 1)
    return spans


@compiled
def _max(x: Any, maxima: Any, indices: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = x.shape
    planes, rows, columns = maxima.shape
    across = _spans(1, columns, width, kernel, before, stride, dilation)
    for plane in range(planes):
        for row in range(rows):
            best, chosen = maxima[plane, row], indices[plane, row]
            for i in range(kernel[0]):
                y = row * stride[0] + i * dilation[0] - before[0]
                if 0 <= y < height:
                    for j in range(kernel[1]):
                        left, start, stop = across[j]
                        _choose(x[plane, y], best, chosen, i * kernel[1] + j, left, start, stop, stride[1])


@compiled
def _choose(line: Any, best: Any, chosen: Any, number: int, left: int, start: int, stop: int, stride: int) -> None:
    """Update the largest elements so far with those at one kernel index."""
    for i in range(start, stop):
        column = np.uintp(i)  # unsigned, so that numba need not check for negative indices
        value = line[np.uintp(left + i * stride)]
        largest, other = best[column], chosen[column]
        wins = (value > largest) | (value != value)  # or is NaN
        best[column] = value if wins else largest
        chosen[column] = other + wins * (number - other)  # without a branch, which would be unpredictable


@compiled
def _sum(x: Any, total: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = x.shape
    planes, rows, columns = total.shape
    across = _spans(1, columns, width, kernel, before, stride, dilation)
    for plane in range(planes):
        for row in range(rows):
            for i in range(kernel[0]):
                y = row * stride[0] + i * dilation[0] - before[0]
                if 0 <= y < height:
                    for left, start, stop in across:
                        for column in range(start, stop):
                            total[plane, row, np.uintp(column)] += x[plane, y, np.uintp(left + column * stride[1])]


@compiled
def _spread(g: Any, total: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = total.shape
    planes, rows, columns = g.shape
    across = _spans(1, columns, width, kernel, before, stride, dilation)
    for plane in range(planes):
        for row in range(rows):
            for i in range(kernel[0]):
                y = row * stride[0] + i * dilation[0] - before[0]
                if 0 <= y < height:
                    for left, start, stop in across:
                        for column in range(start, stop):
                            total[plane, y, np.uintp(left + column * stride[1])] += g[plane, row, np.uintp(column)]


@compiled
def _put_back(g: Any, indices: Any, total: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = total.shape
    planes, rows, columns = g.shape
    for plane in range(planes):
        for row in range(rows):
            for column in range(columns):
                i, j = divmod(np.int32(indices[plane, row, column]), np.int32(kernel[1]))
                y, x = row * stride[0] + i * dilation[0] - before[0], column * stride[1] + j * dilation[1] - before[1]
                if 0 <= y < height and 0 <= x < width:
                    total[plane, np.uintp(y), np.uintp(x)] += g[plane, row, column]
