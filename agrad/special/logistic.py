"""The logistic function and its inverse, and softmax with its logarithm, for several classes."""

from __future__ import annotations

import math
from typing import Any, Final

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Namespace
from ..ops import activations
from ..ops.elementwise import abs, exp, isfinite, log, sign
from ..ops.library import floating, floats
from ..ops.manipulation import squeeze
from ..ops.searching import where
from ..ops.statistical import Axis, max, sum

__all__ = ["expit", "log_softmax", "logit", "logsumexp", "softmax"]

_FAR: Final = 80.0  # exponentials up to there are finite in every type


# Elementwise


def expit(x: ArrayLike, /) -> Tensor:
    """Return the logistic function, elementwise: `agrad.sigmoid` under SciPy's name.

    Parameters
    ----------
    x : ArrayLike
        Real, of any shape.

    Returns
    -------
    Tensor
        ``1 / (1 + exp(-x))``, of the same shape and dtype.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.special.expit(agrad.asarray([-1000.0, 0.0, 1000.0]))
    Tensor([0. , 0.5, 1. ], dtype=float32, device='cpu')
    """
    return activations.sigmoid(floating(x))


@primitive
def logit(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverse of `expit`, elementwise.

    Parameters
    ----------
    x : ArrayLike
        Real, from 0 to 1, of any shape.

    Returns
    -------
    Tensor
        ``log(x / (1 - x))``, of the same shape and dtype; infinite at 0 and 1, NaN outside.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.round(1000 * agrad.special.logit(agrad.asarray([0.1, 0.5, 0.9])))
    Tensor([-2197.,     0.,  2197.], dtype=float32, device='cpu')
    """
    (x,) = floats(xp, x)
    middle = (x > 0.3) & (x < 0.65)  # where the quotient is close to 1, and its logarithm loses digits
    double = 2.0 * xp.where(middle, x - 0.5, 0.0)
    x = xp.where(middle, 0.5, x)
    return xp.where(middle, xp.log1p(double) - xp.log1p(-double), xp.log(x / (1.0 - x)))


logit.vjp(x=lambda g, x, xp: xp.where((x < 0.0) | (x > 1.0), math.nan, g / (x * (1.0 - x))))


# Along axes


def softmax(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Return the softmax, exponentials scaled to sum to 1: `agrad.softmax` with SciPy's default of all axes.

    Parameters
    ----------
    x : ArrayLike
        Real.
    axis : int or tuple of int, optional
        The axis or axes along which the sum is computed; all of them by default.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.special.softmax(agrad.asarray([[0.0, 0.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    return activations.softmax(floating(x), axis=axis)


def log_softmax(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Return log-probabilities: the logarithm of `softmax`, computed without underflow.

    Parameters
    ----------
    x, axis
        As in `softmax`.

    Returns
    -------
    Tensor
        As in `softmax`.

    Raises
    ------
    TypeError
        If `x` is complex.

    Examples
    --------
    >>> import agrad
    >>> agrad.special.log_softmax(agrad.asarray([0.0, -1000.0])).tolist()
    [0.0, -1000.0]
    """
    return activations.log_softmax(floating(x), axis=axis)


def logsumexp(
    a: ArrayLike, axis: Axis = None, b: ArrayLike | None = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return the logarithm of the sum of exponentials along axes, without intermediate overflow.

    Parameters
    ----------
    a : ArrayLike
        Real.
    axis : int or tuple of int, optional
        The axis or axes along which the sum is computed; all of them by default.
    b : ArrayLike, optional
        The weights of the exponentials, of any sign, of a shape that broadcasts with that of `a`. Elements of weight 0
        are left out, even if they are infinite or NaN.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.
    return_sign : bool
        Whether to return the logarithm of the absolute value of the sum, and its sign, instead.

    Returns
    -------
    Tensor or tuple of Tensor
        ``log(sum(b * exp(a)))``, NaN where the sum is negative; with `return_sign` two Tensors.

    Raises
    ------
    TypeError
        If an argument is complex.

    Examples
    --------
    >>> import agrad
    >>> a = agrad.asarray([1000.0, 1000.0, -1000.0])
    >>> agrad.special.logsumexp(a, b=agrad.asarray([3.0, -2.0, 1.0])).item()
    1000.0
    """
    if b is None and not return_sign:
        return activations.logsumexp(floating(a), axis=axis, keepdims=keepdims)
    a = floating(a)
    b = floating(1.0 if b is None else b, a)
    largest = max(where(b == 0.0, -math.inf, a.detach()), axis=axis, keepdims=True)
    shift = where(isfinite(largest), largest, 0.0)
    idle = (b == 0.0) & ~(a - shift < _FAR)
    total = sum(b * exp(where(idle, 0.0, a - shift)), axis=axis, keepdims=True)
    result = log(abs(total) if return_sign else total) + shift
    parts = [x if keepdims else _without(x, axis) for x in ([result, sign(total)] if return_sign else [result])]
    return tuple(parts) if return_sign else parts[0]


def _without(x: Tensor, axis: Axis) -> Tensor:
    return squeeze(x, axis=tuple(range(x.ndim)) if axis is None else axis)
