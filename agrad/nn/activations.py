"""Activations: the functions between layers, as modules."""

from __future__ import annotations

from ..core.tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Module):
    """The larger of an element and 0; its gradient at 0 is 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReLU()(agrad.asarray([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.relu(input)


class Sigmoid(Module):
    """The logistic function ``1 / (1 + exp(-x))``, elementwise.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Sigmoid()(agrad.asarray([0.0])).tolist()
    [0.5]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Tanh()(agrad.asarray([0.0])).tolist()
    [0.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.tanh(input)


class Softmax(Module):
    """Positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    dim : int, optional
        The axis; may be left out for inputs of one or two axes, whose last one it is then.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Softmax(dim=0)(agrad.asarray([1.0, 1.0])).tolist()
    [0.5, 0.5]
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
