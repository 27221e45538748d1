"""Convolution and pooling of NumPy arrays in loops that numba compiles, on all cores: the extra `fast`.

The same sums as in `windows.py`, for float32 and float64 and one or two axes under the windows. While a part of the
batch is convolved its samples lie side by side, along the last axis: what a place of the kernel is multiplied by is
then one long run of memory, and no window is ever copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import inf, prod
from typing import Any

import numba
import numpy as np

from .windows import Lengths, Windows, number_type, split

PART = 1 << 20  # bytes of a part of the batch: it, or most of it, stays in a core's second cache
LANES = 16  # samples that fill a core's registers: a part of more has a multiple of them
ALONE = 1 << 18  # products that a matrix product sums up, above which OpenBLAS wakes its threads
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# A product and a sum may be one instruction; sums may be taken in another order only where `_summing` says so.
_compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
_summing: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


def suits(windows: Windows, *arrays: Any) -> bool:
    """Whether the functions here take these arrays: all float32, or all float64, in the machine's own byte order."""
    dtype = arrays[0].dtype
    return len(windows.kernel) <= 2 and dtype in (np.float32, np.float64) and all(x.dtype == dtype for x in arrays)


def convolve(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return the sums over each window and all channels of the input times the weight."""
    out = np.empty((x.shape[0], weight.shape[0], *windows.counts(x.shape[2:])), x.dtype)
    _convolve_parts(_convolve, windows, weight, x, out)
    return out


def convolve_input(g: Any, weight: Any, lengths: Lengths, windows: Windows, groups: int) -> Any:
    """Spread each element of `g` over its window, times the weight: the transpose of `convolve` in its input."""
    out = np.empty((g.shape[0], weight.shape[1] * groups, *lengths), g.dtype)
    _convolve_parts(_convolve_input, windows, weight, out, g)
    return out


def convolve_weight(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Return for each place of the weight the sum of `g` times what stands there: the transpose in the weight."""
    zeros = np.zeros((g.shape[1], x.shape[1] // groups, *windows.kernel), g.dtype)
    return sum((part.reshape(zeros.shape) for part in _convolve_parts(_convolve_weight, windows, zeros, x, g)), zeros)


def window_max(x: Any, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window, or NaN if there is one, and its place in the kernel by number."""
    lead, lengths = split(x.shape, windows)
    shape = (*lead, *windows.counts(lengths))
    largest, numbers = np.full(shape, -inf, x.dtype), np.zeros(shape, number_type(np, windows))
    _pool_parts(_max, windows, x, largest, numbers)
    return largest, numbers


def window_sum(x: Any, windows: Windows) -> Any:
    """Return the sum of each window."""
    lead, lengths = split(x.shape, windows)
    total = np.zeros((*lead, *windows.counts(lengths)), x.dtype)
    _pool_parts(_sum, windows, x, total)
    return total


def spread(g: Any, numbers: Any, lengths: Lengths, windows: Windows) -> Any:
    """Add each element to its whole window in zeros, or to the place in it that its number says."""
    total = np.zeros((*split(g.shape, windows)[0], *lengths), g.dtype)
    if numbers is None:
        _pool_parts(_spread, windows, g, total)
    else:
        _pool_parts(_put_back, windows, g, numbers, total)
    return total


def matmul(x1: Any, x2: Any, /) -> Any:
    """Return the product of arrays: of small matrices in pieces for which OpenBLAS wakes none of its threads.

    Once woken, they ask for more work for 25 ms, on the cores that the loops here need.
    """
    size = x1.shape[0] * x2.size if x1.ndim == x2.ndim == 2 else 0
    if not ALONE < size <= 8 * ALONE or x1.shape[1] != x2.shape[0]:
        return np.matmul(x1, x2)
    out, pieces = np.empty((x1.shape[0], x2.shape[1]), np.result_type(x1, x2)), -(-size // ALONE)
    step = -(-x1.shape[0] // pieces)
    for start in range(0, x1.shape[0], step):
        np.matmul(x1[start : start + step], x2, out[start : start + step])
    return out


# Parts of the work, one for each thread at a time


def _convolve_parts(kernel: Callable[..., Any], windows: Windows, weight: Any, x: Any, y: Any) -> list[Any]:
    """Run a kernel on parts of the batch: of the input, or what stands for it, and of the output."""
    weight, x, y = (np.ascontiguousarray(_as_pictures(array)) for array in (weight, x, y))
    padded = _two(windows.padded(x.shape[4 - len(windows.kernel) :]), 1)
    sizes = prod(padded) * x.shape[1], prod(y.shape[1:])
    steps = padded, *_steps(windows)
    return _share(lambda part: kernel(weight, x[part], y[part], *steps), x.shape[0], max(sizes) * x.itemsize)


def _pool_parts(kernel: Callable[..., Any], windows: Windows, *arrays: Any) -> None:
    """Run a kernel on parts of the planes: all arrays with their leading axes as one."""
    axes = len(windows.kernel)
    planes = [np.ascontiguousarray(x).reshape(-1, *_two(x.shape[x.ndim - axes :], 1)) for x in arrays]
    steps = _two(windows.kernel, 1), *_steps(windows)
    _share(lambda part: kernel(*(x[part] for x in planes), *steps), len(planes[0]), max(x[:1].nbytes for x in planes))


def _share(work: Callable[[slice], Any], count: int, size: int) -> list[Any]:
    """Do the work on so many samples in parts, as many on each core, and return what each part gave."""
    rounds = -(-count * size // (PART * _CORES))
    step = -(-count // (rounds * _CORES)) if count * size > PART else count
    step = -(-step // LANES) * LANES if step > LANES else max(1, step)
    parts = [slice(start, start + step) for start in range(0, count, step)]
    shares = [parts[i::_CORES] for i in range(min(_CORES, len(parts)))]
    others = [_threads().submit(_each, work, share) for share in shares[1:]]
    return sum((other.result() for other in others), _each(work, shares[0] if shares else []))


def _each(work: Callable[[slice], Any], share: list[slice]) -> list[Any]:
    return [work(part) for part in share]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CORES, "agrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a fork has the pool, but none of its threads


# One axis is treated as two, the first of length 1.


def _two(values: Any, missing: Any) -> Any:
    return (missing, *values) if len(values) == 1 else tuple(values)


def _as_pictures(x: Any) -> Any:
    return x.reshape(*x.shape[:2], *_two(x.shape[2:], 1))


def _steps(windows: Windows) -> tuple[Lengths, Lengths, Lengths]:
    """Return the padding before, the stride and the dilation."""
    return _two([before for before, _ in windows.padding], 0), _two(windows.stride, 1), _two(windows.dilation, 1)


# Convolution. Each kernel takes the weight, the input side `x` and the output side `y`, as `(batch, channels, ...)`.


@_compiled
def _convolve(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(weight, padded, dilation, samples)
    factors, sums = weight.reshape(outputs, -1), np.zeros((outputs, rows, columns * samples), x.dtype)
    runs, run = _runs(columns, samples, stride)
    for row in range(rows):
        for output in range(outputs):
            start = (_first_channel(output, weight, x) * padded[0] + row * stride[0]) * padded[1] * samples
            for i in range(runs):
                total = sums[output, row, i * run : (i + 1) * run]
                _add_products(total, factors[output], laid, places, start + i * stride[1] * samples)
    _samples_first(sums, (0, 0), y)


@_compiled
def _convolve_weight(zeros: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> Any:
    samples, outputs, rows, columns = y.shape
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(zeros, padded, dilation, samples)
    factors, sums = _samples_last(y, (rows, columns), (0, 0)), np.zeros((outputs, places.size), x.dtype)
    runs, run = _runs(columns, samples, stride)
    for row in range(rows):
        for output in range(outputs):
            start = (_first_channel(output, zeros, x) * padded[0] + row * stride[0]) * padded[1] * samples
            for i in range(runs):
                factor = factors[output, row, i * run : (i + 1) * run]
                _add_inner_products(sums[output], factor, laid, places, start + i * stride[1] * samples)
    return sums.reshape(zeros.shape)


@_compiled
def _convolve_input(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    _, channels, height, width = weight.shape
    together = outputs * channels // x.shape[1]  # outputs that share their channels
    laid, places = _samples_last(y, (rows, columns), (0, 0)).reshape(-1), np.arange(together) * rows * columns * samples
    factors = weight.transpose(1, 2, 3, 0).copy()
    sums = np.zeros((x.shape[1], padded[0], padded[1] * samples), x.dtype)
    runs, run = _runs(columns, samples, stride)
    for row in range(rows):
        for channel in range(x.shape[1]):
            output = channel // channels * together
            start = (output * rows + row) * columns * samples
            for i in range(height):
                line = sums[channel, row * stride[0] + i * dilation[0]]
                for j in range(width):
                    factor = factors[channel % channels, i, j, output : output + together]
                    for k in range(runs):
                        total = line[(j * dilation[1] + k * stride[1]) * samples :][:run]
                        _add_products(total, factor, laid, places, start + k * run)
    _samples_first(sums, before, x)


@_compiled
def _runs(columns: int, samples: int, stride: Any) -> tuple[int, int]:
    """Return how many stretches of memory hold what a place of the kernel meets in a row, and their length."""
    return (1, columns * samples) if stride[1] == 1 else (columns, samples)


@_compiled
def _first_channel(output: int, weight: Any, x: Any) -> int:
    """Return the first channel of the group that an output belongs to."""
    outputs, channels = weight.shape[:2]
    return output // (outputs * channels // x.shape[1]) * channels


@_compiled
def _places(weight: Any, padded: Any, dilation: Any, samples: int) -> Any:
    """Return how far each place of the kernel lies from the first one."""
    _, channels, height, width = weight.shape
    places = np.empty((channels, height, width), np.intp)
    for channel in range(channels):
        for i in range(height):
            for j in range(width):
                place = (channel * padded[0] + i * dilation[0]) * padded[1] + j * dilation[1]
                places[channel, i, j] = place * samples
    return places.reshape(-1)


@_compiled
def _samples_last(x: Any, padded: Any, before: Any) -> Any:
    """Copy pictures into zeros `(channels, padded height, padded width * samples)`."""
    samples, channels, height, width = x.shape
    laid = np.zeros((channels, padded[0], padded[1] * samples), x.dtype)
    for channel in range(channels):
        for row in range(height):
            line = laid[channel, row + before[0], before[1] * samples :]
            for column in range(width):
                for sample in range(samples):
                    line[column * samples + sample] = x[sample, channel, row, column]
    return laid


@_compiled
def _samples_first(laid: Any, before: Any, x: Any) -> None:
    """Copy such pictures back, without their margins."""
    samples, channels, height, width = x.shape
    for channel in range(channels):
        for row in range(height):
            line = laid[channel, row + before[0], before[1] * samples :]
            for sample in range(samples):
                for column in range(width):
                    x[sample, channel, row, column] = line[column * samples + sample]


@_compiled
def _add_products(total: Any, factors: Any, source: Any, places: Any, start: int) -> None:
    """Add to `total`, for each place, the stretch of `source` there times its factor."""
    n, eights = total.size, places.size // 8 * 8
    for i in range(0, eights, 8):  # the total is read and written once for eight of them
        f0, s0 = factors[i + 0], source[start + places[i + 0] :][:n]
        f1, s1 = factors[i + 1], source[start + places[i + 1] :][:n]
        f2, s2 = factors[i + 2], source[start + places[i + 2] :][:n]
        f3, s3 = factors[i + 3], source[start + places[i + 3] :][:n]
        f4, s4 = factors[i + 4], source[start + places[i + 4] :][:n]
        f5, s5 = factors[i + 5], source[start + places[i + 5] :][:n]
        f6, s6 = factors[i + 6], source[start + places[i + 6] :][:n]
        f7, s7 = factors[i + 7], source[start + places[i + 7] :][:n]
        for j in range(n):
            total[j] = (
                total[j] + f0 * s0[j] + f1 * s1[j] + f2 * s2[j] + f3 * s3[j]
                + f4 * s4[j] + f5 * s5[j] + f6 * s6[j] + f7 * s7[j]
            )  # fmt: skip
    for i in range(eights, places.size):
        factor, stretch = factors[i], source[start + places[i] :][:n]
        for j in range(n):
            total[j] += factor * stretch[j]


@_summing
def _add_inner_products(totals: Any, factor: Any, source: Any, places: Any, start: int) -> None:
    """Add to the total of each place the inner product of `factor` and the stretch of `source` there."""
    n, eights = factor.size, places.size // 8 * 8
    zero = totals.dtype.type(0)
    for i in range(0, eights, 8):  # the factor is read once for eight of them
        t0, s0 = zero, source[start + places[i + 0] :][:n]
        t1, s1 = zero, source[start + places[i + 1] :][:n]
        t2, s2 = zero, source[start + places[i + 2] :][:n]
        t3, s3 = zero, source[start + places[i + 3] :][:n]
        t4, s4 = zero, source[start + places[i + 4] :][:n]
        t5, s5 = zero, source[start + places[i + 5] :][:n]
        t6, s6 = zero, source[start + places[i + 6] :][:n]
        t7, s7 = zero, source[start + places[i + 7] :][:n]
        for j in range(n):
            f = factor[j]
            t0 += f * s0[j]
            t1 += f * s1[j]
            t2 += f * s2[j]
            t3 += f * s3[j]
            t4 += f * s4[j]
            t5 += f * s5[j]
            t6 += f * s6[j]
            t7 += f * s7[j]
        totals[i + 0] += t0
        totals[i + 1] += t1
        totals[i + 2] += t2
        totals[i + 3] += t3
        totals[i + 4] += t4
        totals[i + 5] += t5
        totals[i + 6] += t6
        totals[i + 7] += t7
    for i in range(eights, places.size):
        total, stretch = zero, source[start + places[i] :][:n]
        for j in range(n):
            total += factor[j] * stretch[j]
        totals[i] += total


# Pooling. Each kernel takes planes: those under the windows, and one element for each window.


@_compiled
def _spans(axis: int, count: int, length: int, kernel: Any, before: Any, stride: Any, dilation: Any) -> Any:
    """Return for each place of the kernel its offset along an axis, and which windows, from and to, have it inside."""
    spans = np.empty((kernel[axis], 3), np.intp)
    for i in range(kernel[axis]):
        offset, step = i * dilation[axis] - before[axis], stride[axis]
        spans[i] = offset, max(0, -(offset // step)), min(count, (length - 1 - offset) // step + 1)
    return spans


@_compiled
def _max(x: Any, maxima: Any, numbers: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = x.shape
    planes, rows, columns = maxima.shape
    across = _spans(1, columns, width, kernel, before, stride, dilation)
    for plane in range(planes):
        for row in range(rows):
            best, chosen = maxima[plane, row], numbers[plane, row]
            for i in range(kernel[0]):
                y = row * stride[0] + i * dilation[0] - before[0]
                if 0 <= y < height:
                    for j in range(kernel[1]):
                        left, start, stop = across[j]
                        _choose(x[plane, y], best, chosen, i * kernel[1] + j, left, start, stop, stride[1])


@_compiled
def _choose(line: Any, best: Any, chosen: Any, number: int, left: int, start: int, stop: int, stride: int) -> None:
    """Let what stands at one place of the kernel win over the best so far."""
    for i in range(start, stop):
        column = np.uintp(i)  # an index that cannot count from the end: otherwise each is asked whether it does
        value, largest, other = line[np.uintp(left + i * stride)], best[column], chosen[column]
        wins = (value > largest) | (value != value)  # or is NaN
        best[column] = value if wins else largest
        chosen[column] = other + wins * (number - other)  # without a branch, which nothing could predict


@_compiled
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


@_compiled
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


@_compiled
def _put_back(g: Any, numbers: Any, total: Any, kernel: Any, before: Any, stride: Any, dilation: Any) -> None:
    _, height, width = total.shape
    planes, rows, columns = g.shape
    for plane in range(planes):
        for row in range(rows):
            for column in range(columns):
                i, j = divmod(np.int32(numbers[plane, row, column]), np.int32(kernel[1]))
                y, x = row * stride[0] + i * dilation[0] - before[0], column * stride[1] + j * dilation[1] - before[1]
                if 0 <= y < height and 0 <= x < width:
                    total[plane, np.uintp(y), np.uintp(x)] += g[plane, row, column]
