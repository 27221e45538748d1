"""Derivatives of inverse functions, as ops of their own: composed of others, their derivatives would cancel at 0.

They are taken apart into factors, which neither overflow nor cancel close to 1.
"""

from __future__ import annotations

from typing import Any

from ...core.dtypes import as_dtype
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor

__all__ = ["atanh_slope", "cosine_of_sine"]


@primitive
def cosine_of_sine(xp: Any, sine: ArrayLike, /) -> Tensor:
    """Return ``sqrt(1 - sine**2)``, on the branch cuts of complex asin and acos from the side that these take.

    Examples
    --------
    >>> import agrad
    >>> from agrad.ops.elementwise.slopes import cosine_of_sine
    >>> cosine_of_sine(agrad.asarray([0.0, 1.0]))
    Tensor([1., 0.], dtype=float32, device='cpu')
    """
    if as_dtype(sine.dtype).is_complex:  # of which subtracting a number keeps the sign of an imaginary zero
        return xp.sqrt(-(sine - 1.0)) * xp.sqrt(sine - -1.0)
    return xp.sqrt(1.0 - sine) * xp.sqrt(1.0 + sine)


cosine_of_sine.vjp(sine=lambda g, sine, out: -g * sine / out)


@primitive
def atanh_slope(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return ``1 / (1 - x**2)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad.ops.elementwise.slopes import atanh_slope
    >>> atanh_slope(agrad.asarray([0.0, 0.5, 1.0]))
    Tensor([1.       , 1.3333334,       inf], dtype=float32, device='cpu')
    """
    return 1.0 / (1.0 - x) / (1.0 + x)


atanh_slope.vjp(x=lambda g, x, out: 2.0 * g * x * out * out)
