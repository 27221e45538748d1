"""Activations: what networks apply between layers, with PyTorch's names and settings."""

from __future__ import annotations

from typing import Any

from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops import activations
from ..reductions import as_tensor

__all__ = ["log_softmax", "softmax"]


def softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    dim : int, optional
        The axis; may be left out for inputs of one or two axes, whose last one it is then.

    Raises
    ------
    ValueError
        If `dim` is left out and there are more axes.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.softmax(agrad.asarray([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    return activations.softmax(input, axis=_softmax_axis(input, dim))


def log_softmax(input: ArrayLike, dim: int | None = None) -> Tensor:
    """Return the logarithm of `softmax`, without its loss of small numbers.

    Parameters
    ----------
    input, dim
        As in `softmax`.

    Raises
    ------
    ValueError
        As `softmax`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.log_softmax(agrad.asarray([0.0, 1000.0])).tolist()
    [-1000.0, 0.0]
    """
    return activations.log_softmax(input, axis=_softmax_axis(input, dim))


def _softmax_axis(input: Any, dim: int | None) -> int:
    if dim is not None:
        return dim
    shape = as_tensor(input).shape
    if len(shape) > 2:
        raise ValueError(f"softmax of shape {shape} needs its axis; write dim=-1 for the last one")
    return -1
