"""Convolution for NumPy and CuPy: the windows are copied into a matrix, block by block, for large matrix products.

In memory, the samples are the last axis, ``(channels, ..., samples)``, so that windows are copied in long runs. Results
stay in that layout, seen as ``(samples, channels, ...)``. Elementwise functions and pooling keep it, so that from one
convolution to the next nothing is transposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from types import ModuleType
from typing import Any, ClassVar

from .base import Backend, repeats
from .sliding_windows import Lengths, Windows
from .typing import Array

__all__ = ["StridedBackend"]

_COLUMNS = 64  # columns of a product from which on it pays to compute a row at a time
_FEWEST = 512  # columns of a block at least, for a product that is fast


class StridedBackend(Backend):
    """The base class of NumPy's and CuPy's backends.

    Attributes
    ----------
    library : module
        NumPy or CuPy.
    gathered : int
        The bytes of windows that are copied at once, if there are many.
    streams : int
        The number of samples that are transposed at once. On a CPU, as many as the L1 cache holds if they are a
        multiple of 4096 bytes apart, as samples often are.
    """

    library: ClassVar[ModuleType]
    gathered: ClassVar[int]
    streams: ClassVar[int]

    def is_writable(self, array: Array) -> bool:
        return getattr(array.flags, "writeable", True) and not repeats(array.shape, array.strides)  # CuPy's all are

    def full_like(self, array: Array, shape: tuple[int, ...], value: float) -> Any:
        return self.library.full_like(self.library.asarray(array), value, shape=shape)

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        counts, samples = windows.counts(x.shape[2:]), x.shape[0]
        matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
        out = self.library.empty((*matrix.shape[:2], prod(counts) * samples), self.library.result_type(x, weight))
        for columns, part in self._columns(x, windows, counts, groups):
            self.library.matmul(matrix, columns, out=out[..., part])
        return _samples_first(out.reshape(weight.shape[0], *counts, samples))

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        shape = (weight.shape[1] * groups, *windows.padded(lengths), g.shape[0])
        total = self.library.zeros(shape, self.library.result_type(g, weight))
        weight = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
        add = self._add_rows if _suits_rows(weight, g) else self._add_blocks
        add(total, self._samples_last(g), weight, windows)
        return _samples_first(total[_inside(windows, lengths)])

    def _add_rows(self, total: Any, g: Any, weight: Any, windows: Windows) -> None:
        """Add the gradients of all windows over a row, an index along the first axis, by one product."""
        (groups, outputs, channels, height, *width), (_, count, *counts, samples) = weight.shape, g.shape
        order = (0, 2, *range(4, weight.ndim), 3, 1)  # groups, channels, width, height, outputs
        matrix = self.library.flip(weight.transpose(order), -2).reshape(groups, -1, height, outputs)
        rows = g.reshape(groups, outputs, count, -1).swapaxes(1, 2)
        for i in range(total.shape[1]):
            over, places = _windows_over(i, count, windows)
            factors = matrix[:, :, places].reshape(groups, matrix.shape[1], -1)
            products = factors @ rows[:, over].reshape(groups, factors.shape[2], rows.shape[3])
            products = products.reshape(groups * channels, *width, *counts, samples)
            _add(total[:, i], products, windows.without_first, tuple(counts))

    def _add_blocks(self, total: Any, g: Any, weight: Any, windows: Windows) -> None:
        """Add the gradients of a block of windows at a time."""
        (groups, outputs, channels, *_), (_, *counts, samples) = weight.shape, g.shape
        matrix, rows = weight.reshape(groups, outputs, -1).mT, g.reshape(groups, outputs, -1)
        for block, part in self._blocks(tuple(counts), samples, groups * matrix.shape[1] * g.itemsize):
            products = matrix @ rows[..., part]
            products = products.reshape(groups * channels, *windows.kernel, *_sizes(block), samples)
            first = (slice(along.start * step, None) for along, step in zip(block, windows.stride, strict=True))
            _add(total[(slice(None), *first)], products, windows, _sizes(block))

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        outputs, channels = g.shape[1] // groups, x.shape[1] // groups
        rows = self._samples_last(g).reshape(groups, outputs, -1)
        dtype = self.library.result_type(g, x)
        total = self.library.zeros((groups, channels * prod(windows.kernel), outputs), dtype)
        for columns, part in self._columns(x, windows, g.shape[2:], groups):
            total += columns @ rows[..., part].mT  # in this order, OpenBLAS takes two thirds of the time
        return total.mT.reshape(g.shape[1], channels, *windows.kernel)

    def _columns(self, x: Array, windows: Windows, counts: Lengths, groups: int) -> Iterator[tuple[Any, slice]]:
        """Yield blocks of windows as ``(groups, channels * kernel, windows * samples)``, with their columns."""
        laid = self._samples_last(x, windows)
        channel, *along, sample = laid.strides
        within = [step * dilation for step, dilation in zip(along, windows.dilation, strict=True)]
        between = [step * stride for step, stride in zip(along, windows.stride, strict=True)]
        shape = (x.shape[1], *windows.kernel, *counts, x.shape[0])
        every = self.library.lib.stride_tricks.as_strided(laid, shape, (channel, *within, *between, sample))
        rows = x.shape[1] // groups * prod(windows.kernel)
        copied = rows * groups > x.shape[1] or max(windows.stride) > 1  # otherwise a view is a matrix for BLAS
        for block, part in self._blocks(counts, x.shape[0], x.shape[1] * prod(windows.kernel) * x.itemsize):
            columns = every[(..., *block, slice(None))]
            columns = self.library.ascontiguousarray(columns) if copied else columns
            yield columns.reshape(groups, rows, part.stop - part.start), part

    def _blocks(self, counts: Lengths, samples: int, column: int) -> Iterator[tuple[tuple[slice, ...], slice]]:
        """Yield blocks of windows of all samples: a slice along each axis, and one of the columns of `column` bytes."""
        most = max(self.gathered // max(1, column), _FEWEST) // max(1, samples)
        sizes = [_even(n, most // prod(counts[axis + 1 :])) for axis, n in enumerate(counts)]
        stop = 0
        for starts in product(*(range(0, n, size) for n, size in zip(counts, sizes, strict=True))):
            block = tuple(slice(i, min(i + size, n)) for i, size, n in zip(starts, sizes, counts, strict=True))
            start, stop = stop, stop + prod(_sizes(block)) * samples
            yield block, slice(start, stop)

    def _samples_last(self, x: Array, windows: Windows | None = None) -> Any:
        """Return an array with the first axis last, contiguous in memory, and with the padding of windows."""
        last, lengths = x.transpose((*range(1, x.ndim), 0)), x.shape[2:]
        if windows is None or not windows.pads:
            if last.flags.c_contiguous:
                return last
            laid = inner = self.library.empty(last.shape, x.dtype)
        else:
            laid = self.library.zeros((x.shape[1], *windows.padded(lengths), x.shape[0]), x.dtype)
            inner = laid[_inside(windows, lengths)]
        step = max(1, x.shape[0]) if x.strides[0] == x.itemsize else self.streams
        for start in range(0, x.shape[0], step):
            inner[..., start : start + step] = last[..., start : start + step]
        return laid


def _add(total: Any, products: Any, windows: Windows, counts: Lengths) -> None:
    """Add ``(channels, *kernel, *counts, samples)`` to the elements of the windows in ``(channels, ..., samples)``."""
    axes, last = range(1, 1 + len(counts)), products.ndim - 1
    total, products = _samples_first(total), products.transpose((*axes, last, 0, *range(1 + len(counts), last)))
    for place, key in windows.keys(counts):
        elements = total[key]
        elements += products[place]


def _suits_rows(weight: Any, g: Any) -> bool:
    """Return whether it pays to compute row by row: the products are large, and `g` is smaller than they are."""
    _, outputs, channels, _, *width = weight.shape
    return outputs < channels * prod(width) and prod(g.shape[3:]) * g.shape[0] >= _COLUMNS


def _windows_over(i: int, count: int, windows: Windows) -> tuple[slice, slice]:
    """Return which windows along the first axis are over an index, and where in each, counted from the kernel's end."""
    kernel, stride, dilation = windows.kernel[0], windows.stride[0], windows.dilation[0]
    starts = [(i - (kernel - 1 - place) * dilation, place) for place in range(kernel)]
    found = [(start // stride, place) for start, place in starts if start % stride == 0 and 0 <= start < count * stride]
    if not found:
        return slice(0), slice(0)
    first, last, step = found[0], found[-1], found[min(1, len(found) - 1)]
    over, places = (slice(a, b + 1, max(1, c - a)) for a, b, c in zip(first, last, step, strict=True))
    return over, places


def _samples_first(laid: Any) -> Any:
    """Return an array with the last axis moved to the front, as a view."""
    return laid.transpose((laid.ndim - 1, *range(laid.ndim - 1)))


def _inside(windows: Windows, lengths: Lengths) -> tuple[slice, ...]:
    """Return the key of the unpadded array in a padded one with the samples last."""
    return (slice(None), *windows.inside(lengths)[1:])


def _sizes(block: tuple[slice, ...]) -> Lengths:
    return tuple(along.stop - along.start for along in block)


def _even(count: int, most: int) -> int:
    """Return the size of parts of at most `most`, or 1, that are as equal as possible."""
    parts = -(-count // max(1, most))
    return -(-count // parts)
