"""Convolution and pooling in NumPy, window by window: slow, and plain to see that it is right."""

from __future__ import annotations

from itertools import product

import numpy as np


def each_window(lengths, windows):
    """Yield the index of each window, and the key of its elements in the padded array."""
    counts = [
        (n + sum(around) - dilation * (kernel - 1) - 1) // stride + 1
        for n, around, dilation, kernel, stride in zip(
            lengths, windows.padding, windows.dilation, windows.kernel, windows.stride, strict=True
        )
    ]
    for index in product(*map(range, counts)):
        each = zip(index, windows.stride, windows.dilation, windows.kernel, strict=True)
        yield index, (..., *(slice(i * s, i * s + d * (k - 1) + 1, d) for i, s, d, k in each))


def padded(x, windows, value=0.0):
    axes = len(windows.kernel)
    return np.pad(x, [(0, 0)] * (x.ndim - axes) + list(windows.padding), constant_values=value)


def outputs(lead, lengths, windows):
    """Return zeros for one number per window."""
    last = list(each_window(lengths, windows))[-1][0]
    return np.zeros((*lead, *(i + 1 for i in last)))


def of_group(windows, groups, in_channels, out_channels):
    """Yield for each output channel the slice of the input channels that it sees."""
    size = in_channels // groups
    for o in range(out_channels):
        group = o * groups // out_channels
        yield o, slice(group * size, group * size + size)


def convolve(x, w, bias=None, *, windows, groups):
    out = outputs((x.shape[0], w.shape[0]), x.shape[2:], windows)
    for index, key in each_window(x.shape[2:], windows):
        window = padded(x, windows)[key]
        for o, seen in of_group(windows, groups, x.shape[1], w.shape[0]):
            for n in range(x.shape[0]):
                out[(n, o, *index)] = np.sum(window[n, seen] * w[o]) + (0 if bias is None else bias[o])
    return out


def convolve_input(g, w, *, lengths, windows, groups):
    zeros = np.zeros((g.shape[0], w.shape[1] * groups, *lengths))
    total = padded(zeros, windows)
    for index, key in each_window(lengths, windows):
        for o, seen in of_group(windows, groups, zeros.shape[1], w.shape[0]):
            for n in range(g.shape[0]):
                total[n, seen][key] += w[o] * g[(n, o, *index)]
    starts = zip(windows.padding, lengths, strict=True)
    return total[(..., *(slice(before, before + length) for (before, _), length in starts))]


def convolve_weight(g, x, *, windows, groups):
    total = np.zeros((g.shape[1], x.shape[1] // groups, *windows.kernel))
    for index, key in each_window(x.shape[2:], windows):
        for o, seen in of_group(windows, groups, x.shape[1], g.shape[1]):
            for n in range(g.shape[0]):
                total[o] += padded(x, windows)[n, seen][key] * g[(n, o, *index)]
    return total


def window_max(x, *, windows):
    axes = len(windows.kernel)
    values = outputs(x.shape[:-axes], x.shape[-axes:], windows)
    indices = values.astype(np.uint8)
    for index, key in each_window(x.shape[-axes:], windows):
        flat = padded(x, windows, -np.inf)[key].reshape(*x.shape[:-axes], -1)
        values[(..., *index)], indices[(..., *index)] = flat.max(-1), flat.argmax(-1)
    return values, indices


def window_sum(x, *, windows):
    axes = len(windows.kernel)
    sums = outputs(x.shape[:-axes], x.shape[-axes:], windows)
    for index, key in each_window(x.shape[-axes:], windows):
        sums[(..., *index)] = padded(x, windows)[key].sum(tuple(range(-axes, 0)))
    return sums


def gather_from_windows(x, indices, *, windows):
    axes = len(windows.kernel)
    chosen = np.zeros(indices.shape)
    for index, key in each_window(x.shape[-axes:], windows):
        flat = padded(x, windows)[key].reshape(*x.shape[:-axes], -1)
        chosen[(..., *index)] = np.take_along_axis(flat, indices[(..., *index, None)], -1)[..., 0]
    return chosen


def scatter_to_windows(values, indices, *, lengths, windows):
    lead = values.shape[: -len(lengths)]
    total = padded(np.zeros((*lead, *lengths)), windows)
    for index, key in each_window(lengths, windows):
        for place in np.ndindex(lead):
            at = np.unravel_index(indices[(*place, *index)], windows.kernel)
            total[place][key][at] += values[(*place, *index)]
    return total[(..., *(slice(b, b + n) for (b, _), n in zip(windows.padding, lengths, strict=True)))]


def add_to_windows(values, *, lengths, windows):
    total = padded(np.zeros((*values.shape[: -len(lengths)], *lengths)), windows)
    for index, key in each_window(lengths, windows):
        total[key] += values[(..., *index)][(..., *[None] * len(lengths))]
    return total[(..., *(slice(b, b + n) for (b, _), n in zip(windows.padding, lengths, strict=True)))]
