"""Searching and sorting. MLX's indices are uint32, which count down to 4294967295 below 0; here they are int64."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import array_api_compat.numpy as on_host
import mlx.core as mx
import numpy as np

from ..host import refuse_out_of_range
from ..typing import Array
from .elementwise import together

__all__ = ["FUNCTIONS", "on_cpu"]

_ON_HOST: Final = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values", "isin")


def on_cpu() -> bool:
    """Return whether MLX computes on the CPU, where reading waits for nothing."""
    return bool(mx.default_device().type == mx.DeviceType.cpu)


def _indices(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def found(*args: Any, **settings: Any) -> Any:
        return function(*args, **settings).astype(mx.int64)

    return found


def _argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    if not descending:
        return mx.argsort(x, axis=axis).astype(mx.int64)
    return x.shape[axis] - 1 - _flip(mx.argsort(_flip(x, axis=axis), axis=axis).astype(mx.int64), axis=axis)


def _sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    return _flip(mx.sort(x, axis=axis), axis=axis) if descending else mx.sort(x, axis=axis)


def _flip(x: Array, /, *, axis: Any = None) -> Any:
    return mx.flip(x, axis=axis) if x.ndim else x


def _searchsorted(x1: Array, x2: Any, /, *, side: str = "left") -> Any:
    x1, x2 = together(x1, x2)
    return mx.searchsorted(x1, x2, side=side).astype(mx.int64)


def _on_host(name: str) -> Callable[..., Any]:
    """Return a function of values whose result has a shape that depends on them: NumPy computes it."""
    function = getattr(on_host, name)

    def computed(*args: Any, **settings: Any) -> Any:
        found = function(*(np.array(x) if isinstance(x, mx.array) else x for x in args), **settings)
        if isinstance(found, tuple):
            made = [mx.array(x) for x in found]
            return type(found)(*made) if hasattr(found, "_fields") else tuple(made)
        return mx.array(found)

    return computed


def _take(x: Array, indices: Array, /, *, axis: int | None = None) -> Any:
    axis = 0 if axis is None else axis
    _check(indices, x.shape[axis], axis)
    return mx.take(x, indices, axis=axis)


def _take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Any:
    _check(indices, x.shape[axis], axis)
    shape = list(np.broadcast_shapes(_but_one(x, axis), _but_one(indices, axis)))
    shape[axis] = x.shape[axis]
    wide = shape.copy()
    wide[axis] = indices.shape[axis]
    return mx.take_along_axis(mx.broadcast_to(x, shape), mx.broadcast_to(indices, wide), axis=axis)


def _but_one(x: Array, axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))


def _check(indices: Array, length: int, axis: int) -> None:
    """Raise IndexError for an index out of range, where reading waits for nothing: MLX reads beside the array."""
    if indices.size and on_cpu():
        refuse_out_of_range(mx.min(indices).item(), mx.max(indices).item(), length, axis)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _indices(getattr(mx, name)) for name in ("argmax", "argmin", "count_nonzero")},
    **{name: _on_host(name) for name in _ON_HOST},
    "argsort": _argsort,
    "flip": _flip,
    "searchsorted": _searchsorted,
    "sort": _sort,
    "take": _take,
    "take_along_axis": _take_along_axis,
}
