"""ndonnx: arrays that write down an ONNX graph of what is computed with them, see `agrad.onnx`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import ndonnx as ndx
import numpy as np
import spox

from . import onnx_functions
from .base import Backend, UnknownValueError, names_of
from .onnx_functions import array_of, op, variable
from .sliding_windows import Lengths, Windows
from .typing import Array, NativeDevice

__all__ = ["NdonnxBackend"]


class NdonnxBackend(Backend):
    """ndonnx: what is computed is noted as operators of ONNX; only that of constants has values."""

    kind: ClassVar[str] = "ndonnx"
    immutable: ClassVar[bool] = True
    array_type = ndx.Array
    without_special: ClassVar[str] = "ONNX has no operator for it: compute it outside of the model"

    def __init__(self) -> None:
        self.xp = ModuleType("ndonnx")
        linalg = ModuleType("ndonnx.linalg")
        vars(linalg).update(onnx_functions.LINALG)
        vars(self.xp).update(names_of(ndx) | onnx_functions.FUNCTIONS | {"linalg": linalg})

    def waits_on_read(self, native: NativeDevice) -> bool:
        return True  # there are no values to check

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        try:
            return array.unwrap_numpy()
        except ValueError:
            shape = ", ".join(map(str, array.shape))
            raise UnknownValueError(
                f"the values of an array of shape ({shape}) are needed, which an ONNX graph has only when it runs; "
                "write agrad.where(condition, a, b) instead of `if`, masks and .item()"
            ) from None

    def argument(self, shape: Lengths, dtype: str) -> Any:
        """Return an array that stands for an input of the graph."""
        return ndx.argument(shape=shape, dtype=getattr(ndx, dtype))

    def build(self, inputs: dict[str, Array], outputs: dict[str, Array]) -> Any:
        """Return the graph that leads from inputs to outputs, as an ``onnx.ModelProto``."""
        return spox.build(*[{name: variable(x) for name, x in named.items()} for named in (inputs, outputs)])

    def operator(self, name: str, inputs: Sequence[Any]) -> Any:
        """Return the result of an op as that of one operator of ONNX; None if there is no such operator."""
        found = onnx_functions.OPERATORS.get(name)
        if found is None or not _runs(inputs[0]):
            return None
        return array_of(found(*map(variable, inputs)))

    def copy(self, array: Array) -> Any:
        return array.copy()

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        value = value if isinstance(value, ndx.Array) else ndx.asarray(value, dtype=array.dtype)
        ranges = _ranges(array.shape, key)
        if ranges is None:
            return super().assign(array.copy(), key, value)
        inner = tuple(stop - start for start, stop in ranges)
        value = ndx.astype(value, array.dtype, copy=False)
        value = value if value.shape == inner else ndx.broadcast_to(value, inner)
        filling = _filling(array)
        if filling is None:
            return _spliced(array, ranges, value, 0)
        widths = [start for start, _ in ranges] + [n - stop for n, (_, stop) in zip(array.shape, ranges, strict=True)]
        return array_of(op.pad(variable(value), op.const(widths, np.int64), op.const(filling)))

    # Mathematics

    def special(self, name: str) -> Callable[..., Any]:
        return onnx_functions.SPECIAL.get(name) or super().special(name)

    def softmax(self, x: Array, axis: Any, logarithm: bool) -> Any:
        axes = axis if isinstance(axis, tuple) else (axis,)
        if len(axes) != 1:
            return super().softmax(x, axis, logarithm)
        function = op.log_softmax if logarithm else op.softmax
        return array_of(function(variable(x), axis=axes[0]))

    # Random numbers

    def generator(self, seed: int, native: NativeDevice) -> Any:
        raise NotImplementedError(
            "random numbers are drawn, and a graph would hold those of this moment; make them an input of the model"
        )

    # Windows

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        return self._convolved(x, weight, None, windows, groups)

    def convolve_with_bias(self, x: Array, weight: Array, bias: Array, windows: Windows, groups: int) -> Any:
        return self._convolved(x, weight, bias, windows, groups)

    def _convolved(self, x: Array, weight: Array, bias: Array | None, windows: Windows, groups: int) -> Any:
        if not _runs(x):
            out = super().convolve(x, weight, windows, groups)
            return out if bias is None else out + ndx.reshape(bias, (-1, *[1] * len(windows.kernel)))
        offset = None if bias is None else variable(bias)
        return array_of(op.conv(variable(x), variable(weight), offset, group=groups, **_attributes(windows)))

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        if not _runs(g):
            return super().convolve_input(g, weight, lengths, windows, groups)
        steps = zip(g.shape[2:], windows.stride, windows.extent, windows.padding, lengths, strict=True)
        beyond = [length - ((n - 1) * s + extent - sum(cut)) for n, s, extent, cut, length in steps]
        settings = _attributes(windows) | {"output_padding": beyond, "group": groups}
        return array_of(op.conv_transpose(variable(g), variable(weight), **settings))

    def window_sum(self, x: Array, windows: Windows) -> Any:
        if not (_runs(x) and _is_image(x, windows)):
            return super().window_sum(x, windows)
        means = op.average_pool(variable(x), count_include_pad=1, **_attributes(windows))
        return array_of(means) * float(np.prod(windows.kernel))

    def window_max(self, x: Array, windows: Windows) -> tuple[Any, Any]:
        if not (_is_image(x, windows) and ndx.isdtype(x.dtype, "real floating")):
            return super().window_max(x, windows)
        largest, places = op.max_pool(variable(x), **_attributes(windows))
        return array_of(largest), array_of(places)  # the places are for gradients, which no graph has


def _runs(x: Array) -> bool:
    """Return whether onnxruntime has all operators for an array's dtype: several of them lack float64."""
    return x.dtype in (ndx.float32, ndx.float16)


