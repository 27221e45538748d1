"""Elementwise functions: axes of length 1 are inserted after the batch axis until all arrays have equal ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ...backends.typing import Array, NativeDtype
from .arrays import BatchedArray, aligned, pair, spread_out

__all__ = ["FUNCTIONS"]


def _unary(name: str) -> Callable[..., BatchedArray]:
    def unary(x: Array, /) -> BatchedArray:
        return BatchedArray(getattr(x.level.xp, name)(x.value), x.lead, x.level)

    return unary


def _binary(name: str) -> Callable[..., BatchedArray]:
    def binary(x1: Array, x2: Array, /) -> BatchedArray:
        v1, v2, lead, level = pair(x1, x2)
        return BatchedArray(getattr(level.xp, name)(v1, v2), lead, level)

    return binary


def _where(condition: Array, x1: Array, x2: Array, /) -> BatchedArray:
    values, lead, level = aligned((condition, x1, x2))
    return BatchedArray(level.xp.where(*values), lead, level)


def _clip(x: Array, /, min: Array = None, max: Array = None) -> BatchedArray:
    bounds = {name: bound for name, bound in (("min", min), ("max", max)) if bound is not None}
    (value, *values), lead, level = aligned((x, *bounds.values()))
    value = spread_out(x) if lead and not x.lead else value  # some libraries do not broadcast the first argument
    return BatchedArray(level.xp.clip(value, **dict(zip(bounds, values, strict=True))), lead, level)


def _astype(x: Array, dtype: NativeDtype, /, *, copy: bool = True, device: Any = None) -> BatchedArray:
    return x.like(x.level.xp.astype(x.value, dtype, copy=copy))


_UNARY: Final = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj", "cos", "cosh", "exp",
    "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10", "logical_not", "negative",
    "positive", "real", "reciprocal", "round", "sign", "signbit", "sin", "sinh", "square", "sqrt", "tan", "tanh",
    "trunc",
)  # fmt: skip
_BINARY: Final = (
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign",
    "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal", "logaddexp",
    "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow",
    "remainder", "subtract",
)  # fmt: skip
FUNCTIONS: Final[dict[str, Any]] = {
    **{name: _unary(name) for name in _UNARY},
    **{name: _binary(name) for name in _BINARY},
    "astype": _astype,
    "clip": _clip,
    "where": _where,
}
