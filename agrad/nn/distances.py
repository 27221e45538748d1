"""Angles and distances of pairs of vectors, as modules."""

from __future__ import annotations

from ..checks import as_integer, check_flags, check_number
from ..core.tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosines of the angles between vectors along an axis.

    Parameters
    ----------
    dim : int
        The axis.
    eps : float
        The least that a length counts.

    Raises
    ------
    ValueError
        If `eps` is negative; on call, if the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.CosineSimilarity()(agrad.asarray([[0.0, 2.0]]), agrad.asarray([[0.0, 5.0]])).tolist()
    [1.0]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = as_integer("dim", dim), check_number("eps", eps, 0)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines, of the inputs' shape without the axis."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The distances between vectors along the last axis.

    Parameters
    ----------
    p : float
        Of the norm that measures distances, infinity for the largest difference.
    eps : float
        Added to differences, so that the norm of equal vectors has a gradient; with 0 it is 0.
    keepdim : bool
        Whether the last axis stays, with length 1.

    Raises
    ------
    ValueError
        If `eps` is negative; on call, if the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.PairwiseDistance(eps=0.0)(agrad.asarray([[0.0, 0.0]]), agrad.asarray([[3.0, 4.0]])).tolist()
    [5.0]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        check_flags(keepdim=keepdim)
        self.norm, self.eps = check_number("p", p, infinite=True), check_number("eps", eps, 0)
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances, of the inputs' shape without the last axis."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
