"""Products ``x * log(y)``, which are 0 where `x` is 0, and the terms of entropies that consist of them."""

from __future__ import annotations

import math
from typing import Final

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.library import floats

__all__ = ["entr", "kl_div", "rel_entr", "xlog1py", "xlogy"]

_INF: Final = math.inf


@primitive
def xlogy(xp: Namespace, x: ArrayLike, y: ArrayLike, /) -> Tensor:
    """Return ``x * log(y)``, elementwise, and 0 where `x` is 0.

    The gradients at ``x = y = 0`` are 0.

    Parameters
    ----------
    x, y : ArrayLike
        Real, of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.special.xlogy(agrad.asarray([0.0, 1.0, 2.0]), agrad.asarray([0.0, 1.0, 1.0]))
    Tensor([0., 0., 0.], dtype=float32, device='cpu')
    """
    x, y = floats(xp, x, y)
    return x * xp.log(xp.where((x == 0.0) & (y == y), 1.0, y))


def _xlogy_x(g: Array, x: Array, y: Array, xp: Namespace) -> Array:
    x, y = floats(xp, x, y)
    return g * xp.log(xp.where((x == 0.0) & (y <= 0.0), 1.0, y))


def _xlogy_y(g: Array, x: Array, y: Array, xp: Namespace) -> Array:
    x, y = floats(xp, x, y)
    return g * (x / xp.where((x == 0.0) & (y == 0.0), 1.0, y))


xlogy.vjp(x=_xlogy_x, y=_xlogy_y)


@primitive
def xlog1py(xp: Namespace, x: ArrayLike, y: ArrayLike, /) -> Tensor:
    """Return ``x * log1p(y)``, elementwise, and 0 where `x` is 0.

    The gradients at ``x = 0, y = -1`` are 0.

    Parameters
    ----------
    x, y : ArrayLike
        Real, of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.special.xlog1py(agrad.asarray([0.0, 1.0, 2.0]), agrad.asarray([-1.0, 0.0, 0.0]))
    Tensor([0., 0., 0.], dtype=float32, device='cpu')
    """
    x, y = floats(xp, x, y)
    return x * xp.log1p(xp.where((x == 0.0) & (y == y), 0.0, y))


def _xlog1py_x(g: Array, x: Array, y: Array, xp: Namespace) -> Array:
    x, y = floats(xp, x, y)
    return g * xp.log1p(xp.where((x == 0.0) & (y <= -1.0), 0.0, y))


def _xlog1py_y(g: Array, x: Array, y: Array, xp: Namespace) -> Array:
    x, y = floats(xp, x, y)
    return g * (x / (1.0 + xp.where((x == 0.0) & (y == -1.0), 0.0, y)))


xlog1py.vjp(x=_xlog1py_x, y=_xlog1py_y)


@primitive
def entr(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return ``-x * log(x)``, elementwise: the term of a probability in an entropy.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        Of the same shape and dtype; 0 at 0, and -inf below.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.entr(agrad.asarray([0.0, 0.5, 1.0])))
    Tensor([  0., 347.,   0.], dtype=float32, device='cpu')
    """
    (x,) = floats(xp, x)
    return xp.where(x < 0.0, -_INF, 0.0 - x * xp.log(xp.where(x <= 0.0, 1.0, x)))


entr.vjp(x=lambda g, x, xp: -g * (1.0 + xp.log(x)))


@primitive
def rel_entr(xp: Namespace, x: ArrayLike, y: ArrayLike, /) -> Tensor:
    """Return ``x * log(x / y)``, elementwise: the term of two probabilities in a relative entropy.

    Parameters
    ----------
    x, y : ArrayLike
        Real, of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype; 0 where `x` is 0 and `y` is not negative, infinite where either
        is negative, or only `y` is 0.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.rel_entr(agrad.asarray([0.0, 0.5, 0.5]), agrad.asarray([0.2, 0.5, 0.3])))
    Tensor([  0.,   0., 255.], dtype=float32, device='cpu')
    """
    return _relative_entropy(xp, *floats(xp, x, y))


def _relative_entropy(xp: Namespace, x: Array, y: Array) -> Array:
    inside = (x > 0.0) & (y > 0.0)
    logarithm = _log_of_ratio(xp, xp.where(inside, x, 1.0), xp.where(inside, y, 1.0))
    result = xp.where(inside, x * logarithm, _INF)
    result = xp.where((x == 0.0) & (y >= 0.0), 0.0, result)
    return xp.where((x == x) & (y == y), result, math.nan)


def _log_of_ratio(xp: Namespace, x: Array, y: Array) -> Array:
    """Return ``log(x / y)``, accurate also where the ratio is close to 1."""
    near = (x > 0.5 * y) & (x < 2.0 * y)
    inside = xp.log1p(xp.where(near, x - y, 0.0) / xp.where(near, y, 1.0))
    return xp.where(near, inside, xp.log(xp.where(near, 1.0, x)) - xp.log(xp.where(near, 1.0, y)))


def _minus_ratio(xp: Namespace, x: Array, y: Array) -> Array:
    return -x / xp.where((x == 0.0) & (y == 0.0), 1.0, y)


def _one_minus_ratio(xp: Namespace, x: Array, y: Array) -> Array:
    nothing = (x == 0.0) & (y == 0.0)
    return xp.where(nothing, 1.0, y - x) / xp.where(nothing, 1.0, y)


rel_entr.vjp(
    x=lambda g, x, y, xp: g * (1.0 + _log_of_ratio(xp, *floats(xp, x, y))),
    y=lambda g, x, y, xp: g * _minus_ratio(xp, *floats(xp, x, y)),
)


@primitive
def kl_div(xp: Namespace, x: ArrayLike, y: ArrayLike, /) -> Tensor:
    """Return ``x * log(x / y) - x + y``, elementwise: a term of a Kullback-Leibler divergence.

    Parameters
    ----------
    x, y : ArrayLike
        Real, of shapes that broadcast.

    Returns
    -------
    Tensor
        Of the broadcast shape and the promoted dtype; `y` where `x` is 0 and `y` is not negative, infinite where
        `rel_entr` is.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.kl_div(agrad.asarray([0.0, 0.5, 0.5]), agrad.asarray([0.2, 0.5, 0.3])))
    Tensor([200.,   0.,  55.], dtype=float32, device='cpu')
    """
    x, y = floats(xp, x, y)
    entropy = _relative_entropy(xp, x, y)
    return xp.where(entropy == _INF, _INF, entropy - x + y)


kl_div.vjp(
    x=lambda g, x, y, xp: g * _log_of_ratio(xp, *floats(xp, x, y)),
    y=lambda g, x, y, xp: g * _one_minus_ratio(xp, *floats(xp, x, y)),
)
