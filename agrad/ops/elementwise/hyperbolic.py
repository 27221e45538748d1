"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from ...core import tape
from ...core.dtypes import as_dtype, from_native
from ...core.primitive import ArrayLike, primitive, standard
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ..gathering import op_for
from .slopes import atanh_slope, cosine_of_sine

__all__ = ["acosh", "asinh", "atanh", "cosh", "sech_squared", "sinh", "tanh"]


@standard
def acosh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``acosh(x)``, NaN below 1 for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.acosh(agrad.asarray([1.0, 2.0])))
    Tensor([   0., 1317.], dtype=float32, device='cpu')
    """
    return xp.acosh(x)


acosh.vjp(x=lambda g, x, xp: g / xp.sqrt(x - 1.0) / xp.sqrt(x - -1.0))


@standard
def asinh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``asinh(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.asinh(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 881.], dtype=float32, device='cpu')
    """
    return xp.asinh(x)


def _asinh_x(g: Array, x: Array, xp: Namespace) -> Array:
    if as_dtype(x.dtype).is_complex:
        return g / op_for(cosine_of_sine, xp)(1j * x)  # 1 + x**2 is 1 - (1j * x)**2
    return g / xp.hypot(x, xp.ones_like(x))


asinh.vjp(x=_asinh_x)


@standard
def atanh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``atanh(x)``, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atanh(agrad.asarray([0.0, 0.5])))
    Tensor([  0., 549.], dtype=float32, device='cpu')
    """
    return xp.atanh(x)


atanh.vjp(x=lambda g, x, xp: g * op_for(atanh_slope, xp)(x))


@standard
def cosh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``(exp(x) + exp(-x)) / 2``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.cosh(agrad.asarray([0.0, 1.0])))
    Tensor([1000., 1543.], dtype=float32, device='cpu')
    """
    return xp.cosh(x)


cosh.vjp(x=lambda g, x, xp: g * xp.sinh(x))


@standard
def sinh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``(exp(x) - exp(-x)) / 2``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.sinh(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1175.], dtype=float32, device='cpu')
    """
    return xp.sinh(x)


sinh.vjp(x=lambda g, x, xp: g * xp.cosh(x))


@standard
def tanh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``sinh(x) / cosh(x)``, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.tanh(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 762.], dtype=float32, device='cpu')
    """
    return xp.tanh(x)


@primitive
def sech_squared(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the derivative of `tanh`, accurate also where ``1 - tanh(x)**2`` cancels.

    Examples
    --------
    >>> import agrad
    >>> from agrad.ops.elementwise.hyperbolic import sech_squared
    >>> sech_squared(0.0)
    Tensor(1., dtype=float32, device='cpu')
    """
    inverse = _sech(xp, x)
    return inverse * inverse


def _sech(xp: Namespace, x: Array) -> Array:
    """Return the reciprocal of `cosh` of an array."""
    if from_native(x.dtype).is_complex:  # where an infinite cosh would give NaN
        shrinks = xp.exp(xp.where(xp.real(x) < 0, x, -x))
        return 2.0 * shrinks / (1.0 + shrinks * shrinks)
    return xp.reciprocal(xp.cosh(x))


def _tanh_x(g: Array, x: Array, xp: Namespace) -> Array:
    if xp is tape.namespace:
        return g * sech_squared(x)
    inverse = _sech(xp, x)  # without a call of the op's forward, which is a third of this rule on small arrays
    return g * (inverse * inverse)  # in a batch of cotangents, g is larger


tanh.vjp(x=_tanh_x)
sech_squared.vjp(x=lambda g, x, out, xp: -2.0 * g * out * xp.tanh(x))
