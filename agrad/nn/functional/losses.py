"""Losses: how far a model's output is from its target."""

from __future__ import annotations

from math import prod
from typing import Any

from ...core.dtypes import from_native
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...ops import elementwise
from ..reductions import as_tensor, known_reduction, reduced

__all__ = ["l1_loss", "mse_loss"]


@primitive
def mse_loss(xp: Any, input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    input, target : ArrayLike
        Real, of one shape.
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which leaves one loss per element.

    Returns
    -------
    Tensor
        0-d, or of the inputs' shape.

    Raises
    ------
    ValueError
        If the shapes differ, or there is no such reduction.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.mse_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """
    difference = _difference(xp, input, target)
    if from_native(difference.dtype).is_complex:
        raise TypeError("mse_loss takes real numbers; write (abs(input - target)**2).mean()")
    squares = difference * difference
    if reduction == "mean":
        return xp.mean(squares)
    return xp.sum(squares) if known_reduction(reduction) == "sum" else squares


def _mse_slope(g: Any, input: Any, target: Any, reduction: str, xp: Any) -> Any:
    difference = _difference(xp, input, target)
    return difference * (g * (2 / (prod(difference.shape) or 1) if reduction == "mean" else 2))


mse_loss.vjp(
    input=_mse_slope,
    target=lambda g, input, target, reduction, xp: -_mse_slope(g, input, target, reduction, xp),
)


def l1_loss(input: ArrayLike, target: ArrayLike, reduction: str = "mean") -> Tensor:
    """Return the absolute error ``abs(input - target)``, by default its mean; its gradient where they are equal is 0.

    Parameters
    ----------
    input, target : ArrayLike
        Of one shape.
    reduction : str
        As in `mse_loss`.

    Raises
    ------
    ValueError
        As `mse_loss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.l1_loss(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0]), "none").tolist()
    [0.0, 2.0]
    """
    input, target = as_tensor(input), as_tensor(target, input)
    _check_same_shape(input.shape, target.shape)
    return reduced(elementwise.abs(input - target), reduction)


def _difference(xp: Any, input: Any, target: Any) -> Any:
    _check_same_shape(input.shape, target.shape)
    if target.dtype != input.dtype and xp.isdtype(target.dtype, "integral"):
        target = xp.astype(target, input.dtype)
    return input - target


def _check_same_shape(input: Any, target: Any) -> None:
    if input != target:
        input, target = tuple(input), tuple(target)
        mend = f"target.reshape({input})" if prod(input) == prod(target) else "a target of the input's shape"
        raise ValueError(f"input has shape {input} and target {target}; a loss never broadcasts: write {mend}")
