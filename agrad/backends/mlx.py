"""MLX's arrays, on Apple's GPUs and on CPUs. They are computed when a value is read, and after each training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import mlx.core as mx
import numpy as np

from . import rational
from .apple.namespace import namespace
from .apple.searching import on_cpu
from .base import Backend
from .host import portable
from .sliding_windows import Lengths, Windows
from .typing import Array, NativeDevice, NativeDtype

__all__ = ["MlxBackend"]


_SINGLE: Final = {"float64": "float32", "complex128": "complex64"}
_CONVOLVED: Final = (mx.float32, mx.float16, mx.bfloat16)


class MlxBackend(Backend):
    """MLX: arrays in memory that CPU and GPU share, on MLX's default device. Writing returns a new array."""

    kind: ClassVar[str] = "mlx"
    immutable: ClassVar[bool] = True
    lazy: ClassVar[bool] = True

    def __init__(self) -> None:
        self.xp = namespace()
        self.array_type = mx.array

    @property
    def supports_float64(self) -> bool:
        return False

    def synchronize(self, native: NativeDevice) -> None:
        mx.synchronize()

    def waits_on_read(self, native: NativeDevice) -> bool:
        return not on_cpu()

    # Arrays

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if isinstance(data, np.ndarray):
            data = portable(data, dtype)
            dtype = self._dtype_for(data.dtype.name) if dtype is None else dtype
            data = np.asarray(data, order="C")
        return self.xp.asarray(data, dtype=dtype, copy=copy)

    def _dtype_for(self, name: str) -> Any:
        """Return MLX's dtype for the name of a NumPy dtype; TypeError for double precision, which MLX lacks."""
        if name in _SINGLE:
            raise TypeError(f"MLX has no {name}; write x.astype({_SINGLE[name]!r}), or dtype={_SINGLE[name]!r}")
        return getattr(self.xp, name)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(array.astype(mx.float32) if array.dtype == mx.bfloat16 else array)  # NumPy has no bfloat16

    def dlpack(self, array: Array, **wishes: Any) -> Any:
        return array.__dlpack__()

    def is_view(self, array: Array) -> bool:
        return False

    def copy(self, array: Array) -> Any:
        return array[...]  # a new object, which in-place operators on the old one do not change

    def materialize(self, arrays: Sequence[Array]) -> Sequence[Array]:
        mx.async_eval(*arrays)
        return arrays

    # Writing: all of these return a new array

    def assign(self, array: Array, key: tuple[Any, ...], value: Array) -> Any:
        written = array[...]
        written[key] = value.astype(array.dtype) if isinstance(value, mx.array) else value
        return written

    def fill(self, array: Array, value: Array) -> Any:
        value = value.astype(array.dtype) if isinstance(value, mx.array) else mx.array(value, array.dtype)
        return mx.broadcast_to(value, array.shape)

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        return operator(array[...], other).astype(array.dtype)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        return array + scale * other

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return array + scale * (x1 * x2)

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return array + scale * (x1 / x2)

    def put(self, array: Array, index: Array, values: Array) -> Any:
        # For a repeated index, a GPU may keep any of the values, so each element gets the last one.
        last = mx.zeros((array.shape[0],), mx.int64).at[index].maximum(mx.arange(index.shape[0], dtype=mx.int64))
        written = array[...]
        written[index] = values[last[index]]
        return written

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        return array.at[index].add(values) if array.size and values.size else array

    def special(self, name: str) -> Callable[..., Any]:
        if name == "erf":
            return lambda x: mx.erf(x) if x.dtype == mx.float32 else rational.erf(self.xp, x)
        return super().special(name)

    def solve_triangular(self, x1: Array, x2: Array, upper: bool) -> Any:
        if mx.complex64 in (x1.dtype, x2.dtype):
            return super().solve_triangular(x1, x2, upper)
        return mx.linalg.solve_triangular(x1, x2, upper=upper, stream=mx.cpu)

    # Convolution: MLX's own, and its gradients by mx.vjp

    def convolve(self, x: Array, weight: Array, windows: Windows, groups: int) -> Any:
        if not _has_convolution(x, windows, groups):
            return super().convolve(x, weight, windows, groups)
        return _convolved(x, weight, windows, groups)

    def convolve_input(self, g: Array, weight: Array, lengths: Lengths, windows: Windows, groups: int) -> Any:
        if not _has_convolution(g, windows, groups) or not weight.shape[1]:
            return super().convolve_input(g, weight, lengths, windows, groups)
        like = mx.zeros((g.shape[0], weight.shape[1] * groups, *lengths), g.dtype)
        return mx.vjp(lambda x: _convolved(x, weight, windows, groups), [like], [g])[1][0]

    def convolve_weight(self, g: Array, x: Array, windows: Windows, groups: int) -> Any:
        if not _has_convolution(x, windows, groups) or not g.size:
            return super().convolve_weight(g, x, windows, groups)
        like = mx.zeros((g.shape[1], x.shape[1] // groups, *windows.kernel), g.dtype)
        return mx.vjp(lambda weight: _convolved(x, weight, windows, groups), [like], [g])[1][0]


def _has_convolution(x: Array, windows: Windows, groups: int) -> bool:
    """Return whether MLX supports the convolution: of a non-empty array of floats; in groups, over at most two axes."""
    return bool(x.dtype in _CONVOLVED and x.size and (groups == 1 or len(windows.kernel) < 3))


def _convolved(x: Array, weight: Array, windows: Windows, groups: int) -> Any:
    """Return the convolution by `mx.conv_general`, which takes the channels last."""
    padding = [[before for before, _ in windows.padding], [behind for _, behind in windows.padding]]
    out = mx.conv_general(
        mx.moveaxis(x, 1, -1),
        mx.moveaxis(weight, 1, -1),
        stride=list(windows.stride),
        padding=padding,
        kernel_dilation=list(windows.dilation),
        groups=groups,
    )
    return mx.moveaxis(out, -1, 1)


BACKEND = MlxBackend()
