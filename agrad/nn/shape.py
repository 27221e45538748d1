"""Modules that reshape their input."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..checks import as_integer
from ..core.tensor import Tensor
from ..ops.manipulation import reshape
from .functional import shapes as F
from .module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Flatten a range of axes into one; by default all but the first, the batch.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last axis to flatten.

    Raises
    ------
    IndexError
        On call, if the input has no such axes.
    ValueError
        On call, if `start_dim` is after `end_dim`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Flatten()(agrad.ones((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = as_integer("start_dim", start_dim), as_integer("end_dim", end_dim)

    def forward(self, input: Tensor) -> Tensor:
        """Return the flattened input."""
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Unflatten an axis into several.

    Parameters
    ----------
    dim : int
        The axis to unflatten.
    unflattened_size : sequence of int
        Its new shape; one length may be -1, and is inferred.

    Raises
    ------
    IndexError
        On call, if the input has no such axis.
    ValueError
        On call, if the product of the lengths is not the length of the axis.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Unflatten(1, (2, 3))(agrad.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = as_integer("dim", dim)
        if isinstance(unflattened_size, str) or not isinstance(unflattened_size, Sequence):
            raise TypeError(f"unflattened_size must be a sequence of integers, not {unflattened_size!r}")
        self.unflattened_size = tuple([as_integer("unflattened_size", n, -1) for n in unflattened_size])

    def forward(self, input: Tensor) -> Tensor:
        """Return the unflattened input."""
        if not -input.ndim <= self.dim < input.ndim:
            raise IndexError(f"there is no axis {self.dim} in shape {input.shape}")
        dim, sizes = self.dim % input.ndim, list(self.unflattened_size)
        length, known = input.shape[dim], prod(n for n in sizes if n != -1)
        if sizes.count(-1) == 1 and known and length % known == 0:
            sizes[sizes.index(-1)] = length // known
        if min(sizes, default=0) < 0 or prod(sizes) != length:
            raise ValueError(f"axis {self.dim} of shape {input.shape} cannot be unflattened to {self.unflattened_size}")
        return reshape(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
