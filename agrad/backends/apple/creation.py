"""Creation functions. MLX's have no argument `device`; integers are int64 here, as on other devices, and not int32."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import mlx.core as mx

from ..typing import Array, NativeDtype

__all__ = ["FUNCTIONS", "without_device"]


def without_device(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a creation function that takes, and ignores, the argument `device`, which MLX's lacks."""

    @wraps(function)
    def created(*args: Any, device: Any = None, **settings: Any) -> Any:
        return function(*args, **settings)

    return created


def _created_like(function: Callable[..., Any]) -> Callable[..., Any]:
    def created(x: Array, /, *args: Any, dtype: NativeDtype = None, device: Any = None) -> Any:
        return function(x.shape, *args, dtype=dtype or x.dtype)

    return created


def _full(shape: Any, value: Any, *, dtype: NativeDtype = None) -> Any:
    dtype = dtype or {bool: mx.bool_, int: mx.int64, float: mx.float32, complex: mx.complex64}[type(value)]
    return mx.broadcast_to(mx.array(value).astype(dtype), (shape,) if isinstance(shape, int) else shape)


def _linspace(
    start: Any, stop: Any, /, num: int, *, dtype: NativeDtype = None, device: Any = None, endpoint: bool = True
) -> Any:
    if complex not in (type(start), type(stop)):
        return mx.linspace(start, stop, num, endpoint=endpoint, dtype=dtype or mx.float32)
    return _astype(start + mx.linspace(0, 1, num, endpoint=endpoint) * (stop - start), dtype or mx.complex64)


def _arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: NativeDtype = None) -> Any:
    start, stop = (0, start) if stop is None else (start, stop)
    integers = all(type(x) is int for x in (start, stop, step))
    return mx.arange(start, stop, step, dtype or (mx.int64 if integers else mx.float32))


def _asarray(obj: Any, /, *, dtype: NativeDtype = None, device: Any = None, copy: bool | None = None) -> Any:
    if isinstance(obj, mx.array):
        if dtype is None or dtype == obj.dtype:
            return obj[...] if copy else obj
        return _astype(obj, dtype)
    dtype = dtype or (mx.int64 if type(obj) is int else None)
    return mx.array(obj, dtype)


def _astype(x: Array, dtype: NativeDtype, /, *, copy: bool = True, device: Any = None) -> Any:
    if x.dtype == dtype:
        return x[...] if copy else x
    if x.dtype == mx.complex64 and dtype != mx.complex64:
        x = mx.real(x)
    return x.astype(dtype)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: without_device(getattr(mx, name)) for name in ("eye", "from_dlpack", "ones", "zeros")},
    **{f"{name}_like": _created_like(getattr(mx, name)) for name in ("ones", "zeros")},
    "arange": without_device(_arange),
    "asarray": _asarray,
    "astype": _astype,
    "empty": without_device(mx.zeros),
    "empty_like": _created_like(mx.zeros),
    "full": without_device(_full),
    "full_like": _created_like(_full),
    "linspace": _linspace,
}
