"""Linear: the fully connected layer."""

from __future__ import annotations

from math import sqrt
from typing import Any

from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.creation import empty
from . import init
from .functional import linear
from .module import Module
from .parameter import Parameter

__all__ = ["Linear"]


class Linear(Module):
    """A linear map and a shift: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        The length of the last axis of the input, and of the output.
    bias : bool
        Whether there is a shift.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        Of shape ``(out_features, in_features)``.
    bias : Parameter or None
        Of shape ``(out_features,)``.

    Notes
    -----
    Both begin uniform between ``-1 / sqrt(in_features)`` and ``1 / sqrt(in_features)``, as PyTorch's do.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> layer = nn.Linear(3, 2)
    >>> layer(agrad.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        device: str | Device | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in_features), dtype=dtype, device=device))
        self.bias = Parameter(empty((out_features,), dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / sqrt(max(1, self.in_features))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return the output, of shape ``(..., out_features)``, for an input of shape ``(..., in_features)``."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
