"""Convolution and pooling: the batch axis is merged with the samples, or with the channels as groups."""

from __future__ import annotations

from typing import Any

from ...backends.sliding_windows import Lengths, Windows
from ...backends.typing import Array
from ..base import VirtualBackend
from .arrays import BatchedArray, leading, of_empty_batch

__all__ = ["WindowsBackend"]


class WindowsBackend(VirtualBackend):
    """The methods of the backend that slide windows over the last axes."""

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        if not weight.lead:
            return _in_samples("convolve", x, weight.value, windows, groups)
        level, w = x.level, _fold(weight, 0)
        if not level.size:
            return of_empty_batch(lambda x, w: level.backend.convolve(x, w, windows, groups), (x, weight))
        if not x.lead and groups == 1:  # all examples' output channels from the same input channels
            out = level.backend.convolve(x.value, w, windows, 1)
        else:
            out = level.backend.convolve(_in_channels(x), w, windows, groups * level.size)
        return _out_of_channels(out, level)

    def convolve_with_bias(self, x: Array, weight: Array, bias: Array, windows: Windows, groups: int) -> Any:
        xp = x.level.library.xp
        return self.convolve(x, weight, windows, groups) + xp.reshape(bias, (-1, *[1] * len(windows.kernel)))

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        if not weight.lead:
            return _in_samples("convolve_input", g, weight.value, lengths, windows, groups)
        level = g.level
        if not level.size:
            return of_empty_batch(
                lambda g, w: level.backend.convolve_input(g, w, lengths, windows, groups), (g, weight)
            )
        out = level.backend.convolve_input(_in_channels(g), _fold(weight, 0), lengths, windows, groups * level.size)
        return _out_of_channels(out, level)

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        level = g.level
        if not (g.lead or x.lead):
            return BatchedArray(level.backend.convolve_weight(g.value, x.value, windows, groups), 0, level)
        if not level.size:
            return of_empty_batch(lambda g, x: level.backend.convolve_weight(g, x, windows, groups), (g, x))
        if not x.lead and groups == 1:
            out = level.backend.convolve_weight(_in_channels(g), x.value, windows, 1)
        else:
            out = level.backend.convolve_weight(_in_channels(g), _in_channels(x), windows, groups * level.size)
        count = g.shape[1]
        return BatchedArray(level.xp.reshape(out, (level.size, count, *out.shape[1:])), 1, level)

    def window_sum(self, x: Array, windows: Windows) -> Any:
        return _in_samples("window_sum", x, windows)

    def window_max(self, x: Array, windows: Windows) -> tuple[Any, Any]:
        largest, indices = _in_samples("window_max", x, windows)
        return largest, indices

    def add_to_windows(self, g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
        if indices is None:
            return _in_samples("add_to_windows", g, None, lengths, windows)
        return _in_samples("add_to_windows", *_both_in_samples(g, indices), lengths, windows)

    def gather_from_windows(self, x: Array, indices: Array, windows: Windows) -> Any:
        return _in_samples("gather_from_windows", *_both_in_samples(x, indices), windows)


def _in_samples(hook: str, x: BatchedArray, *args: Any) -> Any:
    """Call a backend method with the batch axis merged with the axis of samples."""
    function = getattr(x.level.backend, hook)
    if not x.lead:
        out = function(x.value, *args)
        return tuple(map(x.like, out)) if isinstance(out, tuple) else x.like(out)
    out, count = function(_fold(x, 0), *args), x.shape[0]

    def unfolded(value: Array) -> BatchedArray:
        return x.like(x.level.xp.reshape(value, (x.level.size, count, *value.shape[1:])))

    return tuple(map(unfolded, out)) if isinstance(out, tuple) else unfolded(out)


def _both_in_samples(x: BatchedArray, indices: BatchedArray) -> tuple[BatchedArray, Any]:
    """Return two arrays, both with the batch axis if one has it, as the arguments of `_in_samples`."""
    (values, places), lead, level = leading((x, indices))
    return BatchedArray(values, lead, level), _fold(BatchedArray(places, lead, level), 0) if lead else places


def _fold(x: BatchedArray, axis: int) -> Any:
    """Return the value with the batch axis merged into a visible axis."""
    value = x.level.xp.moveaxis(x.value, 0, axis) if axis else x.value
    shape = value.shape
    return x.level.xp.reshape(value, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _in_channels(x: BatchedArray) -> Any:
    """Return ``(samples, batch * channels, ...)``: the batch axis merged with the channels."""
    if x.lead:
        return _fold(x, 1)
    level, (samples, channels, *lengths) = x.level, x.value.shape
    wide = level.xp.broadcast_to(x.value[:, None, ...], (samples, level.size, channels, *lengths))
    return level.xp.reshape(wide, (samples, level.size * channels, *lengths))


def _out_of_channels(value: Array, level: Any) -> BatchedArray:
    """Split the batch from the channels again, as the batch axis."""
    samples, channels, *lengths = value.shape
    apart = level.xp.reshape(value, (samples, level.size, channels // level.size, *lengths))
    return BatchedArray(level.xp.moveaxis(apart, 1, 0), 1, level)
