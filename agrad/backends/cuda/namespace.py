"""CuPy's array API namespace, with replacements for functions that would synchronize or cannot be captured.

array-api-compat's `sign` and `clip` write through masks: the CPU waits until the GPU has counted the True elements.
CuPy's `matmul` copies operands that cuBLAS could read directly. While a stream is captured, CuPy supports neither
matrix products nor joining more than eight arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from types import ModuleType
from typing import Any

import array_api_compat.cupy as compat
import cupy
import numpy as np

from ..base import names_of
from ..typing import Array, Namespace, NativeDevice, NativeDtype
from .kernels import real_sign
from .products import capturable, in_capture

__all__ = ["bound", "namespace"]


def namespace() -> Any:
    """Return a namespace of the array API standard for CuPy's arrays."""
    xp: Any = ModuleType("agrad.backends.cupy.xp")
    vars(xp).update(names_of(compat))
    xp.sign = _sign
    xp.clip = _clip
    xp.linspace = _linspace
    xp.matmul = _matmul
    xp.concat = _concat
    xp.stack = _stack
    xp.arange = _arange
    xp.fft = ModuleType("agrad.backends.cupy.xp.fft")
    vars(xp.fft).update(names_of(compat.fft))
    xp.fft.fftfreq = _on_current(compat.fft.fftfreq)
    xp.fft.rfftfreq = _on_current(compat.fft.rfftfreq)
    return xp


def _sign(x: Array, /) -> Any:
    if x.dtype.kind == "f":
        return real_sign(x)
    if x.dtype.kind != "c":
        return cupy.sign(x)
    size = cupy.abs(x)
    return x / cupy.where(size == 0, 1, size)


def _clip(x: Array, /, min: Array = None, max: Array = None) -> Any:
    if x.dtype.kind == "c":
        raise TypeError("it takes real numbers; write agrad.real(x), agrad.imag(x) or agrad.abs(x)")
    least, most = _ends(x, min, max)
    if isinstance(least, _NUMBERS) and isinstance(most, _NUMBERS):
        return x.copy() if least is most is None else x.clip(least, most)
    x = x if least is None else cupy.maximum(x, least)
    return x if most is None else cupy.minimum(x, most)


_NUMBERS = (int, float, type(None))


def _ends(x: Array, least: Any, most: Any) -> tuple[Any, Any]:
    """Return the limits of `clip` in the dtype of `x`."""
    least, most = (end.astype(x.dtype, copy=False) if hasattr(end, "dtype") else end for end in (least, most))
    if x.dtype.kind in "iu":  # Python numbers may be out of the dtype's range
        held = np.iinfo(x.dtype)
        least = max(int(least), held.min) if isinstance(least, float | int) else least
        most = min(int(most), held.max) if isinstance(most, float | int) else most
    return least, most


def _matmul(x1: Array, x2: Array, /) -> Any:
    if x1.ndim <= 2 or x2.ndim != 2:
        return capturable(cupy.matmul)(x1, x2)
    # One product of two matrices, where CuPy would make many, with a copy of a transposed `x2` for each.
    rows = x1.reshape(prod(x1.shape[:-1]), x1.shape[-1])
    return capturable(cupy.matmul)(rows, x2).reshape(*x1.shape[:-1], x2.shape[1])


def _concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Any:
    if len(arrays) > _JOINED_AT_ONCE and in_capture():
        arrays = [compat.concat(some, axis=axis) for some in _batched(arrays)]
        return _concat(arrays, axis=axis)
    return compat.concat(arrays, axis=axis)


def _stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Any:
    if len(arrays) > _JOINED_AT_ONCE and in_capture():
        return _concat([compat.stack(some, axis=axis) for some in _batched(arrays)], axis=axis)
    return compat.stack(arrays, axis=axis)


_JOINED_AT_ONCE = 8  # the addresses of more arrays are copied to the GPU, which a capture does not allow


def _batched(arrays: Sequence[Array]) -> list[Sequence[Array]]:
    return [arrays[i : i + _JOINED_AT_ONCE] for i in range(0, len(arrays), _JOINED_AT_ONCE)]


def _linspace(start: complex, stop: complex, /, num: int, *, dtype: NativeDtype = None, **settings: Any) -> Any:
    if not isinstance(start, complex) and not isinstance(stop, complex):
        return compat.linspace(start, stop, num, dtype=dtype, **settings)
    real, imag = (
        compat.linspace(*ends, num, **settings) for ends in ((start.real, stop.real), (start.imag, stop.imag))
    )
    return (real + 1j * imag).astype(dtype or np.complex128)


def _arange(start: float, /, stop: Any = None, step: float = 1, *, dtype: NativeDtype = None, **settings: Any) -> Any:
    if dtype is not None and np.dtype(dtype).kind == "u" and step < 0:  # CuPy casts the step to that type
        return compat.arange(start, stop, step, dtype=np.int64, **settings).astype(dtype)
    return compat.arange(start, stop, step, dtype=dtype, **settings)


def _on_current(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of array-api-compat that lacks the argument `device`; it runs on the current device."""

    @wraps(function)
    def frequencies(n: int, /, *, device: NativeDevice = None, **settings: Any) -> Any:
        return function(n, **settings)

    return frequencies


# On a machine with several GPUs


def bound(xp: Namespace, native: NativeDevice) -> Array:
    """Return a copy of a namespace whose functions make one device current and run there."""
    copy: Any = ModuleType(xp.__name__)
    for name, value in names_of(xp).items():
        if isinstance(value, ModuleType) and name in ("linalg", "fft"):
            value = bound(value, native)
        elif callable(value) and not isinstance(value, type):
            value = _on(native, value)
        setattr(copy, name, value)
    return copy


def _on(native: NativeDevice, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function, assigned=("__name__", "__doc__"), updated=())
    def there(*args: Any, **kwargs: Any) -> Any:
        native.use()
        return function(*args, **kwargs)

    return there
