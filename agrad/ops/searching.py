"""Searching functions: indices of elements, and `where`."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any, Literal

from ..backends import device_of
from ..core.dtypes import as_dtype, from_native, get_default_dtype, native
from ..core.primitive import ArrayLike, primitive, refuses
from ..core.tensor import SCALARS, Tensor, wrap
from ..core.typing import Array, Namespace
from .data_type import as_tensor, require_real
from .gathering import take
from .statistical import axes_of

__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "search_sorted", "searchsorted", "where"]


@primitive
def argmax(xp: Namespace, x: ArrayLike, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the index of the largest element along an axis; of equal ones, the first.

    Parameters
    ----------
    x : ArrayLike
        Real.
    axis : int, optional
        The axis to search along; by default the flattened array.
    keepdims : bool
        Whether the axis is kept, with length 1.

    Returns
    -------
    Tensor
        Integer indices.

    Raises
    ------
    ValueError
        If the axis is empty.

    Examples
    --------
    >>> import agrad
    >>> agrad.argmax(agrad.asarray([[1.0, 3.0], [4.0, 2.0]]), axis=1)
    Tensor([1, 0], dtype=int64, device='cpu')
    """
    return xp.argmax(x, axis=_checked_axis(x, axis), keepdims=keepdims)


@primitive
def argmin(xp: Namespace, x: ArrayLike, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the index of the smallest element along an axis; of equal ones, the first.

    Parameters
    ----------
    x, axis, keepdims
        As in `argmax`.

    Returns
    -------
    Tensor
        Integer indices.

    Raises
    ------
    ValueError
        If the axis is empty.

    Examples
    --------
    >>> import agrad
    >>> agrad.argmin(agrad.asarray([[1.0, 3.0], [4.0, 2.0]]), axis=1)
    Tensor([0, 1], dtype=int64, device='cpu')
    """
    return xp.argmin(x, axis=_checked_axis(x, axis), keepdims=keepdims)


def _checked_axis(x: Any, axis: int | None) -> Any:
    """Return the axis to search along; an error if there is no such axis, or it is empty."""
    require_real(x)
    axis = axes_of(x, axis)  # type: ignore[assignment]
    if axis is not None and not -x.ndim <= index(axis) < x.ndim:
        raise IndexError(f"there is no axis {axis} in shape {tuple(x.shape)}; write axis=None to search all of it")
    if (prod(x.shape) if axis is None else x.shape[axis]) == 0:
        raise ValueError(f"there are no elements to choose from along axis {axis} of shape {tuple(x.shape)}")
    return axis


@primitive
def count_nonzero(
    xp: Namespace, x: ArrayLike, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> Tensor:
    """Count the elements that are not zero.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int, optional
        The axes to count along; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Integers.

    Examples
    --------
    >>> import agrad
    >>> agrad.count_nonzero(agrad.asarray([[1, 0], [2, 3]]), axis=0)
    Tensor([2, 1], dtype=int64, device='cpu')
    """
    return xp.count_nonzero(x, axis=axes_of(x, axis), keepdims=keepdims)


@primitive
@refuses("as_tuple")
def nonzero(xp: Namespace, x: ArrayLike, /) -> tuple[Tensor, ...]:
    """Return the indices of the elements that are not zero, in row-major order.

    Parameters
    ----------
    x : ArrayLike
        Of at least one axis.

    Returns
    -------
    tuple of Tensor
        One-dimensional integer indices, a Tensor for each axis.

    Raises
    ------
    ValueError
        If `x` is 0-d.

    Examples
    --------
    >>> import agrad
    >>> agrad.nonzero(agrad.asarray([0, 5, 7]))
    (Tensor([1, 2], dtype=int64, device='cpu'),)
    """
    if x.ndim == 0:
        raise ValueError("a 0-d array has no indices; reshape it to (1,) first")
    return tuple(xp.nonzero(x))


@primitive
def search_sorted(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, side: str) -> Tensor:
    """Return the indices at which to insert `x2` into the sorted `x1`."""
    require_real(x1)
    require_real(x2)
    return xp.searchsorted(x1, x2, side=side)


def searchsorted(
    x1: ArrayLike,
    x2: ArrayLike,
    /,
    *,
    side: Literal["left", "right"] = "left",
    sorter: ArrayLike | None = None,
) -> Tensor:
    """Return the indices at which to insert elements into a sorted array so that it stays sorted.

    Parameters
    ----------
    x1 : ArrayLike
        One-dimensional, ascending.
    x2 : ArrayLike
        What to insert, of any shape.
    side : {"left", "right"}
        Whether to insert before or after equal elements.
    sorter : ArrayLike, optional
        Indices that put `x1` into ascending order, as `argsort` returns.

    Returns
    -------
    Tensor
        Integers of the shape of `x2`.

    Raises
    ------
    ValueError
        If `side` is something else, or `x1` is not one-dimensional.

    Examples
    --------
    >>> import agrad
    >>> agrad.searchsorted(agrad.asarray([1.0, 2.0, 3.0]), agrad.asarray([0.5, 2.0]))
    Tensor([0, 1], dtype=int64, device='cpu')
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right', not {side!r}")
    x1 = as_tensor(x1)
    if x1.ndim != 1:
        raise ValueError(f"x1 must be a sorted array of shape (n,), not of shape {x1.shape}")
    if type(x2) in SCALARS:
        x2 = wrap(x1._device.xp.asarray(x2, dtype=x1.data.dtype, device=x1._device.native), x1._device)
    return search_sorted(x1 if sorter is None else take(x1, sorter), x2, side=side)


@primitive
def where(xp: Namespace, condition: ArrayLike, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return elements of one array where a condition is true, of another elsewhere.

    Parameters
    ----------
    condition : ArrayLike
        Boolean.
    x1, x2 : ArrayLike
        The elements to return where it is true, and where it is not; all three broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype of `x1` and `x2`.

    Raises
    ------
    TypeError
        If the condition is not boolean.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.asarray([-1.0, 2.0])
    >>> agrad.where(x > 0, x, 0.0)
    Tensor([0., 2.], dtype=float32, device='cpu')
    """
    if not _is_boolean(condition):
        kind = from_native(condition.dtype).name if hasattr(condition, "dtype") else type(condition).__name__
        raise TypeError(f"the condition must be boolean, not {kind}; write condition != 0")
    if type(x1) in SCALARS and type(x2) in SCALARS:
        x1 = xp.asarray(x1, dtype=_common(xp, x1, x2), device=device_of(condition))
    return xp.where(condition, x1, x2)


def _is_boolean(x: Any) -> bool:
    return from_native(x.dtype).name == "bool" if hasattr(x, "dtype") else isinstance(x, bool)


where.vjp(
    x1=lambda g, condition, xp: xp.where(condition, g, 0),
    x2=lambda g, condition, xp: xp.where(condition, 0, g),
)


def _common(xp: Namespace, *numbers: Any) -> Array:
    """Return the library's dtype for Python numbers; None means its default."""
    kind = type(sum(numbers))
    if kind is int and all(type(number) is bool for number in numbers):
        kind = bool
    return None if kind is int else native(xp, get_default_dtype() if kind is float else as_dtype(kind))
