"""Rounding functions, whose gradient is 0."""

from __future__ import annotations

from ...core.primitive import ArrayLike, primitive, refuses
from ...core.tensor import Tensor
from ...core.typing import Namespace
from ..data_type import require_numeric
from .common import STEP

__all__ = ["ceil", "floor", "round", "trunc"]


@primitive
def ceil(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Round up, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        The smallest integers that are not less than `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.ceil(agrad.asarray([1.2, -1.2]))
    Tensor([ 2., -1.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.ceil(x)


ceil.vjp(x=STEP)


@primitive
def floor(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Round down, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        The largest integers that are not greater than `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.floor(agrad.asarray([1.2, -1.2]))
    Tensor([ 1., -2.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.floor(x)


floor.vjp(x=STEP)


@primitive
@refuses("decimals")
def round(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Round to the nearest integer, elementwise, halves to the even one.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        The nearest integers to `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(agrad.asarray([0.5, 1.5, 2.6]))
    Tensor([0., 2., 3.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.round(x)


round.vjp(x=STEP)


@primitive
def trunc(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Round towards zero, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.

    Returns
    -------
    Tensor
        `x` without its fraction, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.trunc(agrad.asarray([1.7, -1.7]))
    Tensor([ 1., -1.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.trunc(x)


trunc.vjp(x=STEP)
