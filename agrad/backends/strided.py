"""Convolution for NumPy and CuPy: the windows of a part of the batch are copied into one matrix, for one large product.

The samples of a part are stored along the last axis, so that windows are copied in long runs. The parts are so small
that on a CPU the matrix stays in the cache of a core.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from types import ModuleType
from typing import Any, ClassVar

from .base import Backend, repeats
from .sliding_windows import Lengths, Windows
from .typing import Array

__all__ = ["StridedBackend"]


class StridedBackend(Backend):
    """The base class of NumPy's and CuPy's backends.

    Attributes
    ----------
    library : module
        NumPy or CuPy.
    gathered : int
        The bytes of windows that are copied at once.
    streams : int
        The number of samples that are transposed at once. On a CPU, as many as the L1 cache holds if they are a
        multiple of 4096 bytes apart, as samples often are.
    """

    library: ClassVar[ModuleType]
    gathered: ClassVar[int]
    streams: ClassVar[int]

    def is_writable(self, array: Array) -> bool:
        return getattr(array.flags, "writeable", True) and not repeats(array.shape, array.strides)  # CuPy's all are

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        counts = windows.counts(x.shape[2:])
        matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
        dtype = self.library.result_type(x, weight)
        out = self.library.empty((x.shape[0], weight.shape[0], *counts), dtype)
        for part in self._parts(x.shape, windows, counts, x.itemsize):
            gathered = self._gather(x[part], windows, counts)
            products = matrix @ gathered.reshape(groups, matrix.shape[2], -1)
            self._samples_first(products.reshape(weight.shape[0], *counts, -1), out[part])
        return out

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        counts, channels = g.shape[2:], weight.shape[1] * groups
        matrix = weight.reshape(groups, weight.shape[0] // groups, -1).mT
        out = self.library.empty((g.shape[0], channels, *lengths), self.library.result_type(g, weight))
        inside = (slice(None), *windows.inside(lengths)[1:])
        keys = [((slice(None), *place), (slice(None), *along)) for place, (_, *along) in windows.keys(counts)]
        for part in self._parts((g.shape[0], channels), windows, counts, g.itemsize):
            products = matrix @ self._samples_last(g[part]).reshape(groups, matrix.shape[2], -1)
            products = products.reshape(channels, *windows.kernel, *counts, -1)
            total = self.library.zeros((channels, *windows.padded(lengths), products.shape[-1]), out.dtype)
            for place, along in keys:
                total[along] += products[place]
            self._samples_first(total[inside], out[part])
        return out

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        counts = g.shape[2:]
        outputs, channels = g.shape[1] // groups, x.shape[1] // groups
        columns = channels * prod(windows.kernel)
        total = self.library.zeros((groups, outputs, columns), self.library.result_type(g, x))
        for part in self._parts(x.shape, windows, counts, x.itemsize):
            gathered = self._gather(x[part], windows, counts).reshape(groups, columns, -1)
            total += self._samples_last(g[part]).reshape(groups, outputs, -1) @ gathered.mT
        return total.reshape(g.shape[1], channels, *windows.kernel)

    def _parts(self, shape: Any, windows: Windows, counts: Lengths, itemsize: int) -> Iterator[slice]:
        """Yield the parts of the batch."""
        per_sample = shape[1] * prod(windows.kernel) * prod(counts) * itemsize
        step = max(1, self.gathered // max(1, per_sample))
        return (slice(start, start + step) for start in range(0, shape[0], step))

    def _gather(self, x: Array, windows: Windows, counts: Lengths) -> Any:
        """Return a copy of the windows of all samples, ``(channels, *kernel, *counts, samples)``."""
        lengths = x.shape[2:]
        laid = self._samples_last(x, windows.padded(lengths), windows.inside(lengths)[1:])
        channel, *along, sample = laid.strides
        within = [step * dilation for step, dilation in zip(along, windows.dilation, strict=True)]
        between = [step * stride for step, stride in zip(along, windows.stride, strict=True)]
        shape = (x.shape[1], *windows.kernel, *counts, x.shape[0])
        strides = (channel, *within, *between, sample)
        return self.library.lib.stride_tricks.as_strided(laid, shape, strides).copy()

    def _samples_last(self, x: Array, lengths: Lengths = (), inside: tuple[slice, ...] = ()) -> Any:
        """Return a copy with the first axis moved to the end; with `lengths`, padded to these, with `x` at `inside`."""
        lengths = tuple(lengths) or x.shape[2:]
        make = self.library.empty if lengths == x.shape[2:] else self.library.zeros
        laid, last = make((x.shape[1], *lengths, x.shape[0]), x.dtype), x.transpose((*range(1, x.ndim), 0))
        inner = laid[(slice(None), *inside)]
        for some in self._some(x.shape[0]):
            inner[..., some] = last[..., some]
        return laid

    def _samples_first(self, laid: Any, x: Array) -> None:
        """Copy into `x`, with the last axis moved to the front."""
        first = laid.transpose((laid.ndim - 1, *range(laid.ndim - 1)))
        for some in self._some(x.shape[0]):
            x[some] = first[some]

    def _some(self, samples: int) -> list[slice]:
        return [slice(start, start + self.streams) for start in range(0, samples, self.streams)]
