"""Arithmetic: sums, products, quotients, absolute values and signs."""

from __future__ import annotations

from ...core.dtypes import as_dtype
from ...core.primitive import ArrayLike, primitive, refuses, standard
from ...core.tape import unchanged
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ..data_type import require_numeric
from .common import STEP

__all__ = [
    "abs",
    "add",
    "divide",
    "floor_divide",
    "multiply",
    "negative",
    "positive",
    "reciprocal",
    "remainder",
    "sign",
    "square",
    "subtract",
]


@primitive
def abs(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the absolute value, elementwise.

    The gradient at 0 is 0, and so are the derivatives of higher order.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``|x|``, of the same shape; real where `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.abs(agrad.asarray([-1.0, 2.0]))
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.abs(x)


abs.vjp(x=lambda g, x, xp: g * xp.conj(xp.sign(x)))


@standard
@refuses("alpha")
def add(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the sum, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 + x2``, of the broadcast shape and the promoted dtype.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or the devices differ: here and in every function of two arrays.

    Examples
    --------
    >>> import agrad
    >>> agrad.add(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([11., 12.], dtype=float32, device='cpu')
    """
    return xp.add(x1, x2)


add.vjp(x1=unchanged, x2=unchanged)


@standard
@refuses("rounding_mode")
def divide(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the quotient, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Floating, real or complex, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 / x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.divide(agrad.asarray([1.0, 3.0]), 2.0)
    Tensor([0.5, 1.5], dtype=float32, device='cpu')
    """
    return xp.divide(x1, x2)


divide.vjp(x1=lambda g, x2: g / x2, x2=lambda g, out, x2: -g * out / x2)


@standard
def floor_divide(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the quotient rounded down, elementwise.

    The gradient is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``floor(x1 / x2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.floor_divide(agrad.asarray([7.0, -7.0]), 2.0)
    Tensor([ 3., -4.], dtype=float32, device='cpu')
    """
    return xp.floor_divide(x1, x2)


floor_divide.vjp(x1=STEP, x2=STEP)


@standard
def multiply(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the product, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 * x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.multiply(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([10., 20.], dtype=float32, device='cpu')
    """
    return xp.multiply(x1, x2)


multiply.vjp(x1=lambda g, x2: g * x2, x2=lambda g, x1: g * x1)


@standard
def negative(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the negation, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``-x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.negative(agrad.asarray([1.0, -2.0]))
    Tensor([-1.,  2.], dtype=float32, device='cpu')
    """
    return xp.negative(x)


negative.vjp(x=lambda g: -g)


@primitive
def positive(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the values unchanged, elementwise: the unary ``+``.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``+x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.positive(agrad.asarray([1.0, -2.0]))
    Tensor([ 1., -2.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.positive(x)


positive.vjp(x=unchanged)


@primitive
def reciprocal(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the reciprocal, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``1 / x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.reciprocal(agrad.asarray([2.0, 4.0]))
    Tensor([0.5 , 0.25], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.reciprocal(x)


reciprocal.vjp(x=lambda g, out: -g * out * out)


@standard
def remainder(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the remainder of the division rounded down, elementwise: it has the sign of the divisor.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 - x2 * floor(x1 / x2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.remainder(agrad.asarray([7.0, -7.0]), 3.0)
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    return xp.remainder(x1, x2)


remainder.vjp(x1=lambda g: g, x2=lambda g, x1, x2, xp: -g * xp.floor_divide(x1, x2))


@primitive
def sign(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the sign, elementwise.

    The gradient is 0 for real numbers, and at 0.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        -1, 0 or 1, for complex numbers ``x / |x|`` or 0, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.sign(agrad.asarray([-3.0, 0.0, 2.0]))
    Tensor([-1.,  0.,  1.], dtype=float32, device='cpu')
    """
    require_numeric(x)
    return xp.sign(x)


def _sign_x(g: Array, x: Array, out: Array, xp: Namespace) -> Array:
    if not as_dtype(x.dtype).is_complex:
        return xp.zeros_like(g)
    size = xp.abs(x)
    along = xp.conj(out) * xp.real(g * out)  # moving x along its own direction changes nothing
    return xp.where(size == 0, 0.0, (g - along) / xp.where(size == 0, 1.0, size))  # CuPy's (0 + 0j) / inf is NaN


sign.vjp(x=_sign_x)


@standard
def square(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the square, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of any shape.

    Returns
    -------
    Tensor
        ``x * x``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.square(agrad.asarray([2.0, -3.0]))
    Tensor([4., 9.], dtype=float32, device='cpu')
    """
    return xp.square(x)


square.vjp(x=lambda g, x: 2.0 * g * x)


@standard
@refuses("alpha")
def subtract(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the difference, elementwise.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 - x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.subtract(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([-9., -8.], dtype=float32, device='cpu')
    """
    return xp.subtract(x1, x2)


subtract.vjp(x1=unchanged, x2=lambda g: -g)
