"""Functions that choose between their arguments or take their signs: `clip`, `maximum`, `copysign`."""

from __future__ import annotations

from ...core.primitive import ArrayLike, standard
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from .common import STEP

__all__ = ["clip", "copysign", "maximum", "minimum", "nextafter", "signbit"]


@standard
def clip(xp: Namespace, x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    """Limit values to an interval, elementwise.

    The gradient goes to `x` inside the interval and at its ends, outside to `min` or `max`; the second derivative is 0.

    Parameters
    ----------
    x : ArrayLike
        Real-valued, of any shape.
    min, max : ArrayLike, optional
        The ends of the interval, of shapes that broadcast with that of `x`; None means no limit.

    Returns
    -------
    Tensor
        ``minimum(maximum(x, min), max)``, of the broadcast shape and the dtype of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.clip(agrad.asarray([-1.0, 0.5, 3.0]), 0.0, 2.0)
    Tensor([0. , 0.5, 2. ], dtype=float32, device='cpu')
    """
    return xp.clip(x, min, max)


def _clip_x(g: Array, x: Array, min: Array, max: Array, xp: Namespace) -> Array:
    if min is not None:
        g = xp.where(x >= min, g, 0.0)
    return g if max is None else xp.where(x <= max, g, 0.0)


def _clip_min(g: Array, x: Array, min: Array, max: Array, xp: Namespace) -> Array:
    return xp.where(x < min if max is None else (x < min) & (min < max), g, 0.0)


def _clip_max(g: Array, x: Array, min: Array, max: Array, xp: Namespace) -> Array:
    return xp.where(x > max if min is None else (x > max) | (min > max), g, 0.0)


clip.vjp(x=_clip_x, min=_clip_min, max=_clip_max)


@standard
def copysign(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the absolute value of `x1` with the sign of `x2`, elementwise.

    The gradient where `x1` is 0 is 0, and so is that of `x2`.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``|x1|`` or ``-|x1|``, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.copysign(agrad.asarray([1.0, 2.0]), agrad.asarray([-0.0, 3.0]))
    Tensor([-1.,  2.], dtype=float32, device='cpu')
    """
    return xp.copysign(x1, x2)


copysign.vjp(x1=lambda g, x1, out, xp: g * xp.sign(x1) * xp.sign(out), x2=STEP)


@standard
def maximum(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the larger of two numbers, elementwise.

    Where they are equal, each gets half of the gradient, and the second derivative is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``max(x1, x2)``, NaN where either is NaN; of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.maximum(agrad.asarray([1.0, 5.0]), 3.0)
    Tensor([3., 5.], dtype=float32, device='cpu')
    """
    return xp.maximum(x1, x2)


def _chosen(xp: Namespace, g: Array, lost: Array, tied: Array) -> Array:
    """Return the share of the cotangent that one of two arguments gets: none, half or all of it."""
    return xp.where(lost, 0.0, xp.where(tied, g / 2.0, g))


maximum.vjp(
    x1=lambda g, x1, x2, xp: _chosen(xp, g, x1 < x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _chosen(xp, g, x2 < x1, x1 == x2),
)


@standard
def minimum(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the smaller of two numbers, elementwise.

    Where they are equal, each gets half of the gradient, and the second derivative is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real-valued, of shapes that broadcast.

    Returns
    -------
    Tensor
        ``min(x1, x2)``, NaN where either is NaN; of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.minimum(agrad.asarray([1.0, 5.0]), 3.0)
    Tensor([1., 3.], dtype=float32, device='cpu')
    """
    return xp.minimum(x1, x2)


minimum.vjp(
    x1=lambda g, x1, x2, xp: _chosen(xp, g, x1 > x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _chosen(xp, g, x2 > x1, x1 == x2),
)


@standard
def nextafter(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the next floating-point number after `x1` towards `x2`, elementwise.

    The gradient of `x1` is 1, or 0 where the two are equal; that of `x2` is 0.

    Parameters
    ----------
    x1, x2 : ArrayLike
        Real floating, of shapes that broadcast.

    Returns
    -------
    Tensor
        The neighbours of `x1`, of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import agrad
    >>> agrad.nextafter(agrad.asarray([1.0, 2.0]), 3.0)
    Tensor([1.0000001, 2.0000002], dtype=float32, device='cpu')
    """
    return xp.nextafter(x1, x2)


nextafter.vjp(x1=lambda g, x1, x2, xp: xp.where(x1 == x2, 0.0, g), x2=STEP)


@standard
def signbit(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return whether the sign bit is set, elementwise: for negative numbers, -0.0 and some NaN.

    Parameters
    ----------
    x : ArrayLike
        Real floating, of any shape.

    Returns
    -------
    Tensor
        Boolean, of the same shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.signbit(agrad.asarray([-0.0, 0.0, -2.0]))
    Tensor([ True, False,  True], dtype=bool, device='cpu')
    """
    return xp.signbit(x)
