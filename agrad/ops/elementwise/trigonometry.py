"""Trigonometric functions and their inverses."""

from __future__ import annotations

from ...core.dtypes import as_dtype
from ...core.primitive import ArrayLike, standard
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ..gathering import op_for
from .common import INF
from .hyperbolic import sech_squared
from .slopes import atanh_slope, cosine_of_sine

__all__ = ["acos", "asin", "atan", "atan2", "cos", "sin", "tan"]


@standard
def acos(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between 0 and pi, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.acos(agrad.asarray([1.0, 0.0])))
    Tensor([   0., 1571.], dtype=float32, device='cpu')
    """
    return xp.acos(x)


acos.vjp(x=lambda g, x, xp: -g / op_for(cosine_of_sine, xp)(x))


@standard
def asin(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between -pi/2 and pi/2, NaN outside [-1, 1] for real `x`; of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.asin(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1571.], dtype=float32, device='cpu')
    """
    return xp.asin(x)


asin.vjp(x=lambda g, x, xp: g / op_for(cosine_of_sine, xp)(x))


@standard
def atan(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        Radians between -pi/2 and pi/2, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atan(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 785.], dtype=float32, device='cpu')
    """
    return xp.atan(x)


def _atan_x(g: Array, x: Array, xp: Namespace) -> Array:
    if as_dtype(x.dtype).is_complex:
        return g * op_for(atanh_slope, xp)(1j * x)  # 1 + x**2 is 1 - (1j * x)**2
    root = xp.hypot(x, xp.ones_like(x))
    return g / root / root


atan.vjp(x=_atan_x)


@standard
def atan2(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the angles of the points ``(x2, x1)``, elementwise: `x1` is the y coordinate.

    The gradient at the origin is 0, and so are the derivatives of higher order.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        Radians between -pi and pi, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.atan2(agrad.asarray([1.0, 1.0]), agrad.asarray([1.0, -1.0])))
    Tensor([ 785., 2356.], dtype=float32, device='cpu')
    """
    return xp.atan2(x1, x2)


def _distance(xp: Namespace, x1: Array, x2: Array) -> Array:
    origin = (x1 == 0) & (x2 == 0)
    return xp.where(origin, INF, xp.hypot(xp.where(origin, 1.0, x1), x2))  # divides 0 at the origin


def _atan2_x1(g: Array, x1: Array, x2: Array, xp: Namespace) -> Array:
    distance = _distance(xp, x1, x2)
    return g * (x2 / distance) / distance


atan2.vjp(x1=_atan2_x1, x2=lambda g, x1, x2, xp: -_atan2_x1(g, x2, x1, xp))


@standard
def cos(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the cosine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``cos(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.cos(agrad.asarray([0.0, 1.0])))
    Tensor([1000.,  540.], dtype=float32, device='cpu')
    """
    return xp.cos(x)


cos.vjp(x=lambda g, x, xp: -g * xp.sin(x))


@standard
def sin(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the sine, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``sin(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.sin(agrad.asarray([0.0, 1.0])))
    Tensor([  0., 841.], dtype=float32, device='cpu')
    """
    return xp.sin(x)


sin.vjp(x=lambda g, x, xp: g * xp.cos(x))


@standard
def tan(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the tangent, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Floating, real or complex, of any shape.

    Returns
    -------
    Tensor
        ``tan(x)`` of `x` in radians, of the same shape and dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.tan(agrad.asarray([0.0, 1.0])))
    Tensor([   0., 1557.], dtype=float32, device='cpu')
    """
    return xp.tan(x)


def _tan_x(g: Array, x: Array, xp: Namespace) -> Array:
    if as_dtype(x.dtype).is_complex:
        return g * op_for(sech_squared, xp)(1j * x)  # the cosine overflows far from the real axis
    cosine = xp.cos(x)
    return g / cosine / cosine


tan.vjp(x=_tan_x)
