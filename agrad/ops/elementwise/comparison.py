"""Comparisons, and tests for infinity and NaN."""

from __future__ import annotations

from ...core.primitive import ArrayLike, standard
from ...core.tensor import Tensor
from ...core.typing import Namespace

__all__ = ["equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "less", "less_equal", "not_equal"]


@standard
def equal(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether two numbers are equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Of any dtype, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 == x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.equal(x1, x2)


@standard
def greater(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is greater, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 > x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.greater(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False, False,  True], dtype=bool, device='cpu')
    """
    return xp.greater(x1, x2)


@standard
def greater_equal(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is greater or equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 >= x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.greater_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([False,  True,  True], dtype=bool, device='cpu')
    """
    return xp.greater_equal(x1, x2)


@standard
def less(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is less, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 < x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.less(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.less(x1, x2)


@standard
def less_equal(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether the first number is less or equal, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 <= x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.less_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True,  True, False], dtype=bool, device='cpu')
    """
    return xp.less_equal(x1, x2)


@standard
def not_equal(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether two numbers differ, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Of any dtype, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 != x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.not_equal(agrad.asarray([1.0, 2.0, 3.0]), 2.0)
    Tensor([ True, False,  True], dtype=bool, device='cpu')
    """
    return xp.not_equal(x1, x2)


@standard
def isfinite(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are neither infinite nor NaN, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isfinite(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.isfinite(x)


@standard
def isinf(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are infinite, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isinf(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.isinf(x)


@standard
def isnan(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return whether numbers are NaN, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.isnan(agrad.asarray([1.0, float("inf"), float("nan")]))
    Tensor([False, False,  True], dtype=bool, device='cpu')
    """
    return xp.isnan(x)
