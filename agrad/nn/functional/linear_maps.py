"""Linear maps between the last axes."""

from __future__ import annotations

from math import prod
from typing import Any

from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor

__all__ = ["linear"]


@primitive
def linear(xp: Any, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``: a linear map and a shift.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(..., in_features)``.
    weight : ArrayLike
        Of shape ``(out_features, in_features)``.
    bias : ArrayLike, optional
        Of shape ``(out_features,)``.

    Returns
    -------
    Tensor
        Of shape ``(..., out_features)``.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.linear(agrad.asarray([1.0, 2.0]), agrad.asarray([[3.0, 4.0]]), agrad.asarray([0.5])).tolist()
    [11.5]
    """
    if input.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"input must have shape (..., {weight.shape[-1]}), as weight has; it has {tuple(input.shape)}")
    out = xp.matmul(input, weight.T)
    if bias is not None:
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias must have shape ({weight.shape[0]},), as weight has rows, not {tuple(bias.shape)}")
        out += bias
    return out


def _linear_weight(g: Any, input: Any, xp: Any) -> Any:
    if len(input.shape) != 2:
        input, g = (xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1])) for x in (input, g))
    return xp.matmul(g.T, input)


def _linear_bias(g: Any, xp: Any) -> Any:
    if len(g.shape) == 2:
        return xp.sum(g, axis=0)
    return xp.sum(g, axis=tuple(range(len(g.shape) - 1)))


linear.vjp(
    input=lambda g, weight, xp: xp.matmul(g, weight),
    weight=_linear_weight,
    bias=_linear_bias,
)
