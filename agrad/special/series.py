"""Polynomials, which replace formulas where these lose digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["horner"]


def horner(coefficients: Sequence[float], x: Any) -> Any:
    """Return a polynomial in `x`, an array or Tensor; the coefficient of the highest power comes first."""
    value = 0.0 * x + coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
