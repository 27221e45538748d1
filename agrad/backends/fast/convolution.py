"""Convolution without copies of the windows.

The samples of a part of the batch are stored along the last axis: for a row of the output, each element of the kernel
is then multiplied by one contiguous run of memory. This needs a stride of 1 along the last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..numpy_layouts import contiguous
from ..sliding_windows import Lengths, Windows
from .parts import STREAMS, compiled, share, steps, summing, two

__all__ = ["convolve", "convolve_input", "convolve_weight"]


def convolve(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return the convolution: the sums over each window and all channels of the input times the weight."""
    out = np.empty((x.shape[0], weight.shape[0], *windows.counts(x.shape[2:])), x.dtype)
    _convolve_parts(_convolve, windows, weight, x, out)
    return out


def convolve_input(g: Any, weight: Any, lengths: Lengths, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to `x`: each element of `g` adds the weight to its window."""
    out = np.empty((g.shape[0], weight.shape[1] * groups, *lengths), g.dtype)
    _convolve_parts(_convolve_input, windows, weight, out, g)
    return out


def convolve_weight(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to its weight: for each element, the sum of `g` times `x`."""
    zeros = np.zeros((g.shape[1], x.shape[1] // groups, *windows.kernel), g.dtype)
    return sum((part.reshape(zeros.shape) for part in _convolve_parts(_convolve_weight, windows, zeros, x, g)), zeros)


def _convolve_parts(kernel: Callable[..., Any], windows: Windows, weight: Any, x: Any, y: Any) -> list[Any]:
    """Run a loop on parts of the batch: of the input `x`, or its gradient, and of the output `y`."""
    weight, x, y = (contiguous(_as_images(array)) for array in (weight, x, y))
    padded = two(windows.padded(x.shape[4 - len(windows.kernel) :]), 1)
    sizes = prod(padded) * x.shape[1], prod(y.shape[1:])
    where = padded, *steps(windows)
    return share(lambda part: kernel(weight, x[part], y[part], *where), x.shape[0], max(sizes) * x.itemsize)


def _as_images(x: Any) -> Any:
    return x.reshape(*x.shape[:2], *two(x.shape[2:], 1))


# The loops. Each takes the weight, the input side `x` and the output side `y`, as `(batch, channels, ...)`.


@compiled
def _convolve(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    channels = weight.shape[1]
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(weight, padded, dilation, samples)
    factors, sums = weight.reshape(outputs, -1), np.zeros((outputs, rows, columns * samples), x.dtype)
    for row in range(rows):
        for group, one, other in _pairs(outputs, x.shape[1] // channels):
            start = (group * channels * padded[0] + row * stride[0]) * padded[1] * samples
            if one == other:
                _add_to_one(sums[one, row], factors[one], laid, places, start)
            else:
                _add_to_two(sums[one, row], sums[other, row], factors[one], factors[other], laid, places, start)
    _samples_first(sums, (0, 0), y)


@compiled
def _convolve_weight(zeros: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> Any:
    samples, outputs, rows, columns = y.shape
    channels = zeros.shape[1]
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(zeros, padded, dilation, samples)
    factors, sums = _samples_last(y, (rows, columns), (0, 0)), np.zeros((outputs, places.size), x.dtype)
    for row in range(rows):
        for group, one, other in _pairs(outputs, x.shape[1] // channels):
            start = (group * channels * padded[0] + row * stride[0]) * padded[1] * samples
            f, g = factors[one, row], factors[other, row]
            if one == other:
                _add_inner_to_one(sums[one], f, laid, places, start)
            else:
                _add_inner_to_two(sums[one], sums[other], f, g, laid, places, start)
    return sums.reshape(zeros.shape)


@compiled
def _convolve_input(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    _, channels, height, width = weight.shape
    groups, size = x.shape[1] // channels, columns * samples
    together = outputs // groups
    laid, places = _samples_last(y, (rows, columns), (0, 0)).reshape(-1), np.arange(together) * rows * size
    factors = weight.transpose(1, 2, 3, 0).copy()
    sums = np.zeros((x.shape[1], padded[0], padded[1] * samples), x.dtype)
    for row in range(rows):
        for group, one, other in _pairs(x.shape[1], groups):
            output = group * together
            start = (output * rows + row) * size
            for i in range(height):
                line = row * stride[0] + i * dilation[0]
                for j in range(width):
                    run = slice(j * dilation[1] * samples, j * dilation[1] * samples + size)
                    f = factors[one % channels, i, j, output : output + together]
                    g = factors[other % channels, i, j, output : output + together]
                    if one == other:
                        _add_to_one(sums[one, line, run], f, laid, places, start)
                    else:
                        _add_to_two(sums[one, line, run], sums[other, line, run], f, g, laid, places, start)
    _samples_first(sums, before, x)


@compiled
def _pairs(count: int, groups: int) -> Any:
    """Return the numbers below `count` in pairs, with their group; a group's last odd number is paired with itself."""
    size = count // groups
    pairs = np.empty((groups, -(-size // 2), 3), np.intp)
    for group in range(groups):
        for i in range(pairs.shape[1]):
            pairs[group, i] = group, group * size + 2 * i, group * size + min(2 * i + 1, size - 1)
    return pairs.reshape(-1, 3)


@compiled
def _places(weight: Any, padded: Any, dilation: Any, samples: int) -> Any:
    """Return the offset of each kernel element from the first one."""
    _, channels, height, width = weight.shape
    places = np.empty((channels, height, width), np.intp)
    for channel in range(channels):
        for i in range(height):
            for j in range(width):
                place = (channel * padded[0] + i * dilation[0]) * padded[1] + j * dilation[1]
                places[channel, i, j] = place * samples
    return places.reshape(-1)


@compiled
def _samples_last(x: Any, padded: Any, before: Any) -> Any:
    """Copy images into zeros `(channels, padded height, padded width * samples)`."""
    samples, channels, height, width = x.shape
    laid = np.zeros((channels, padded[0], padded[1] * samples), x.dtype)
    for channel in range(channels):
        for row in range(height):
            line = laid[channel, row + before[0], before[1] * samples :]
            for first in range(0, samples, STREAMS):
                for column in range(width):
                    for sample in range(first, min(first + STREAMS, samples)):
                        line[column * samples + sample] = x[sample, channel, row, column]
    return laid


@compiled
def _samples_first(laid: Any, before: Any, x: Any) -> None:
    """Copy images from that layout to `(samples, channels, height, width)`, without their padding."""
    samples, channels, height, width = x.shape
    for channel in range(channels):
        for row in range(height):
            line = laid[channel, row + before[0], before[1] * samples :]
            for sample in range(samples):
                for column in range(width):
                    x[sample, channel, row, column] = line[column * samples + sample]


# The inner loops, which take most of the time. They add to two totals at once, so that an element of the source is read
# once for both. If there is one total only, eight places are added at once, so that it is read and written less often.


@compiled
def _add_to_two(total: Any, other: Any, factors: Any, others: Any, source: Any, places: Any, start: int) -> None:
    """Add to two totals, for each place, the run of `source` that starts there times their factors."""
    n, fours = total.size, places.size // 4 * 4
    for i in range(0, fours, 4):
        f0, g0, s0 = factors[i + 0], others[i + 0], source[start + places[i + 0] :][:n]
        f1, g1, s1 = factors[i + 1], others[i + 1], source[start + places[i + 1] :][:n]
        f2, g2, s2 = factors[i + 2], others[i + 2], source[start + places[i + 2] :][:n]
        f3, g3, s3 = factors[i + 3], others[i + 3], source[start + places[i + 3] :][:n]
        for j in range(n):
            total[j] = total[j] + f0 * s0[j] + f1 * s1[j] + f2 * s2[j] + f3 * s3[j]
            other[j] = other[j] + g0 * s0[j] + g1 * s1[j] + g2 * s2[j] + g3 * s3[j]
    for i in range(fours, places.size):
        f, g, stretch = factors[i], others[i], source[start + places[i] :][:n]
        for j in range(n):
            total[j] += f * stretch[j]
            other[j] += g * stretch[j]


@compiled
def _add_to_one(total: Any, factors: Any, source: Any, places: Any, start: int) -> None:
    n, eights = total.size, places.size // 8 * 8
    for i in range(0, eights, 8):
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


@summing
def _add_inner_to_two(totals: Any, others: Any, factor: Any, other: Any, source: Any, places: Any, start: int) -> None:
    """Add to two rows of totals, for each place, the inner products of the run of `source` there and two factors."""
    n, fours = factor.size, places.size // 4 * 4
    zero = totals.dtype.type(0)
    for i in range(0, fours, 4):
        t0, u0, s0 = zero, zero, source[start + places[i + 0] :][:n]
        t1, u1, s1 = zero, zero, source[start + places[i + 1] :][:n]
        t2, u2, s2 = zero, zero, source[start + places[i + 2] :][:n]
        t3, u3, s3 = zero, zero, source[start + places[i + 3] :][:n]
        for j in range(n):
            f, g = factor[j], other[j]
            t0 += f * s0[j]
            t1 += f * s1[j]
            t2 += f * s2[j]
            t3 += f * s3[j]
            u0 += g * s0[j]
            u1 += g * s1[j]
            u2 += g * s2[j]
            u3 += g * s3[j]
        totals[i + 0] += t0
        totals[i + 1] += t1
        totals[i + 2] += t2
        totals[i + 3] += t3
        others[i + 0] += u0
        others[i + 1] += u1
        others[i + 2] += u2
        others[i + 3] += u3
    for i in range(fours, places.size):
        t, u, stretch = zero, zero, source[start + places[i] :][:n]
        for j in range(n):
            t += factor[j] * stretch[j]
            u += other[j] * stretch[j]
        totals[i] += t
        others[i] += u


@summing
def _add_inner_to_one(totals: Any, factor: Any, source: Any, places: Any, start: int) -> None:
    n, eights = factor.size, places.size // 8 * 8
    zero = totals.dtype.type(0)
    for i in range(0, eights, 8):
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
