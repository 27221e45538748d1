"""Windows, the positions of a kernel over the last axes of an array, and generic convolution and pooling over them.

The functions are pure array API code: a loop over the elements of the kernel, with one product or sum for each. The
generic backend uses them, and the other backends are tested against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import inf, prod
from typing import Any

from .places import device_of
from .typing import Array, Namespace

__all__ = [
    "Windows",
    "add_to_windows",
    "convolve",
    "convolve_input",
    "convolve_weight",
    "first_inside",
    "gather_from_windows",
    "number_type",
    "pad",
    "split",
    "window_max",
    "window_sum",
]  # fmt: skip

Lengths = tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """A kernel's windows over the last axes of an array; each attribute has an entry per axis.

    Attributes
    ----------
    kernel : tuple of int
        The lengths of the kernel.
    stride : tuple of int
        The distance between neighbouring windows.
    padding : tuple of (int, int)
        The padding of the array, before and after it.
    dilation : tuple of int
        The distance between neighbouring elements of a window.
    """

    kernel: Lengths
    stride: Lengths
    padding: tuple[tuple[int, int], ...]
    dilation: Lengths

    @property
    def extent(self) -> Lengths:
        """The lengths of a window, with its dilation."""
        return tuple(dilation * (n - 1) + 1 for n, dilation in zip(self.kernel, self.dilation, strict=True))

    @property
    def without_first(self) -> Windows:
        """The windows without their first axis."""
        return Windows(self.kernel[1:], self.stride[1:], self.padding[1:], self.dilation[1:])

    def padded(self, lengths: Lengths) -> Lengths:
        """Return the lengths of an array with its padding."""
        return tuple(n + before + behind for n, (before, behind) in zip(lengths, self.padding, strict=True))

    def counts(self, lengths: Lengths) -> Lengths:
        """Return how many windows there are along each axis of an array of these lengths."""
        rooms = zip(self.padded(lengths), self.extent, self.stride, strict=True)
        return tuple((n - extent) // stride + 1 for n, extent, stride in rooms)

    def along(self, axis: int, count: int) -> list[slice]:
        """Return for each kernel index along an axis the slice of a padded array with its elements of all windows."""
        stride, dilation = self.stride[axis], self.dilation[axis]
        reach = stride * (count - 1) + 1
        return [slice(i * dilation, i * dilation + reach, stride) for i in range(self.kernel[axis])]

    def keys(self, counts: Lengths) -> Iterator[tuple[Lengths, tuple[Any, ...]]]:
        """Yield each index of the kernel, and the key of a padded array that selects its elements of all windows."""
        slices = [self.along(axis, count) for axis, count in enumerate(counts)]
        for place in product(*map(range, self.kernel)):
            yield place, (..., *(along[i] for along, i in zip(slices, place, strict=True)))

    @property
    def overlap(self) -> bool:
        """Whether an element may be in several windows."""
        return any(extent > stride for extent, stride in zip(self.extent, self.stride, strict=True))

    @property
    def pads(self) -> bool:
        """Whether there is any padding."""
        return any(map(any, self.padding))

    def inside(self, lengths: Lengths) -> tuple[Any, ...]:
        """Return the key of the unpadded array in the padded one."""
        each = zip(lengths, self.padding, strict=True)
        return (..., *(slice(before, before + n) for n, (before, _) in each))


def pad(backend: Any, x: Array, windows: Windows, value: float = 0) -> Any:
    """Return an array with its padding."""
    if not windows.pads:
        return x
    lead, lengths = split(x.shape, windows)
    padded = backend.full_like(x, (*lead, *windows.padded(lengths)), value)
    return backend.assign(padded, windows.inside(lengths), x)


def split(shape: Any, windows: Windows) -> tuple[Lengths, Lengths]:
    """Split a shape into the leading axes and the axes that windows slide over."""
    axes = len(shape) - len(windows.kernel)
    return tuple(shape[:axes]), tuple(shape[axes:])


def convolve(backend: Any, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
    """Return the convolution: the sums over each window and all channels of the input times the weight."""
    xp, (batch, channels, *lengths) = backend.xp, x.shape
    counts, x = windows.counts(tuple(lengths)), pad(backend, x, windows)
    shape = (batch, groups, channels // groups, prod(counts))
    total: Any = 0
    for place, key in windows.keys(counts):
        elements = xp.reshape(x[key], shape)
        total = total + xp.matmul(_grouped(xp, weight[(..., *place)], groups), elements)
    return xp.reshape(total, (batch, weight.shape[0], *counts))


def convolve_input(backend: Any, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to `x`: each element of `g` adds the weight to its window."""
    xp = backend.xp
    batch, counts = g.shape[0], tuple(g.shape[2:])
    g = xp.reshape(g, (batch, groups, g.shape[1] // groups, prod(counts)))
    channels = groups * weight.shape[1]
    total = xp.zeros((batch, channels, *windows.padded(lengths)), dtype=g.dtype, device=device_of(g))
    for place, key in windows.keys(counts):
        part = xp.matmul(xp.matrix_transpose(_grouped(xp, weight[(..., *place)], groups)), g)
        total = backend.assign(total, key, total[key] + xp.reshape(part, (batch, channels, *counts)))
    return total[windows.inside(lengths)]


def convolve_weight(backend: Any, g: Array, x: Array, windows: Windows, groups: int) -> Any:
    """Return the gradient of `convolve` with respect to its weight: for each element, the sum of `g` times `x`."""
    xp, counts = backend.xp, tuple(g.shape[2:])
    x = pad(backend, x, windows)
    g = _by_channel(xp, g, groups)
    parts = []
    for _, key in windows.keys(counts):
        elements = _by_channel(xp, x[key], groups)
        parts.append(xp.matmul(g, xp.matrix_transpose(elements)))
    shape = (g.shape[0] * g.shape[1], x.shape[1] // groups, *windows.kernel)
    return xp.reshape(xp.stack(parts, axis=-1), shape)


def _grouped(xp: Namespace, matrix: Array, groups: int) -> Array:
    """Return the weight at one kernel index as a matrix for each group."""
    return xp.reshape(matrix, (groups, matrix.shape[0] // groups, matrix.shape[1]))


def _by_channel(xp: Namespace, x: Array, groups: int) -> Array:
    """Return an array as a matrix for each group, with a row for each channel."""
    count = x.shape[0] * prod(x.shape[2:])
    return xp.reshape(xp.moveaxis(x, 1, 0), (groups, x.shape[1] // groups, count))


def window_sum(backend: Any, x: Array, windows: Windows) -> Any:
    """Return the sum of each window."""
    counts, x = windows.counts(split(x.shape, windows)[1]), pad(backend, x, windows)
    total: Any = 0
    for _, key in windows.keys(counts):
        total = total + x[key]
    return total


def window_max(backend: Any, x: Array, windows: Windows) -> tuple[Any, Any]:
    """Return the largest element of each window, or NaN if it holds one, and its flat index in the kernel.

    Computed axis by axis, the last axis first; of equal elements, the first is chosen.
    """
    xp, lengths = backend.xp, split(x.shape, windows)[1]
    counts, dtype = windows.counts(lengths), number_type(xp, windows)
    floating = xp.isdtype(x.dtype, "real floating")
    lowest = -inf if floating else xp.iinfo(x.dtype).min
    largest, indices = pad(backend, x, windows, lowest), None
    for axis in reversed(range(len(counts))):
        later, block = (slice(None),) * (len(counts) - 1 - axis), prod(windows.kernel[axis + 1 :])
        keys = [(..., key, *later) for key in windows.along(axis, counts[axis])]
        values, places = largest, indices
        largest, indices = values[keys[0]], None if places is None else places[keys[0]]
        for i, key in enumerate(keys[1:], start=1):
            elements = values[key]
            wins = elements > largest
            wins = wins | xp.isnan(elements) if floating else wins
            largest = xp.maximum(largest, elements)
            # The indices grow with i, so the maximum is the winner's index. A branch would be hard to predict.
            number = xp.astype(wins, dtype) * (i * block if places is None else places[key] + i * block)
            indices = number if indices is None else xp.maximum(indices, number)
    if indices is None:
        indices = xp.zeros(largest.shape, dtype=dtype, device=device_of(x))
    if windows.pads:  # if all elements of a window equal the padding, its index must not be in the padding
        inside = xp.asarray(first_inside(windows, lengths), dtype=dtype, device=device_of(x))
        indices = xp.where(largest == lowest, inside, indices)
    return largest, indices


def first_inside(windows: Windows, lengths: Lengths) -> Any:
    """Return for each window the first flat kernel index that is not in the padding, as nested lists."""
    axes = zip(lengths, windows.counts(lengths), windows.stride, windows.padding, windows.dilation, strict=True)
    indices: Any = 0
    for axis, (n, count, stride, (before, _), dilation) in enumerate(axes):
        starts = [i * stride - before for i in range(count)]
        places = [-(min(start, 0) // dilation) if start < n else 0 for start in starts]
        block = prod(windows.kernel[axis + 1 :])
        indices = _sums(indices, [place * block for place in places])
    return indices


def _sums(x: Array, row: list[int]) -> Any:
    """Replace each number in nested lists by the list of its sums with a row."""
    return [_sums(part, row) for part in x] if isinstance(x, list) else [x + y for y in row]


def number_type(xp: Namespace, windows: Windows) -> Array:
    """Return the smallest integer dtype that holds every flat kernel index."""
    return xp.uint8 if prod(windows.kernel) <= 256 else xp.int32


def add_to_windows(backend: Any, g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
    """Add each element to its whole window in zeros, or only at its flat kernel index in `indices`."""
    xp, (lead, counts) = backend.xp, split(g.shape, windows)
    total = backend.full_like(g, (*lead, *windows.padded(lengths)), 0)
    for i, (_, key) in enumerate(windows.keys(counts)):
        part = g if indices is None else xp.where(indices == i, g, 0.0)
        total = backend.assign(total, key, total[key] + part if windows.overlap else part)
    return total[windows.inside(lengths)]


def gather_from_windows(backend: Any, x: Array, indices: Array, windows: Windows) -> Any:
    """Return the element of each window at its flat kernel index in `indices`."""
    xp, counts = backend.xp, split(indices.shape, windows)[1]
    x = pad(backend, x, windows)
    chosen: Any = 0
    for i, (_, key) in enumerate(windows.keys(counts)):
        chosen = chosen + xp.where(indices == i, x[key], 0.0)
    return chosen
