"""The error function and its complement by rational approximation, for libraries that lack them."""

from __future__ import annotations

from typing import Any

from .typing import Array, Namespace

__all__ = ["erf", "erfc", "ndtr"]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), 631-637:
# coefficients for |x| <= 0.46875, for 0.46875 < |x| <= 4 and for |x| > 4, highest power first.
_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
_LARGE = (
    (
        1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
        1.60837851487422766e-2, 6.58749161529837803e-4,
    ),
    (
        1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)  # fmt: skip
_SQRT_PI = 1.7724538509055160273
_ROOT_HALF = 0.70710678118654752440


def erf(xp: Namespace, x: Array) -> Array:
    """Return the error function of real `x`, accurate to the rounding of float64."""
    return _joined(xp, x, _near(xp, x), xp.sign(x) * (1.0 - _tail(xp, x)))


def erfc(xp: Namespace, x: Array) -> Array:
    """Return the complementary error function of real `x`, ``1 - erf(x)``, accurate also if it is small."""
    tail = _tail(xp, x)
    return _joined(xp, x, 1.0 - _near(xp, x), xp.where(x < 0.0, 2.0 - tail, tail))


def ndtr(xp: Namespace, x: Array) -> Array:
    """Return the distribution function of the standard normal distribution at real `x`."""
    return 0.5 * erfc(xp, -_ROOT_HALF * x)


def _joined(xp: Namespace, x: Array, near: Array, far: Any) -> Array:
    return xp.where(xp.isnan(x), x, xp.where(xp.abs(x) <= 0.46875, near, far))


def _near(xp: Namespace, x: Array) -> Array:
    """Return the error function close to 0."""
    return x * _ratio(_SMALL, xp.where(xp.abs(x) <= 0.46875, x, xp.zeros_like(x)) ** 2)


def _tail(xp: Namespace, x: Array) -> Array:
    """Return the complementary error function of ``abs(x)``, not close to 0."""
    size = xp.abs(x)
    middle, large = xp.clip(size, 0.46875, 4.0), xp.clip(size, 4.0, 30.0)
    inverse = 1.0 / (large * large)
    far = (1.0 / _SQRT_PI - inverse * _ratio(_LARGE, inverse)) / large
    return _gaussian(xp, xp.clip(size, 0.0, 30.0)) * xp.where(size <= 4.0, _ratio(_MIDDLE, middle), far)


def _gaussian(xp: Namespace, x: Array) -> Array:
    """Return ``exp(-x**2)``, with the square split into two parts, since rounding a large square would lose digits."""
    coarse = xp.floor(x * 16.0) / 16.0
    return xp.exp(-coarse * coarse) * xp.exp(-(x - coarse) * (x + coarse))


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Any:
    top, bottom = polynomials
    return _horner(top, x) / _horner(bottom, x)


def _horner(coefficients: tuple[float, ...], x: Array) -> Any:
    value = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value
