"""Bessel functions of the first kind of orders 0 and 1, ordinary and modified; and `sinc`, a spherical Bessel function.

Near 0, quotients by `x` in the derivatives are computed as Taylor series, so that derivatives of every order exist.
Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 10.6, 10.25 and 10.29.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.gathering import op_for
from ..ops.library import floats, library
from .series import horner

__all__ = ["i0", "i0e", "i1", "i1e", "j0", "j1", "sinc"]

# Taylor coefficients in x**2, highest power first, of i1(x) / x, of j1(x) / x and of the derivative of sinc over x.
_I1_OVER_X: Final = [0.5 / (4**k * math.factorial(k) * math.factorial(k + 1)) for k in range(11, -1, -1)]
_J1_OVER_X: Final = [x if k % 2 else -x for k, x in enumerate(_I1_OVER_X)]
_SINC_SLOPE_OVER_X: Final = [
    (-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(14, 0, -1)
]
_FAR: Final = 20.0


def _hankel(order: int, k: int) -> float:
    """Return the coefficient of ``x**-k`` in the expansion of ``sqrt(2 pi x) exp(-x) I(x)``, NIST 10.40.1."""
    factors = [(2 * j - 1) ** 2 - 4 * order**2 for j in range(1, k + 1)]
    return math.prod(factors) / (math.factorial(k) * 8.0**k)


# Coefficients of ``(i0e(x) - i1e(x)) / x**-1.5`` in powers of 1 / x, highest first.
_DIFFERENCE: Final = [(_hankel(0, k) - _hankel(1, k)) / math.sqrt(2.0 * math.pi) for k in range(22, 0, -1)]


def _joined(xp: Namespace, x: Array, near: Callable[[Any], Any], far: Callable[[Any], Any]) -> Array:
    """Return ``near(x)`` where ``abs(x) < 0.5``, and ``far(x)`` elsewhere."""
    small = xp.abs(x) < 0.5
    return xp.where(small, near(xp.where(small, x, 0.0)), far(xp.where(small, 1.0, x)))


@primitive
def i0(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the modified Bessel function of order 0, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.i0(agrad.asarray([0.0, 1.0, 2.0])))
    Tensor([1000., 1266., 2280.], dtype=float32, device='cpu')
    """
    return library(xp, "i0", x)


@primitive
def i0e(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the scaled modified Bessel function of order 0, elementwise: ``exp(-abs(x)) * i0(x)``.

    At 0, where it has a corner, the gradient is 0 and the second derivative 1/2, as in PyTorch.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.i0e(agrad.asarray([0.0, 1.0, 1000.0])))
    Tensor([1000.,  466.,   13.], dtype=float32, device='cpu')
    """
    return library(xp, "i0e", x)


@primitive
def i1(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the modified Bessel function of order 1, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.i1(agrad.asarray([0.0, 1.0, 2.0])))
    Tensor([   0.,  565., 1591.], dtype=float32, device='cpu')
    """
    return library(xp, "i1", x)


@primitive
def i1e(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the scaled modified Bessel function of order 1, elementwise: ``exp(-abs(x)) * i1(x)``.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.i1e(agrad.asarray([0.0, 1.0, 1000.0])))
    Tensor([  0., 208.,  13.], dtype=float32, device='cpu')
    """
    return library(xp, "i1e", x)


def _i1_over_x(xp: Namespace, x: Array) -> Array:
    return _joined(xp, x, lambda x: horner(_I1_OVER_X, x * x), lambda x: op_for(i1, xp)(x) / x)


def _i1e_over_x(xp: Namespace, x: Array) -> Array:
    def near(x: Any) -> Any:
        return xp.exp(-xp.abs(x)) * horner(_I1_OVER_X, x * x)

    return _joined(xp, x, near, lambda x: op_for(i1e, xp)(x) / x)


def _far_out(xp: Namespace, x: Array, sign: Any) -> tuple[Any, Any]:
    """Return a mask of large `x`, and ``i0e(x) - abs(i1e(x))`` there by an asymptotic series without cancellation."""
    far = xp.abs(x) > _FAR
    inverse = 1.0 / xp.where(far, sign * x, _FAR)
    return far, xp.sqrt(inverse) * inverse * horner(_DIFFERENCE, inverse)


def _i0e_x(g: Array, x: Array, xp: Namespace) -> Array:
    sign = xp.sign(x)
    far, difference = _far_out(xp, x, sign)
    return g * xp.where(far, -sign * difference, op_for(i1e, xp)(x) - sign * op_for(i0e, xp)(x))


def _i1e_x(g: Array, x: Array, xp: Namespace) -> Array:
    sign = xp.sign(x)
    far, difference = _far_out(xp, x, sign)
    difference = xp.where(far, difference, op_for(i0e, xp)(x) - sign * op_for(i1e, xp)(x))
    return g * (difference - _i1e_over_x(xp, x))


i0.vjp(x=lambda g, x, xp: g * op_for(i1, xp)(x))
i0e.vjp(x=_i0e_x)
i1.vjp(x=lambda g, x, xp: g * (op_for(i0, xp)(x) - _i1_over_x(xp, x)))
i1e.vjp(x=_i1e_x)


@primitive
def j0(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the Bessel function of the first kind of order 0, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.j0(agrad.asarray([0.0, 1.0, 3.0])))
    Tensor([1000.,  765., -260.], dtype=float32, device='cpu')
    """
    return library(xp, "j0", x)


@primitive
def j1(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the Bessel function of the first kind of order 1, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.j1(agrad.asarray([0.0, 1.0, 3.0])))
    Tensor([  0., 440., 339.], dtype=float32, device='cpu')
    """
    return library(xp, "j1", x)


def _j1_over_x(xp: Namespace, x: Array) -> Array:
    return _joined(xp, x, lambda x: horner(_J1_OVER_X, x * x), lambda x: op_for(j1, xp)(x) / x)


j0.vjp(x=lambda g, x, xp: -g * op_for(j1, xp)(x))
j1.vjp(x=lambda g, x, xp: g * (op_for(j0, xp)(x) - _j1_over_x(xp, x)))


@primitive
def sinc(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return ``sin(pi * x) / (pi * x)``, elementwise, and 1 at 0.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.sinc(agrad.asarray([0.0, 0.5, 1.5])))
    Tensor([1000.,  637., -212.], dtype=float32, device='cpu')
    """
    (x,) = floats(xp, x)
    y = math.pi * xp.where(x == 0.0, 1.0, x)
    return xp.where(x == 0.0, 1.0, xp.sin(y) / y)


def _sinc_x(g: Array, x: Array, xp: Namespace) -> Array:
    def far(x: Any) -> Any:
        return (xp.cos(math.pi * x) - op_for(sinc, xp)(x)) / x

    return g * _joined(xp, x, lambda x: x * horner(_SINC_SLOPE_OVER_X, x * x), far)


sinc.vjp(x=_sinc_x)
