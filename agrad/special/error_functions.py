"""The error function, its relatives, and the normal distribution function.

Source of the derivatives: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapter 7.
"""

from __future__ import annotations

import math
from typing import Final

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.activations import erf, erfc
from ..ops.gathering import op_for
from ..ops.library import library
from .series import horner

__all__ = ["erf", "erfc", "erfcx", "erfinv", "log_ndtr", "log_ndtr_slope", "ndtr", "ndtri"]

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_PI: Final = math.sqrt(math.pi)
_ROOT_2PI: Final = math.sqrt(2.0 * math.pi)
_FAR: Final = 10.0
_FAR_BELOW: Final = 30.0
# Coefficients of the second derivative of log_ndtr far below 0, in powers of ``x**-2``, highest first.
_LOG_NDTR_CURVATURE: Final = [1435330.0, -89782.0, 6354.0, -518.0, 50.0, -6.0, 1.0, -1.0]
# Coefficients of the derivative of erfcx, over ``x**-2``, in powers of ``x**-2``, highest first.
_ERFCX_SLOPE: Final = [
    2.0 / _ROOT_PI * (-1) ** n * math.prod(range(1, 2 * n, 2)) / 2.0**n for n in range(10, 0, -1)
]  # fmt: skip


@primitive
def erfcx(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the scaled complementary error function, elementwise: ``exp(x**2) * erfc(x)``.

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
    >>> agrad.round(1000 * agrad.special.erfcx(agrad.asarray([0.0, 1.0, 100.0])))
    Tensor([1000.,  428.,    6.], dtype=float32, device='cpu')
    """
    return library(xp, "erfcx", x)


def _erfcx_x(g: Array, x: Array, out: Array, xp: Namespace) -> Array:
    far = x > _FAR  # where the difference below cancels: NIST 7.12.1
    inverse = 1.0 / xp.where(far, x, _FAR)
    square = inverse * inverse
    return g * xp.where(far, square * horner(_ERFCX_SLOPE, square), 2.0 * x * out - 2.0 / _ROOT_PI)


erfcx.vjp(x=_erfcx_x)


@primitive
def erfinv(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse of the error function, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, from -1 to 1, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; infinite at -1 and 1, NaN outside.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.erfinv(agrad.asarray([0.0, 0.5, 0.9])))
    Tensor([   0.,  477., 1163.], dtype=float32, device='cpu')
    """
    return library(xp, "erfinv", x)


erfinv.vjp(x=lambda g, out, xp: g * (0.5 * _ROOT_PI * xp.exp(out * out)))


@primitive
def ndtr(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the distribution function of the standard normal distribution, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        ``erfc(-x / sqrt(2)) / 2``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.ndtr(agrad.asarray([-1.0, 0.0, 1.0])))
    Tensor([159., 500., 841.], dtype=float32, device='cpu')
    """
    return library(xp, "ndtr", x)


ndtr.vjp(x=lambda g, x, xp: g * (xp.exp(-0.5 * x * x) / _ROOT_2PI))


@primitive
def log_ndtr(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logarithm of `ndtr`, elementwise, computed without underflow.

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
    >>> agrad.round(agrad.special.log_ndtr(agrad.asarray([-40.0, 0.0, 40.0])))
    Tensor([-805.,   -1.,   -0.], dtype=float32, device='cpu')
    """
    return library(xp, "log_ndtr", x)


@primitive
def log_ndtr_slope(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the derivative of `log_ndtr`: the density over the distribution function, where both underflow too.

    Examples
    --------
    >>> import agrad
    >>> from agrad.special.error_functions import log_ndtr_slope
    >>> agrad.round(log_ndtr_slope(agrad.asarray([-1000.0, 40.0])))
    Tensor([1000.,    0.], dtype=float32, device='cpu')
    """
    zero = xp.zeros_like(x)
    low, high = xp.where(x < 0.0, x, zero), xp.where(x < 0.0, zero, x)  # erfcx overflows where x is large
    left = 2.0 / _ROOT_2PI / op_for(erfcx, xp)(-_ROOT_HALF * low)
    return xp.where(x < 0.0, left, xp.exp(-0.5 * high * high) / (_ROOT_2PI * op_for(ndtr, xp)(high)))


def _log_ndtr_slope_x(g: Array, x: Array, out: Array, xp: Namespace) -> Array:
    far = x < -_FAR_BELOW  # where the sum below has lost its digits
    inverse = 1.0 / xp.where(far, x, 1.0)
    near, slope = xp.where(far, 0.0, x), xp.where(far, 0.0, out)
    return g * xp.where(far, horner(_LOG_NDTR_CURVATURE, inverse * inverse), -slope * (near + slope))


log_ndtr.vjp(x=lambda g, x, xp: g * op_for(log_ndtr_slope, xp)(x))
log_ndtr_slope.vjp(x=_log_ndtr_slope_x)


@primitive
def ndtri(xp: Namespace, y: ArrayLike, /) -> Tensor:
    """Return the inverse of `ndtr`, elementwise: the quantiles of the standard normal distribution.

    Parameters
    ----------
    y : ArrayLike
        Real, from 0 to 1, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; infinite at 0 and 1, NaN outside.

    Raises
    ------
    TypeError
        If `y` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.ndtri(agrad.asarray([0.025, 0.5, 0.975])))
    Tensor([-1960.,     0.,  1960.], dtype=float32, device='cpu')
    """
    return library(xp, "ndtri", y)


ndtri.vjp(y=lambda g, out, xp: g * (_ROOT_2PI * xp.exp(0.5 * out * out)))