def _is_image(x: Array, windows: Windows) -> bool:
    """Return whether an array has a batch, channels, and the axes of windows, as ONNX's pooling takes it."""
    return len(x.shape) == len(windows.kernel) + 2


def _attributes(windows: Windows) -> dict[str, Any]:
    before, behind = zip(*windows.padding, strict=True)
    return {
        "kernel_shape": windows.kernel,
        "strides": windows.stride,
        "pads": (*before, *behind),
        "dilations": windows.dilation,
    }


def _ranges(shape: Sequence[int], key: tuple[Any, ...]) -> list[tuple[int, int]] | None:
    """Return the start and stop along each axis of a key of slices with steps of 1; None for other keys."""
    if any(item is not ... and not isinstance(item, slice) for item in key):
        return None
    if ... in key:
        place = key.index(...)
        key = (*key[:place], *[slice(None)] * (len(shape) - len(key) + 1), *key[place + 1 :])
    places = [item.indices(n) for item, n in zip(key, shape, strict=True)]
    return [place[:2] for place in places] if all(step == 1 for _, _, step in places) else None


def _filling(array: Array) -> Any:
    """Return the number that all elements of a constant are; None if it is another array."""
    try:
        values = array.unwrap_numpy()
    except ValueError:
        return None
    return values.flat[0] if values.size and (values == values.flat[0]).all() else None


def _spliced(array: Array, ranges: Sequence[tuple[int, int]], value: Array, axis: int) -> Any:
    """Return an array with the part within ranges, from an axis on, replaced."""
    if axis == len(ranges):
        return value
    start, stop = ranges[axis]
    all_before = (slice(None),) * axis
    inner = array if (start, stop) == (0, array.shape[axis]) else array[(*all_before, slice(start, stop), ...)]
    parts = [_spliced(inner, ranges, value, axis + 1)]
    if start > 0:
        parts.insert(0, array[(*all_before, slice(0, start), ...)])
    if stop < array.shape[axis]:
        parts.append(array[(*all_before, slice(stop, array.shape[axis]), ...)])
    return parts[0] if len(parts) == 1 else ndx.concat(parts, axis=axis)


BACKEND = NdonnxBackend()
