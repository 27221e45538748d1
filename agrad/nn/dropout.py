"""Dropout layers: numbers left out at random while training."""

from __future__ import annotations

from ..checks import check_number
from ..core.tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["Dropout", "Dropout2d"]


class Dropout(Module):
    """Sets each element to 0 with probability `p` and divides the others by ``1 - p``, while training only.

    Parameters
    ----------
    p : float
        From 0 to 1.

    Raises
    ------
    ValueError
        If `p` is no probability.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Dropout(0.5).eval()(agrad.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_number("p", p, 0, 1)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"p={self.p}"


class Dropout2d(Dropout):
    """Sets whole channels to 0, each with probability `p`, and divides the others by ``1 - p``, while training only.

    Parameters
    ----------
    p : float
        From 0 to 1.

    Raises
    ------
    ValueError
        If `p` is no probability; on call, if the input is not ``(batch, channels, ...)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Dropout2d(0.5)(agrad.ones((8, 3, 4, 4))).shape
    (8, 3, 4, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, channels, ...)``."""
        return F.dropout2d(input, self.p, self.training)
