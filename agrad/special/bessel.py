"""Modified Bessel functions of order 0 and 1, and `sinc`, the spherical one.

Quotients by `x` among their derivatives are polynomials near 0, so that derivatives of every order hold there.
Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 10.25 and 10.29.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..ops.gathering import bare
from ..ops.library import floats, library

__all__ = ["i0", "i0e", "i1", "i1e", "sinc"]

# Taylor coefficients in x**2, highest power first, of i1(x) / x and of the derivative of sinc over x.
_I1_OVER_X: Final = [0.5 / (4**k * math.factorial(k) * math.factorial(k + 1)) for k in range(11, -1, -1)]
_SINC_SLOPE_OVER_X: Final = [
    (-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(14, 0, -1)
]


def _joined(xp: Any, x: Any, coefficients: list[float], far: Callable[[Any], Any]) -> Any:
    """Return a polynomial in ``x**2`` where `x` is less than 1/2 away from 0, and `far` elsewhere."""
    near = xp.abs(x) < 0.5
    square = xp.where(near, x, 0.0) ** 2
    value = xp.zeros_like(x)
    for coefficient in coefficients:
        value = value * square + coefficient
    return xp.where(near, value, far(xp.where(near, 1.0, x)))


@primitive
def i0(xp: Any, x: ArrayLike, /) -> Tensor:
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
def i0e(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the scaled modified Bessel function of order 0, elementwise: ``exp(-abs(x)) * i0(x)``.

    The gradient at 0, where it has a peak, is 0.

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
def i1(xp: Any, x: ArrayLike, /) -> Tensor:
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
def i1e(xp: Any, x: ArrayLike, /) -> Tensor:
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


def _i1_over_x(xp: Any, x: Any) -> Any:
    return _joined(xp, x, _I1_OVER_X, lambda x: bare(i1, xp)(x) / x)


def _i1e_over_x(xp: Any, x: Any) -> Any:
    scale = xp.exp(-xp.abs(xp.where(xp.abs(x) < 0.5, x, 0.0)))
    return scale * _joined(xp, x, _I1_OVER_X, lambda x: bare(i1e, xp)(x) / x)


i0.vjp(x=lambda g, x, xp: g * bare(i1, xp)(x))
i0e.vjp(x=lambda g, x, out, xp: g * (bare(i1e, xp)(x) - xp.sign(x) * out))
i1.vjp(x=lambda g, x, xp: g * (bare(i0, xp)(x) - _i1_over_x(xp, x)))
i1e.vjp(x=lambda g, x, out, xp: g * (bare(i0e, xp)(x) - _i1e_over_x(xp, x) - xp.sign(x) * out))


@primitive
def sinc(xp: Any, x: ArrayLike, /) -> Tensor:
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


def _sinc_x(g: Any, x: Any, xp: Any) -> Any:
    def far(x: Any) -> Any:
        return (xp.cos(math.pi * x) - bare(sinc, xp)(x)) / (x * x)

    return g * (x * _joined(xp, x, _SINC_SLOPE_OVER_X, far))


sinc.vjp(x=_sinc_x)
