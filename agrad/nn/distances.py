"""Modules that return the cosine similarity or the distance of pairs of vectors."""

from __future__ import annotations

from ..checks import as_integer, check_flags, check_number
from ..core.tensor import Tensor
from .functional import distances as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine similarity of vectors along an axis: ``x1 @ x2 / (norm(x1) * norm(x2))``.

    Parameters
    ----------
    dim : int
        The axis of the vectors.
    eps : float
        The minimum of a norm that is divided by, to avoid division by zero.

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
        """Return the cosine similarity, of the inputs' broadcast shape without the axis."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The distance of vectors along the last axis: ``norm(x1 - x2 + eps)``.

    Parameters
    ----------
    p : float
        The order of the norm; infinity for the maximum norm.
    eps : float
        Added to the differences, so that the distance of equal vectors has a gradient; with ``eps=0`` it is 0.
    keepdim : bool
        Whether to keep the last axis, with length 1.

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
        """Return the distances, of the inputs' broadcast shape without the last axis."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
