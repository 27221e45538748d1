"""Dropout layers."""

from __future__ import annotations

from ..checks import check_number
from ..core.tensor import Tensor
from .functional import dropping as F
from .module import Module

__all__ = ["Dropout", "Dropout2d"]


class Dropout(Module):
    """Randomly zero elements with probability `p` while training, and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    p : float
        The probability of being zeroed, from 0 to 1.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.

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
    """Randomly zero whole channels with probability `p` while training, and scale the others by ``1 / (1 - p)``.

    Parameters
    ----------
    p : float
        The probability of being zeroed, from 0 to 1.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1; on call, if the input is not ``(batch, channels, ...)``.

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
