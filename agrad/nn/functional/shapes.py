"""Functions that change the shape of an array."""

from __future__ import annotations

from math import prod

from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.manipulation import reshape
from ..reductions import as_tensor

__all__ = ["flatten"]


def flatten(input: ArrayLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten a range of axes into one.

    Parameters
    ----------
    input : ArrayLike
        Of any shape.
    start_dim, end_dim : int
        The first and the last axis to flatten.

    Returns
    -------
    Tensor
        The reshaped input.

    Raises
    ------
    IndexError
        If an axis is out of range.
    ValueError
        If `start_dim` is after `end_dim`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.flatten(agrad.ones((5, 2, 3)), 1).shape
    (5, 6)
    """
    x = as_tensor(input)
    axes = max(1, x.ndim)
    for dim in (start_dim, end_dim):
        if not -axes <= dim < axes:
            raise IndexError(f"there is no axis {dim} in shape {x.shape}")
    start, end = start_dim % axes, end_dim % axes
    if start > end:
        raise ValueError(f"start_dim={start_dim} is after end_dim={end_dim} in shape {x.shape}")
    return reshape(x, (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))
