"""Convolution, without a copy of any window.

While a part of the batch is convolved its samples lie side by side, along the last axis: what a place of the kernel is
multiplied by in a row of the output is then one long run of memory. So windows must be next to each other in a row.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..windows import Lengths, Windows
from .parts import compiled, share, steps, summing, two


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


def _convolve_parts(kernel: Callable[..., Any], windows: Windows, weight: Any, x: Any, y: Any) -> list[Any]:
    """Run a kernel on parts of the batch: of the input, or what stands for it, and of the output."""
    weight, x, y = (np.ascontiguousarray(_as_pictures(array)) for array in (weight, x, y))
    padded = two(windows.padded(x.shape[4 - len(windows.kernel) :]), 1)
    sizes = prod(padded) * x.shape[1], prod(y.shape[1:])
    where = padded, *steps(windows)
    return share(lambda part: kernel(weight, x[part], y[part], *where), x.shape[0], max(sizes) * x.itemsize)


def _as_pictures(x: Any) -> Any:
    return x.reshape(*x.shape[:2], *two(x.shape[2:], 1))


# The loops. Each takes the weight, the input side `x` and the output side `y`, as `(batch, channels, ...)`.


@compiled
def _convolve(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(weight, padded, dilation, samples)
    factors, sums = weight.reshape(outputs, -1), np.zeros((outputs, rows, columns * samples), x.dtype)
    for row in range(rows):
        for output in range(outputs):
            start = (_first_channel(output, weight, x) * padded[0] + row * stride[0]) * padded[1] * samples
            _add_products(sums[output, row], factors[output], laid, places, start)
    _samples_first(sums, (0, 0), y)


@compiled
def _convolve_weight(zeros: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> Any:
    samples, outputs, rows, columns = y.shape
    laid, places = _samples_last(x, padded, before).reshape(-1), _places(zeros, padded, dilation, samples)
    factors, sums = _samples_last(y, (rows, columns), (0, 0)), np.zeros((outputs, places.size), x.dtype)
    for row in range(rows):
        for output in range(outputs):
            start = (_first_channel(output, zeros, x) * padded[0] + row * stride[0]) * padded[1] * samples
            _add_inner_products(sums[output], factors[output, row], laid, places, start)
    return sums.reshape(zeros.shape)


@compiled
def _convolve_input(weight: Any, x: Any, y: Any, padded: Any, before: Any, stride: Any, dilation: Any) -> None:
    samples, outputs, rows, columns = y.shape
    _, channels, height, width = weight.shape
    together = outputs * channels // x.shape[1]  # outputs that share their channels
    laid, places = _samples_last(y, (rows, columns), (0, 0)).reshape(-1), np.arange(together) * rows * columns * samples
    factors = weight.transpose(1, 2, 3, 0).copy()
    sums = np.zeros((x.shape[1], padded[0], padded[1] * samples), x.dtype)
    for row in range(rows):
        for channel in range(x.shape[1]):
            output = channel // channels * together
            start = (output * rows + row) * columns * samples
            for i in range(height):
                line = sums[channel, row * stride[0] + i * dilation[0]]
                for j in range(width):
                    total = line[j * dilation[1] * samples :][: columns * samples]
                    factor = factors[channel % channels, i, j, output : output + together]
                    _add_products(total, factor, laid, places, start)
    _samples_first(sums, before, x)


@compiled
def _first_channel(output: int, weight: Any, x: Any) -> int:
    """Return the first channel of the group that an output belongs to."""
    outputs, channels = weight.shape[:2]
    return output // (outputs * channels // x.shape[1]) * channels


@compiled
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


@compiled
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


@compiled
def _samples_first(laid: Any, before: Any, x: Any) -> None:
    """Copy such pictures back, without their margins."""
    samples, channels, height, width = x.shape
    for channel in range(channels):
        for row in range(height):
            line = laid[channel, row + before[0], before[1] * samples :]
            for sample in range(samples):
                for column in range(width):
                    x[sample, channel, row, column] = line[column * samples + sample]


@compiled
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


@summing
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
