"""Statistical functions: the standard's reductions and cumulative functions, each with its gradient rules.

A rule of a reduction gets a cotangent without the reduced axes: `restore` puts them back, so that it broadcasts, and
`_spread` gives it the shape of the input.
"""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

from ..checks import check_flags, check_number
from ..core.dtypes import as_dtype, native
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, DTypeLike, Namespace
from .data_type import HALVES, in_float32, promote_half, require_real
from .gathering import op_for

__all__ = [
    "axes_of", "balance", "cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "products_of_others",
    "restore", "std", "sum", "var",
]  # fmt: skip

Axis: TypeAlias = int | tuple[int, ...] | None


_FIRST: Final = (0, -1, (0,), (-1,))


def axes_of(x: Any, axis: Axis) -> Axis:
    """Return the axes to reduce `x` along; a 0-d array may be reduced along its first axis, as in NumPy and PyTorch."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return None if axis is not None and x.ndim == 0 and axis in _FIRST else axis


def _axes(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return the axes that a reduction removes, counted from the front."""
    if axis is None or not shape:
        return tuple(range(len(shape)))
    return tuple(i % len(shape) for i in (axis if isinstance(axis, (tuple, list)) else (axis,)))


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """Return how many elements are reduced to one."""
    return math.prod(shape[i] for i in _axes(shape, axis))


