"""Convolution: the windows of a part of the batch are copied into one matrix, for one large product.

With one group, the matrices have two axes: cuBLAS then reads transposed matrices without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, Final

import cupy

from ..sliding_windows import Lengths, Windows
from .products import capturable
from .windows import col2im, im2col

__all__ = ["convolve", "convolve_by_channel", "convolve_input", "convolve_weight"]

_GATHERED: Final = 1 << 28  # bytes of windows that are copied at once


def convolve(x: Any, weight: Any, windows: Windows, groups: int, bias: Any = None) -> Any:
    """Return the convolution of `x` with `weight`, and add a bias; see `Backend.convolve_with_bias`."""
    counts = windows.counts(x.shape[2:])
    out = cupy.empty((x.shape[0], weight.shape[0], *counts), x.dtype)
    for part in _parts(x.shape[0], x.shape[1], windows, counts, x.itemsize):
        products = _samples(x[part], weight, windows, groups)
        if bias is None:
            out[part] = products
        else:
            cupy.add(products, bias.reshape(-1, *[1] * len(counts)), out=out[part])
    return out


def convolve_by_channel(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return the convolution in the memory layout of the product; with several products, as `convolve` does."""
    parts = [*_parts(x.shape[0], x.shape[1], windows, windows.counts(x.shape[2:]), x.itemsize)]
    return _samples(x, weight, windows, groups) if len(parts) == 1 else convolve(x, weight, windows, groups)


def convolve_input(g: Any, weight: Any, lengths: Lengths, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to its input; see `Backend.convolve_input`."""
    channels = weight.shape[1] * groups
    out = cupy.empty((g.shape[0], channels, *lengths), g.dtype)
    for part in _parts(g.shape[0], channels, windows, g.shape[2:], g.itemsize):
        columns = _product(weight, _by_channel(g[part]), groups, transposed=True)
        col2im(columns, out[part], windows)
    return out


def convolve_weight(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to its weight; see `Backend.convolve_weight`."""
    shape = g.shape[1], x.shape[1] // groups, *windows.kernel
    total = None
    for part in _parts(x.shape[0], x.shape[1], windows, g.shape[2:], x.itemsize):
        found = cupy.empty(shape, g.dtype)
        _outer(_by_channel(g[part]), im2col(x[part], windows), groups, found)
        total = found if total is None else cupy.add(total, found, out=total)
    return cupy.zeros(shape, g.dtype) if total is None else total


def _parts(samples: int, channels: int, windows: Windows, counts: Lengths, itemsize: int) -> Iterator[slice]:
    """Yield the parts of the batch."""
    step = max(1, _GATHERED // max(1, channels * prod(windows.kernel) * prod(counts) * itemsize))
    return (slice(start, start + step) for start in range(0, samples, step))


def _samples(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return the convolution of a part of the batch, with the channels outermost in memory."""
    products = _product(weight, im2col(x, windows), groups)
    return products.reshape(weight.shape[0], x.shape[0], *windows.counts(x.shape[2:])).swapaxes(0, 1)


def _by_channel(g: Any) -> Any:
    """Return ``(samples, channels, ...)`` as a matrix with a row for each channel."""
    return cupy.ascontiguousarray(g.swapaxes(0, 1)).reshape(g.shape[1], -1)


def _product(weight: Any, columns: Any, groups: int, transposed: bool = False) -> Any:
    """Return, for each group, the product of its weight as a matrix and its rows of `columns`."""
    outputs, row = weight.shape[0], columns.shape[-1]
    if groups == 1:
        matrix = weight.reshape(outputs, -1)
        return capturable(cupy.dot)(matrix.T if transposed else matrix, columns.reshape(-1, row))
    matrices = weight.reshape(groups, outputs // groups, -1)
    return capturable(cupy.matmul)(matrices.mT if transposed else matrices, columns.reshape(groups, -1, row))


def _outer(g: Any, columns: Any, groups: int, out: Any) -> None:
    """Write, for each group, the product of its rows of `g` and the transpose of its rows of `columns` to `out`."""
    row = g.shape[-1]
    if groups == 1:
        capturable(cupy.dot)(g, columns.reshape(-1, row).T, out=out.reshape(g.shape[0], -1))
    else:
        by_group = columns.reshape(groups, -1, row).mT
        by_output = out.reshape(groups, g.shape[0] // groups, -1)
        capturable(cupy.matmul)(g.reshape(groups, -1, row), by_group, out=by_output)
