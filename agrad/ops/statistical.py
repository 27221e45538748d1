"""Statistical functions: the standard's reductions and cumulative sums, each with its gradient rules."""

from __future__ import annotations

from math import prod as _product
from typing import Any

from ..core.dtypes import native
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor

Axis = int | tuple[int, ...] | None


@primitive
def max(xp: Any, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the largest element, of all or along `axis`.

    The gradient is shared evenly among equal largest elements, as PyTorch's ``amax`` does.
    """
    return xp.max(x, axis=axis, keepdims=keepdims)


@primitive
def mean(xp: Any, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the arithmetic mean, of all elements or along `axis`."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@primitive
def sum(xp: Any, x: ArrayLike, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """Return the sum, of all elements or along `axis`."""
    return xp.sum(x, axis=axis, dtype=native(xp, dtype), keepdims=keepdims)


def _axes(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction takes away, counted from the front."""
    if axis is None:
        return tuple(range(len(shape)))
    return tuple(i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,)))


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """Return how many elements go into one of the result's."""
    return _product(shape[i] for i in _axes(shape, axis))


def _restore(xp: Any, reduced: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """Put axes of length 1 back where a reduction took them away."""
    if keepdims or axis is None:
        return reduced  # without axes it broadcasts as it is
    axes = _axes(shape, axis)
    return xp.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def _spread(xp: Any, g: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """Give every element the cotangent of what it was reduced to."""
    return xp.broadcast_to(_restore(xp, g, shape, axis, keepdims), shape)


def _to_the_extreme(g: Any, x: Any, out: Any, xp: Any, axis: Axis, keepdims: bool) -> Any:
    g, out = (_restore(xp, array, x.shape, axis, keepdims) for array in (g, out))
    hits = xp.astype(x == out, g.dtype)
    return g / xp.sum(hits, axis=axis, keepdims=True) * hits


max.vjp(x=_to_the_extreme)
mean.vjp(
    x=lambda g, xp, x_shape, axis, keepdims: _spread(xp, g / _count(x_shape, axis), x_shape, axis, keepdims)
)
sum.vjp(x=lambda g, xp, x_shape, axis, keepdims: _spread(xp, g, x_shape, axis, keepdims))