def restore(xp: Namespace, reduced: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    """Reshape what was reduced along `axis` so that it broadcasts with an array of `shape` again."""
    if keepdims or axis is None:
        return reduced
    axes = _axes(shape, axis)
    return xp.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def _spread(xp: Namespace, g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    return xp.broadcast_to(restore(xp, g, shape, axis, keepdims), shape)


def _accumulated(xp: Namespace, function: Any, x: Array, dtype: DTypeLike, **settings: Any) -> Array:
    """Call a function that adds up or multiplies; a 16-bit result is accumulated in float32."""
    if "include_initial" in settings:
        check_flags(include_initial=settings["include_initial"])
    target = x.dtype if dtype is None else native(xp, dtype)
    if as_dtype(target).name not in HALVES:
        return function(x, **settings) if dtype is None else function(x, dtype=target, **settings)
    return xp.astype(function(x, dtype=xp.float32, **settings), target)


# Sums and means


@primitive
def sum(
    xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False
) -> Tensor:
    """Return the sum along axes.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which the sum is computed; all of them by default.
    dtype : DType, optional
        Of the result and of the accumulator; by default that of `x`, for small integers the default integer.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis`; 0 for an empty sum.

    Examples
    --------
    >>> import agrad
    >>> agrad.sum(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.], dtype=float32, device='cpu')
    """
    if dtype is None:
        return xp.sum(x, axis=axes_of(x, axis), keepdims=keepdims)
    return xp.sum(x, axis=axes_of(x, axis), dtype=native(xp, dtype), keepdims=keepdims)


sum.vjp(x=lambda g, xp, x_shape, axis, keepdims: _spread(xp, g, x_shape, axis, keepdims))


@primitive
def mean(xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the arithmetic mean along axes.

    Parameters
    ----------
    x : ArrayLike
        Floating, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which the mean is computed; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis` and the dtype of `x`; NaN for the mean of no elements.

    Examples
    --------
    >>> import agrad
    >>> agrad.mean(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([2., 3.], dtype=float32, device='cpu')
    """
    return xp.mean(x, axis=axes_of(x, axis), keepdims=keepdims)


def _mean_x(g: Array, xp: Namespace, x_shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    return _spread(xp, promote_half(xp, g) / _count(x_shape, axis), x_shape, axis, keepdims)


mean.vjp(x=_mean_x)


@primitive
def var(
    xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """Return the variance along axes.

    Parameters
    ----------
    x : ArrayLike
        Floating, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which the variance is computed; all of them by default.
    correction : float
        The sum of the squared deviations is divided by the number of elements minus `correction`: 0 for the variance
        of these elements, 1 for an unbiased estimate from a sample.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis` and the dtype of `x`; real for complex `x`, from the squared absolute values
        of the deviations. NaN where there are no more elements than `correction`.

    Examples
    --------
    >>> import agrad
    >>> agrad.var(agrad.asarray([1.0, 2.0, 3.0, 4.0, 5.0]))
    Tensor(2., dtype=float32, device='cpu')
    """
    check_number("correction", correction)
    return _variance(xp, x, axis=axes_of(x, axis), correction=correction, keepdims=keepdims)


def _variance(xp: Namespace, x: Array, **settings: Any) -> Array:
    if as_dtype(x.dtype).is_complex:  # the standard's `var` takes real numbers only
        return xp.var(xp.real(x), **settings) + xp.var(xp.imag(x), **settings)
    return in_float32(xp, lambda x: xp.var(x, **settings), x)


def _var_x(g: Array, x: Array, xp: Namespace, axis: Axis, correction: float, keepdims: bool) -> Array:
    degrees = _count(x.shape, axis) - correction
    scale = 2.0 / degrees if degrees > 0 else math.inf
    g, x = promote_half(xp, g), promote_half(xp, x)
    deviation = x - xp.mean(x, axis=axes_of(x, axis), keepdims=True)
    if as_dtype(x.dtype).is_complex:
        deviation = xp.conj(deviation)
    return restore(xp, g * scale, x.shape, axis, keepdims) * deviation


var.vjp(x=_var_x)


@primitive
def std(
    xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """Return the standard deviation along axes.

    Where it is 0, so are its gradient and the derivatives of higher order.

    Parameters
    ----------
    x : ArrayLike
        Floating, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which it is computed; all of them by default.
    correction : float
        As in `var`.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        The square root of `var`.

    Examples
    --------
    >>> import agrad
    >>> agrad.std(agrad.asarray([1.0, 3.0]))
    Tensor(1., dtype=float32, device='cpu')
    """
    check_number("correction", correction)
    settings: dict[str, Any] = {"axis": axes_of(x, axis), "correction": correction, "keepdims": keepdims}
    if as_dtype(x.dtype).is_complex:
        return xp.sqrt(_variance(xp, x, **settings))
    return in_float32(xp, lambda x: xp.std(x, **settings), x)


def _std_x(g: Array, x: Array, out: Array, xp: Namespace, axis: Axis, correction: float, keepdims: bool) -> Array:
    out = promote_half(xp, out)
    g = promote_half(xp, g) / xp.where(out == 0, math.inf, 2.0 * out)
    return _var_x(g, x, xp, axis, correction, keepdims)


std.vjp(x=_std_x)


# Extremes


@primitive
def max(xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the largest element along axes.

    Equal largest elements share the gradient evenly; the second derivative is 0.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape, not empty along the axes.
    axis : int or tuple of int, optional
        The axis or axes to search along; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis` and the dtype of `x`; NaN where there is a NaN.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([1.0, 3.0, 3.0], requires_grad=True)
    >>> agrad.max(x).backward()
    >>> x.grad
    Tensor([0. , 0.5, 0.5], dtype=float32, device='cpu')
    """
    require_real(x)
    return xp.max(x, axis=axes_of(x, axis), keepdims=keepdims)


@primitive
def min(xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the smallest element along axes.

    Equal smallest elements share the gradient evenly; the second derivative is 0.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape, not empty along the axes.
    axis : int or tuple of int, optional
        The axis or axes to search along; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis` and the dtype of `x`; NaN where there is a NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.min(agrad.asarray([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    Tensor([1., 3.], dtype=float32, device='cpu')
    """
    require_real(x)
    return xp.min(x, axis=axes_of(x, axis), keepdims=keepdims)


def _extreme_x(g: Array, x: Array, out: Array, xp: Namespace, axis: Axis, keepdims: bool) -> Array:
    g = promote_half(xp, g)
    reached = xp.astype(x == restore(xp, out, x.shape, axis, keepdims), g.dtype)
    return restore(xp, g, x.shape, axis, keepdims) / xp.sum(reached, axis=axes_of(x, axis), keepdims=True) * reached


max.vjp(x=_extreme_x)
min.vjp(x=_extreme_x)


# Products: their rules multiply the elements before and after each one, since dividing by it fails where it is 0


@primitive
def prod(
    xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False
) -> Tensor:
    """Return the product along axes.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which the product is computed; all of them by default.
    dtype : DType, optional
        Of the result and of the accumulator; by default that of `x`, for small integers the default integer.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Of the shape of `x` without `axis`; 1 for an empty product.

    Examples
    --------
    >>> import agrad
    >>> agrad.prod(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([3., 8.], dtype=float32, device='cpu')
    """
    return _accumulated(xp, xp.prod, x, dtype, axis=axes_of(x, axis), keepdims=keepdims)


def _prod_x(g: Array, x: Array, xp: Namespace, axis: Axis, keepdims: bool) -> Array:
    g, x = promote_half(xp, g), promote_half(xp, x)
    axes = _axes(x.shape, axis)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    rows = xp.permute_dims(x, order)
    shape = rows.shape
    rows = xp.reshape(rows, (*shape[: x.ndim - len(axes)], _count(x.shape, axis)))
    others = products_of_others(xp, rows)
    others = xp.permute_dims(xp.reshape(others, shape), tuple(order.index(i) for i in range(x.ndim)))
    return restore(xp, g, x.shape, axis, keepdims) * others


def products_of_others(xp: Namespace, x: Array) -> Array:
    """Return for each element along the last axis the product of all others, exact and smooth where some are 0."""
    scale = op_for(balance, xp)(x)
    logs = xp.log(scale)
    log_scale = xp.sum(logs, axis=-1, keepdims=True) - logs
    root = _root_of_exp(xp, log_scale)
    return _before_and_behind(xp, x / scale) * root * root


def _root_of_exp(xp: Namespace, log: Any) -> Array:
    """Return a finite square root of an exponential: 0 times it twice is 0, where 0 times infinity would be NaN."""
    return xp.exp(xp.minimum(0.5 * log, math.log(float(xp.finfo(log.dtype).max) / 4.0)))


@primitive
def balance(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return divisors of the elements along the last axis with which no product of some of them overflows.

    They are 1 where none would over- or underflow, else the absolute values. They count as constants.
    """
    product, zero = _before_and_behind(xp, x), x == 0
    zeros = xp.astype(zero, xp.int64)
    beside_zero = xp.sum(zeros, axis=-1, keepdims=True) > zeros
    lost = ~xp.isfinite(product) | ((product == 0) & ~beside_zero)
    lost = xp.any(lost, axis=-1, keepdims=True) & xp.all(xp.isfinite(x), axis=-1, keepdims=True)
    return xp.where(lost & ~zero, xp.abs(x), 1.0)


def _before_and_behind(xp: Namespace, x: Array) -> Array:
    return _before(xp, x) * xp.flip(_before(xp, xp.flip(x, axis=-1)), axis=-1)


def _before(xp: Namespace, x: Array) -> Array:
    """Return the product of all elements before each one along the last axis."""
    return xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]


prod.vjp(x=_prod_x)


@primitive
def cumulative_prod(
    xp: Namespace, x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False
) -> Tensor:
    """Return the cumulative product along an axis.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape but ``()``.
    axis : int, optional
        The axis to multiply along; may be left out if `x` has only one.
    dtype : DType, optional
        Of the result; by default that of `x`, for small integers the default integer.
    include_initial : bool
        Whether the result begins with a 1 and is longer than `x` by one.

    Returns
    -------
    Tensor
        Of the shape of `x`, one longer along the axis with `include_initial`.

    Raises
    ------
    ValueError
        If `axis` is left out and `x` has several axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.cumulative_prod(agrad.asarray([2.0, 3.0, 4.0]))
    Tensor([ 2.,  6., 24.], dtype=float32, device='cpu')
    """
    return _accumulated(xp, xp.cumulative_prod, x, dtype, axis=axis, include_initial=include_initial)


def _cumulative_prod_x(g: Array, x: Array, xp: Namespace, axis: int | None, include_initial: bool) -> Array:
    if 0 in x.shape:
        return xp.zeros_like(x)
    axis = axis or 0
    x, g = xp.moveaxis(promote_half(xp, x), axis, -1), xp.moveaxis(promote_half(xp, g), axis, -1)
    if include_initial:
        g = g[..., 1:]
    scale = op_for(balance, xp)(x)
    logs = xp.cumulative_sum(xp.log(scale), axis=-1)  # of the factors that are divided out of the products
    largest = xp.max(logs if _is_tracked(g) else xp.where(g != 0, logs, -math.inf), axis=-1, keepdims=True)
    largest = xp.where(xp.isfinite(largest), largest, 0.0)
    g = g * xp.exp(xp.minimum(logs - largest, 0.0))
    root = _root_of_exp(xp, largest - xp.log(scale))
    x = x / scale
    return xp.moveaxis(_times(xp, _before(xp, x), _behind(xp, g, x)) * root * root, -1, axis)


def _behind(xp: Namespace, g: Array, x: Array) -> Array:
    """Solve the recurrence ``s[i] = g[i] + x[i + 1] * s[i + 1]`` for ``s``, along the last axis.

    By doubling: sums of ``step`` terms are added in pairs to sums of ``2 * step`` terms, beginning with one term.
    """
    n, step = x.shape[-1], 1
    factors = x[..., 1:] if n else x
    while step < n:
        longer = g[..., :-step] + _times(xp, factors, g[..., step:])
        g = xp.concat([longer, g[..., -step:]], axis=-1)
        if 2 * step < n:
            factors = factors[..., :-step] * factors[..., step:]
        step *= 2
    return g


def _is_tracked(g: Any) -> bool:
    """Return whether a cotangent is differentiated, so that its zeros must not be treated as constants."""
    return bool(getattr(g, "requires_grad", False))


def _times(xp: Namespace, product: Array, g: Array) -> Array:
    """Return a product times a cotangent: 0 where the cotangent is 0, even if the product overflowed."""
    if _is_tracked(g):
        return product * g
    return xp.where(g == 0, 0.0, product * g)


cumulative_prod.vjp(x=_cumulative_prod_x)


@primitive
def cumulative_sum(
    xp: Namespace, x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False
) -> Tensor:
    """Return the cumulative sum along an axis.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape but ``()``.
    axis : int, optional
        The axis to sum along; may be left out if `x` has only one.
    dtype : DType, optional
        Of the result; by default that of `x`, for small integers the default integer.
    include_initial : bool
        Whether the result begins with a 0 and is longer than `x` by one.

    Returns
    -------
    Tensor
        Of the shape of `x`, one longer along the axis with `include_initial`.

    Raises
    ------
    ValueError
        If `axis` is left out and `x` has several axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.cumulative_sum(agrad.asarray([1.0, 2.0, 3.0]), include_initial=True)
    Tensor([0., 1., 3., 6.], dtype=float32, device='cpu')
    """
    return _accumulated(xp, xp.cumulative_sum, x, dtype, axis=axis, include_initial=include_initial)


def _cumulative_sum_x(g: Array, xp: Namespace, axis: int | None, include_initial: bool) -> Array:
    axis, g = axis or 0, promote_half(xp, g)
    if include_initial:
        g = xp.moveaxis(xp.moveaxis(g, axis, -1)[..., 1:], -1, axis)
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=axis), axis=axis), axis=axis)


cumulative_sum.vjp(x=_cumulative_sum_x)
