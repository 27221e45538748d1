"""Elementwise functions: the standard's chapter, each with its gradient rules.

A rule is plain calculus: broadcasting, promotion and conjugation are the engine's business. Where a derivative does
not exist, the rule follows PyTorch and the docstring says so.
"""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor

_LOG_2 = 0.6931471805599453
_LOG_10 = 2.302585092994046


# Arithmetic


@primitive
def add(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Sum, elementwise.

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
        If the shapes do not broadcast, or the devices differ.

    Examples
    --------
    >>> import agrad
    >>> agrad.add(agrad.asarray([1.0, 2.0]), 10.0)
    Tensor([11., 12.], dtype=float32, device='cpu')
    """
    return xp.add(x1, x2)  # type: ignore[no-any-return]


add.vjp(x1=lambda g: g, x2=lambda g: g)


@primitive
def subtract(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    return xp.subtract(x1, x2)


subtract.vjp(x1=lambda g: g, x2=lambda g: -g)


@primitive
def multiply(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    return xp.multiply(x1, x2)


multiply.vjp(x1=lambda g, x2: g * x2, x2=lambda g, x1: g * x1)


@primitive
def divide(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    return xp.divide(x1, x2)


divide.vjp(x1=lambda g, x2: g / x2, x2=lambda g, x1, x2: -g * x1 / (x2 * x2))


@primitive
def negative(xp: Any, x: ArrayLike, /) -> Tensor:
    return xp.negative(x)


negative.vjp(x=lambda g: -g)


@primitive
def exp(xp: Any, x: ArrayLike, /) -> Tensor:
    return xp.exp(x)


exp.vjp(x=lambda g, out: g * out)


@primitive
def tanh(xp: Any, x: ArrayLike, /) -> Tensor:
    return xp.tanh(x)


tanh.vjp(x=lambda g, out: g * (1 - out * out))


@primitive
def pow(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    return xp.pow(x1, x2)
