"""Embedding, a learnable lookup table of vectors."""

from __future__ import annotations

from ..checks import as_integer, check_integers
from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import empty
from . import init
from .functional import linear_maps as F
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """A learnable lookup table: it maps each index to a vector.

    Parameters
    ----------
    num_embeddings : int
        The number of vectors.
    embedding_dim : int
        The length of each vector.
    padding_idx : int, optional
        The index used for padding: its vector is initialized to zeros and gets no gradient.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        The table, of shape ``(num_embeddings, embedding_dim)``, initialized from a standard normal distribution.

    Raises
    ------
    IndexError
        If `padding_idx` is out of range; on call, if an index is.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Embedding(10, 3, padding_idx=0)(agrad.asarray([[1, 0]]))[0, 1].tolist()
    [0.0, 0.0, 0.0]
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_integers(0, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= as_integer("padding_idx", padding_idx) < num_embeddings:
            raise IndexError(f"padding_idx={padding_idx} is out of range for num_embeddings={num_embeddings}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors of integer indices of any shape, along a new last axis."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the settings."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
