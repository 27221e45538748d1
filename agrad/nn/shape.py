"""Modules that change nothing but the shape."""

from __future__ import annotations

from ..core.tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["Flatten"]


class Flatten(Module):
    """Join neighbouring axes into one; by default all but the first, the batch.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last axis to join.

    Raises
    ------
    IndexError
        On call, if the input has no such axes.
    ValueError
        On call, if `start_dim` lies behind `end_dim`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Flatten()(agrad.ones((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the input's elements in their order, in fewer axes."""
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
