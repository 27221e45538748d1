"""Statistical functions with the argument `dtype`; means of 16-bit floats are accumulated in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mlx.core as mx

from ..typing import Array, NativeDtype

__all__ = ["FUNCTIONS"]

_HALVES: Final = (mx.float16, mx.bfloat16)


def _accumulated(function: Callable[..., Any], start: int) -> Callable[..., Any]:
    def accumulated(
        x: Array, /, *, axis: int | None = None, dtype: NativeDtype = None, include_initial: bool = False
    ) -> Any:
        if x.ndim > 1 and axis is None:
            raise ValueError(f"a cumulative sum or product of {x.ndim} axes needs an axis; write axis=0")
        axis, dtype = axis or 0, dtype or _summed(x.dtype)
        found = function(x.astype(dtype), axis=axis).astype(dtype)
        if not include_initial:
            return found
        shape = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
        return mx.concat([mx.full(shape, start, dtype=found.dtype), found], axis=axis)

    return accumulated


def _summed(dtype: NativeDtype) -> Any:
    """Return the dtype of the sum of an array."""
    if mx.issubdtype(dtype, mx.inexact):
        return dtype
    return mx.uint64 if mx.issubdtype(dtype, mx.unsignedinteger) else mx.int64


def _reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(x: Array, /, *, axis: Any = None, dtype: NativeDtype = None, keepdims: bool = False) -> Any:
        dtype = dtype or _summed(x.dtype)
        return function(x.astype(dtype), axis=axis, keepdims=keepdims).astype(dtype)

    return reduced


def _mean(x: Array, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    found = mx.mean(x.astype(mx.float32) if x.dtype in _HALVES else x, axis=axis, keepdims=keepdims)
    return found.astype(x.dtype) if x.dtype in _HALVES else found


def _var(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Return the variance, for a correction that is no integer too, which MLX's does not take."""
    deviation = x - mx.mean(x, axis=axis, keepdims=True)
    total = mx.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return total / max(x.size / max(total.size, 1) - correction, 0.0) if x.size else total * mx.nan


def _std(x: Array, /, **settings: Any) -> Any:
    return mx.sqrt(_var(x, **settings))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "cumulative_prod": _accumulated(mx.cumprod, 1),
    "cumulative_sum": _accumulated(mx.cumsum, 0),
    "mean": _mean,
    "prod": _reduced(mx.prod),
    "std": _std,
    "sum": _reduced(mx.sum),
    "var": _var,
}
