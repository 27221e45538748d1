"""Losses: how far a model's output is from its target, as modules."""

from __future__ import annotations

from ..core.tensor import Tensor
from . import functional as F
from .module import Module
from .reductions import known_reduction

__all__ = ["CrossEntropyLoss", "L1Loss", "MSELoss"]


class _Loss(Module):
    """A loss with a `reduction`: what is done with the elements' losses."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = known_reduction(reduction)


class MSELoss(_Loss):
    """The squared error ``(input - target)**2``, by default its mean.

    Parameters
    ----------
    reduction : str
        ``"mean"``, ``"sum"`` or ``"none"``, which leaves one loss per element.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if input and target differ in shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.MSELoss()(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; input and target are of one shape."""
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """The absolute error ``abs(input - target)``, by default its mean; its gradient where they are equal is 0.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        As `MSELoss`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.L1Loss()(agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 4.0])).item()
    1.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; input and target are of one shape."""
        return F.l1_loss(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """The cross entropy between the softmax of scores and the true classes, by default its mean over the samples.

    Parameters
    ----------
    reduction : str
        As in `MSELoss`.

    Raises
    ------
    ValueError
        If there is no such reduction; on call, if the shapes do not fit.
    TypeError
        On call, if the target is neither integer nor floating.
    IndexError
        On call, if a class is out of range; see `functional.cross_entropy` for CUDA.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> scores = agrad.asarray([[0.0, 0.0], [100.0, 0.0]])
    >>> nn.CrossEntropyLoss(reduction="none")(scores, agrad.asarray([0, 1]))
    Tensor([  0.6931472, 100.       ], dtype=float32, device='cpu')
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        The input is ``(classes,)``, ``(samples, classes)`` or ``(samples, classes, ...)``; the target has class
        indices without the classes' axis, or probabilities of the input's shape.
        """
        return F.cross_entropy(input, target, self.reduction)
