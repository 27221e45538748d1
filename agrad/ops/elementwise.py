"""Elementwise functions: the standard's chapter, each with its gradient rules.

A rule is plain calculus: broadcasting, promotion and conjugation are the engine's business. Where a derivative does
not exist, the rule follows PyTorch and the docstring says so.
"""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor

@primitive
def abs(xp: Any, x: ArrayLike, /) -> Tensor:
    """Absolute value, elementwise; the gradient at 0 is 0."""
    return xp.abs(x)


abs.vjp(x=lambda g, x, xp: g * xp.conj(xp.sign(x)))


@primitive
def add(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Sum, elementwise."""
    return xp.add(x1, x2)


add.vjp(x1=lambda g: g, x2=lambda g: g)


@primitive
def divide(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Quotient, elementwise."""
    return xp.divide(x1, x2)


divide.vjp(x1=lambda g, x2: g / x2, x2=lambda g, out, x2: -g * out / x2)


@primitive
def exp(xp: Any, x: ArrayLike, /) -> Tensor:
    """Exponential, elementwise."""
    return xp.exp(x)


exp.vjp(x=lambda g, out: g * out)


@primitive
def log(xp: Any, x: ArrayLike, /) -> Tensor:
    """Natural logarithm, elementwise."""
    return xp.log(x)


log.vjp(x=lambda g, x: g / x)


@primitive
def maximum(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The larger of two, elementwise; where they are equal, each gets half of the gradient."""
    return xp.maximum(x1, x2)


maximum.vjp(
    x1=lambda g, x1, x2, xp: _to_the_winner(xp, g, x1 < x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _to_the_winner(xp, g, x2 < x1, x1 == x2),
)


@primitive
def minimum(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The smaller of two, elementwise; where they are equal, each gets half of the gradient."""
    return xp.minimum(x1, x2)


minimum.vjp(
    x1=lambda g, x1, x2, xp: _to_the_winner(xp, g, x1 > x2, x1 == x2),
    x2=lambda g, x1, x2, xp: _to_the_winner(xp, g, x2 > x1, x1 == x2),
)


@primitive
def multiply(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Product, elementwise."""
    return xp.multiply(x1, x2)


multiply.vjp(x1=lambda g, x2: g * x2, x2=lambda g, x1: g * x1)


@primitive
def negative(xp: Any, x: ArrayLike, /) -> Tensor:
    """``-x``, elementwise."""
    return xp.negative(x)


negative.vjp(x=lambda g: -g)


@primitive
def pow(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Power ``x1 ** x2``, elementwise."""
    return x1**x2


def _pow_x1(g: Any, x1: Any, x2: Any, xp: Any) -> Any:
    if isinstance(x2, int | float | complex):
        return g * (x2 * x1 ** (x2 - 1)) if x2 != 0 else xp.zeros_like(g)
    exponent = xp.where((x1 == 0) & (x2 == 0), 1, x2)  # no 0 * inf where the derivative is 0
    return g * (x2 * x1 ** (exponent - 1))


def _pow_x2(g: Any, x1: Any, x2: Any, out: Any, xp: Any) -> Any:
    if isinstance(x1, int | float | complex):
        x1 = xp.full_like(x2, x1)
    base = xp.where((x1 == 0) & (xp.real(x2) >= 0), 1, x1)  # no 0 * -inf where the derivative is 0
    return g * (out * xp.log(base))


pow.vjp(x1=_pow_x1, x2=_pow_x2)


@primitive
def sqrt(xp: Any, x: ArrayLike, /) -> Tensor:
    """Square root, elementwise."""
    return xp.sqrt(x)


sqrt.vjp(x=lambda g, out: g / (2 * out))


@primitive
def subtract(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Difference, elementwise."""
    return xp.subtract(x1, x2)


subtract.vjp(x1=lambda g: g, x2=lambda g: -g)


@primitive
def tanh(xp: Any, x: ArrayLike, /) -> Tensor:
    """Hyperbolic tangent, elementwise."""
    return xp.tanh(x)


tanh.vjp(x=lambda g, out: g * (1 - out * out))


def _to_the_winner(xp: Any, g: Any, lost: Any, tied: Any) -> Any:
    """Give the winner of a comparison the whole cotangent, and half of it where there is none."""
    return xp.where(lost, 0, xp.where(tied, g / 2, g))
