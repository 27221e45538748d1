"""The layers Linear, Bilinear and Identity."""

from __future__ import annotations

from math import sqrt
from typing import Any

from ..checks import check_flags, check_integers
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import empty
from . import init
from .functional.linear_maps import bilinear, linear, linear_relu
from .module import Module
from .parameter import Parameter

__all__ = ["Bilinear", "Identity", "Linear"]


class Linear(Module):
    """A fully connected layer: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        The lengths of the last axis of the input and of the output.
    bias : bool
        Whether to add a learnable bias.
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
    Both are initialized uniformly between ``-1 / sqrt(in_features)`` and ``1 / sqrt(in_features)``, as in PyTorch.

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
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias)
        check_integers(0, in_features=in_features, out_features=out_features)
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

    def _forward_relu(self, input: Tensor) -> Tensor:
        return linear_relu(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """A bilinear layer: ``x1 @ weight[k] @ x2 + bias[k]`` for each output feature `k`.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        The lengths of the last axes of the two inputs, and of the output.
    bias : bool
        Whether to add a learnable bias.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        Of shape ``(out_features, in1_features, in2_features)``.
    bias : Parameter or None
        Of shape ``(out_features,)``.

    Notes
    -----
    Both are initialized uniformly between ``-1 / sqrt(in1_features)`` and ``1 / sqrt(in1_features)``, as in PyTorch.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Bilinear(3, 4, 2)(agrad.ones((5, 3)), agrad.ones((5, 4))).shape
    (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias)
        check_integers(0, in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in1_features, in2_features), dtype=dtype, device=device))
        self.bias = Parameter(empty((out_features,), dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / sqrt(max(1, self.in1_features))
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return the output, of shape ``(..., out_features)``."""
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Identity(Module):
    """A layer that returns its input unchanged: a placeholder for another layer.

    Parameters
    ----------
    *args, **kwargs
        The settings of that layer, which are ignored.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Identity()(agrad.asarray([1.0])).tolist()
    [1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Return the input."""
        return input
