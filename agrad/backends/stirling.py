"""The logarithm of the beta function, for libraries that lack it or lose digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .typing import Array, Namespace

__all__ = ["betaln"]

_LARGE = 16.0  # from here on the series below is accurate to float64
_TERMS = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)  # Abramowitz and Stegun, 6.1.41


def betaln(xp: Namespace, gammaln: Callable[[Any], Any], a: Array, b: Array) -> Array:
    """Return ``gammaln(a) + gammaln(b) - gammaln(a + b)``, without subtracting large numbers from each other."""
    small, large = xp.minimum(a, b), xp.maximum(a, b)
    near = gammaln(a) + gammaln(b) - gammaln(a + b)
    is_far = (small > 0) & (large >= _LARGE)
    small, large = xp.where(is_far, small, 1.0), xp.where(is_far, large, _LARGE)
    total = small + large
    # gammaln(z) = (z - 1/2) log(z) - z + tail(z) + a constant, for both large and total
    far = gammaln(small) + small * (1.0 - xp.log(large)) - (total - 0.5) * xp.log1p(small / large)
    return xp.where(is_far, far + _tail(large) - _tail(total), near)


def _tail(z: Array) -> Any:
    inverse = 1.0 / z
    value = 0.0 * z
    for term in reversed(_TERMS):
        value = value * (inverse * inverse) + term
    return value * inverse
