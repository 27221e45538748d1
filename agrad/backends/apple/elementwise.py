"""Elementwise functions, and products of integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mlx.core as mx

from ..typing import Array

__all__ = ["FUNCTIONS", "together"]

_BITS: Final = {2: mx.int16, 4: mx.int32}  # the integer dtype with the same number of bytes as a float


def _clip(x: Array, /, min: Any = None, max: Any = None) -> Any:
    return x if min is None and max is None else mx.clip(x, min, max)


def _sign(x: Array, /) -> Any:
    return mx.where(mx.isnan(x), x, mx.sign(x)) if mx.issubdtype(x.dtype, mx.floating) else mx.sign(x)


def _signbit(x: Array, /) -> Any:
    return mx.view(x, _BITS[x.dtype.size]) < 0 if mx.issubdtype(x.dtype, mx.floating) else x < 0


def _copysign(x1: Array, x2: Array, /) -> Any:
    x1, x2 = together(x1, x2)
    return mx.where(_signbit(x2), -mx.abs(x1), mx.abs(x1))


def _hypot(x1: Array, x2: Array, /) -> Any:
    x1, x2 = together(x1, x2)
    small, large = mx.minimum(mx.abs(x1), mx.abs(x2)), mx.maximum(mx.abs(x1), mx.abs(x2))
    ratio = mx.where(large == 0, mx.zeros_like(small), small / large)
    infinite = mx.isinf(x1) | mx.isinf(x2)
    return mx.where(infinite, mx.full(large.shape, mx.inf, large.dtype), large * mx.sqrt(1 + ratio * ratio))


def _expm1(x: Array, /) -> Any:
    if x.dtype != mx.complex64:
        return mx.expm1(x)
    half = mx.sin(mx.imag(x) / 2)
    real = mx.expm1(mx.real(x)) * mx.cos(mx.imag(x)) - 2 * half * half
    return real + 1j * (mx.exp(mx.real(x)) * mx.sin(mx.imag(x)))


def together(*args: Any) -> list[Any]:
    """Return numbers and arrays as arrays of one dtype."""
    arrays = [x for x in args if isinstance(x, mx.array)]
    dtype = mx.result_type(*(x.dtype for x in arrays))
    return [x.astype(dtype) if isinstance(x, mx.array) else mx.array(x, dtype) for x in args]


def _matmul(x1: Array, x2: Array, /) -> Any:
    """Return the matrix product, of integers too, which MLX's `matmul` does not take."""
    if mx.issubdtype(mx.result_type(x1.dtype, x2.dtype), mx.inexact):
        return mx.matmul(x1, x2)
    left, right = x1 if x1.ndim > 1 else x1[None], x2 if x2.ndim > 1 else x2[:, None]
    product = mx.sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)
    gone = [axis for axis, x in ((-2, x1), (-1, x2)) if x.ndim == 1]
    return mx.squeeze(product, axis=gone) if gone else product


def _vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Any:
    return mx.sum(mx.conj(x1) * x2, axis=axis)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "clip": _clip,
    "copysign": _copysign,
    "expm1": _expm1,
    "hypot": _hypot,
    "matmul": _matmul,
    "sign": _sign,
    "signbit": _signbit,
    "vecdot": _vecdot,
}
