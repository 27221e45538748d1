"""Powers, exponentials and logarithms."""

from __future__ import annotations

import math

from ...core.primitive import ArrayLike, primitive, refuses, standard
from ...core.tensor import SCALARS, Tensor
from ...core.typing import Array, Namespace

__all__ = ["exp", "expm1", "hypot", "log", "log1p", "log2", "log10", "logaddexp", "pow", "sqrt"]


@standard
def exp(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the exponential, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        The number e to the power `x`, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.exp(agrad.asarray([0.0, 1.0])))
    Tensor([1000., 2718.], dtype=float32, device='cpu')
    """
    return xp.exp(x)


exp.vjp(x=lambda g, out: g * out)


@standard
def expm1(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return ``exp(x) - 1``, elementwise, accurate for small `x` too.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``exp(x) - 1``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.expm1(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1718.], dtype=float32, device='cpu')
    """
    return xp.expm1(x)


expm1.vjp(x=lambda g, x, xp: g * xp.exp(x))  # out + 1 cancels where the derivative is small


@standard
def hypot(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the length of the hypotenuse, elementwise, without intermediate overflow.

    The gradient at the origin is NaN, as in PyTorch; `agrad.linalg.vector_norm` has 0 there.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``sqrt(x1**2 + x2**2)``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.hypot(agrad.asarray([3.0, 5.0]), agrad.asarray([4.0, 12.0]))
    Tensor([ 5., 13.], dtype=float32, device='cpu')
    """
    return xp.hypot(x1, x2)


def _slope(xp: Namespace, side: Array, hypotenuse: Array) -> Array:
    return xp.where(xp.isinf(side), xp.sign(side), side / hypotenuse)


hypot.vjp(x1=lambda g, x1, out, xp: g * _slope(xp, x1, out), x2=lambda g, x2, out, xp: g * _slope(xp, x2, out))


@standard
def log(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the natural logarithm, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``ln(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log(agrad.asarray([1.0, 10.0])))
    Tensor([   0., 2303.], dtype=float32, device='cpu')
    """
    return xp.log(x)


log.vjp(x=lambda g, x: g / x)


@standard
def log1p(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return ``log(1 + x)``, elementwise, accurate for small `x` too.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(1 + x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log1p(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 693.], dtype=float32, device='cpu')
    """
    return xp.log1p(x)


log1p.vjp(x=lambda g, x: g / (1.0 + x))


@standard
def log2(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logarithm to base 2, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(x) / log(2)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log2(agrad.asarray([1.0, 8.0])))
    Tensor([   0., 3000.], dtype=float32, device='cpu')
    """
    return xp.log2(x)


log2.vjp(x=lambda g, x: g / math.log(2.0) / x)


@standard
def log10(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the logarithm to base 10, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``log(x) / log(10)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.log10(agrad.asarray([1.0, 1000.0])))
    Tensor([   0., 3000.], dtype=float32, device='cpu')
    """
    return xp.log10(x)


log10.vjp(x=lambda g, x: g / math.log(10.0) / x)


@standard
def logaddexp(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the logarithm of the sum of exponentials, elementwise, without intermediate overflow.

    Where both are the same infinity, each gets half of the gradient.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``log(exp(x1) + exp(x2))``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.logaddexp(agrad.asarray([0.0, 1000.0]), agrad.asarray([0.0, 1000.0])))
    Tensor([6.930000e+02, 1.000693e+06], dtype=float32, device='cpu')
    """
    return xp.logaddexp(x1, x2)


def _logaddexp_x1(g: Array, x1: Array, x2: Array, xp: Namespace) -> Array:
    zero = xp.zeros_like(x1)
    tied = xp.isinf(x1) & (x1 == x2)  # inf - inf would be NaN
    apart = xp.where(tied, zero, x2) - xp.where(tied, zero, x1)
    return g * xp.exp(-xp.logaddexp(zero, apart))


logaddexp.vjp(x1=_logaddexp_x1, x2=lambda g, x1, x2, xp: _logaddexp_x1(g, x2, x1, xp))


@primitive
@refuses("exponent")
def pow(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the power, elementwise.

    Where `x2` is 0, the gradient of `x1` is 0; where `x1` is 0 and `x2` is not negative, that of `x2` is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Numeric, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``x1 ** x2``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.pow(agrad.asarray([2.0, 3.0]), 2)
    Tensor([4., 9.], dtype=float32, device='cpu')
    """
    has_scalar = type(x1) in SCALARS or type(x2) in SCALARS
    return x1**x2 if has_scalar else xp.pow(x1, x2)  # PyTorch's ** does not promote to the dtype of 0-d arrays


def _pow_x1(g: Array, x1: Array, x2: Array, xp: Namespace) -> Array:
    if type(x2) not in SCALARS:
        exponent = xp.where((x2 == 0) & ~xp.isfinite(1.0 / x1), 1, x2)  # no 0 * inf, and no 0 * NaN
        return g * (x2 * x1 ** (exponent - 1))
    if x2 == 2:
        return 2.0 * g * x1
    return g * (x2 * x1 ** (x2 - 1)) if x2 else xp.zeros_like(g)


def _pow_x2(g: Array, x1: Array, x2: Array, out: Array, xp: Namespace) -> Array:
    if type(x1) in SCALARS:
        x1 = xp.full_like(out, x1)
    base = xp.where((x1 == 0) & (xp.real(x2) >= 0), 1, x1)  # no 0 * -inf
    return g * (out * xp.log(base))


pow.vjp(x1=_pow_x1, x2=_pow_x2)


@standard
def sqrt(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the square root, elementwise.

    The gradient at 0 is infinite, and that of ``sqrt(x) ** 2`` is NaN there.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``x ** 0.5``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.sqrt(agrad.asarray([4.0, 2.0]))
    Tensor([2.       , 1.4142135], dtype=float32, device='cpu')
    """
    return xp.sqrt(x)


sqrt.vjp(x=lambda g, out: g / (2.0 * out))
