"""Slopes of inverse functions, as ops of their own: composed of other ops, their derivatives would cancel near 0.

The forwards factor ``1 - x**2``: the factors neither overflow nor cancel where the slope does not.
"""

from __future__ import annotations

from ...core.dtypes import as_dtype
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Namespace

__all__ = ["atanh_slope", "cosine_of_sine"]


@primitive
def cosine_of_sine(xp: Namespace, sine: ArrayLike, /) -> Tensor:
    """Return ``sqrt(1 - sine**2)``, with the branch cuts of complex asin and acos.

    Examples
    --------
    >>> import agrad
    >>> from agrad.ops.elementwise.slopes import cosine_of_sine
    >>> cosine_of_sine(agrad.asarray([0.0, 1.0]))
    Tensor([1., 0.], dtype=float32, device='cpu')
    """
    if as_dtype(sine.dtype).is_complex:  # subtraction keeps the sign of an imaginary zero
        return xp.sqrt(-(sine - 1.0)) * xp.sqrt(sine - -1.0)
    return xp.sqrt(1.0 - sine) * xp.sqrt(1.0 + sine)


cosine_of_sine.vjp(sine=lambda g, sine, out: -g * sine / out)


@primitive
def atanh_slope(xp: Namespace, x: ArrayLike, /) -> Tensor:
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
