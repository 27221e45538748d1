"""Bessel functions of the first kind of orders 0 and 1, for libraries that lack them or have them to seven digits."""

from __future__ import annotations

import math
from typing import Any, Final

from .typing import Array, Namespace

__all__ = ["j0", "j1"]

_FAR: Final = 25.0
# Angles and weights of the trapezoidal rule for Bessel's integrals, NIST 10.9.1 and 10.9.2. With 32 points in a period
# the error is about J(64, x), which is below 1e-18 up to x = 25.
_ANGLES: Final = [(math.pi * k / 32.0, (1.0 if k in (0, 16) else 2.0) / 32.0) for k in range(17)]
_TERMS: Final = 24


def j0(xp: Namespace, x: Array, /) -> Array:
    """Return J(0, x) of a real floating array."""
    size = xp.abs(x)
    near = xp.where(size < _FAR, size, 0.0)
    waves = sum(weight * xp.cos(near * math.sin(angle)) for angle, weight in _ANGLES)
    return xp.where(size < _FAR, waves, _far(xp, size, 0))


def j1(xp: Namespace, x: Array, /) -> Array:
    """Return J(1, x) of a real floating array."""
    size = xp.abs(x)
    near = xp.where(size < _FAR, x, 0.0)
    waves = sum(weight * math.sin(angle) * xp.sin(near * math.sin(angle)) for angle, weight in _ANGLES)
    return xp.where(size < _FAR, waves, xp.sign(x) * _far(xp, size, 1))


def _far(xp: Namespace, size: Array, order: int) -> Any:
    """Return J(order, size) for large arguments by Hankel's expansion, NIST 10.17.3."""
    inverse = 1.0 / xp.where(size < _FAR, _FAR, size)
    even, odd = (_series(inverse, order, first) for first in (0, 1))
    phase = size - (0.5 * order + 0.25) * math.pi
    return xp.sqrt(2.0 / math.pi * inverse) * (xp.cos(phase) * even - xp.sin(phase) * odd)


def _series(inverse: Array, order: int, first: int) -> Array:
    """Return the terms of Hankel's expansion with even or odd powers of the inverse."""
    value = 0.0 * inverse
    for k in range(first + 2 * (_TERMS // 2 - 1), -1, -2):
        value = value * inverse * inverse + (-1) ** (k // 2) * _coefficient(order, k)
    return value * inverse if first else value


def _coefficient(order: int, k: int) -> float:
    """Return the coefficient of the k-th inverse power, NIST 10.17.1."""
    factors = [4.0 * order**2 - (2 * j - 1) ** 2 for j in range(1, k + 1)]
    return math.prod(factors) / (math.factorial(k) * 8.0**k)
