"""Logic on booleans and on bits."""

from __future__ import annotations

from ...core.primitive import ArrayLike, standard
from ...core.tensor import Tensor
from ...core.typing import Namespace
from ..advice import of_bits

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
]


@standard
def logical_and(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether both are true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 and x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_and(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([ True, False, False], dtype=bool, device='cpu')
    """
    return xp.logical_and(x1, x2)


@standard
def logical_or(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether one or both are true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 or x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_or(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([ True,  True, False], dtype=bool, device='cpu')
    """
    return xp.logical_or(x1, x2)


@standard
def logical_xor(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return whether exactly one is true, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 != x2``: boolean, of the broadcast shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_xor(agrad.asarray([True, True, False]), agrad.asarray([True, False, False]))
    Tensor([False,  True, False], dtype=bool, device='cpu')
    """
    return xp.logical_xor(x1, x2)


@standard
def logical_not(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logical negation, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Boolean, of any shape.

    Returns
    -------
    Tensor
        ``not x``: boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.logical_not(agrad.asarray([True, False]))
    Tensor([False,  True], dtype=bool, device='cpu')
    """
    return xp.logical_not(x)


@standard
def bitwise_and(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in both, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 & x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_and(agrad.asarray([6, 12]), 10)
    Tensor([2, 8], dtype=int64, device='cpu')
    """
    return xp.bitwise_and(x1, x2)


@standard
def bitwise_invert(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Invert all bits, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Boolean or integer, of any shape.

    Returns
    -------
    Tensor
        ``~x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_invert(agrad.asarray([0, 5]))
    Tensor([-1, -6], dtype=int64, device='cpu')
    """
    return xp.bitwise_invert(x)


@standard
def bitwise_left_shift(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Shift bits to the left, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 << x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_left_shift(agrad.asarray([1, 3]), 2)
    Tensor([ 4, 12], dtype=int64, device='cpu')
    """
    return xp.bitwise_left_shift(x1, x2)


@standard
def bitwise_or(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in either, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 | x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_or(agrad.asarray([6, 12]), 10)
    Tensor([14, 14], dtype=int64, device='cpu')
    """
    return xp.bitwise_or(x1, x2)


@standard
def bitwise_right_shift(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Shift bits to the right, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 >> x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_right_shift(agrad.asarray([4, -8]), 1)
    Tensor([ 2, -4], dtype=int64, device='cpu')
    """
    return xp.bitwise_right_shift(x1, x2)


@standard
def bitwise_xor(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the bits set in exactly one, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Boolean or integer, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 ^ x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.bitwise_xor(agrad.asarray([6, 12]), 10)
    Tensor([12,  6], dtype=int64, device='cpu')
    """
    return xp.bitwise_xor(x1, x2)


for op in (bitwise_and, bitwise_invert, bitwise_left_shift, bitwise_or, bitwise_right_shift, bitwise_xor):
    op.definition.advice = of_bits
