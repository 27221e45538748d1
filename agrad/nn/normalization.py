"""Layers that normalize each sample on its own: layer, root mean square and group normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import as_integer, as_shape, check_flags, check_integers, check_number
from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import ones, zeros
from .functional import normalization as F
from .module import Module
from .parameter import Parameter

__all__ = ["GroupNorm", "LayerNorm", "Normalization", "RMSNorm"]


class Normalization(Module):
    """The base class of layers that normalize: an optional weight, initialized to 1, and an optional bias, to 0."""

    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: DTypeLike) -> None:
        super().__init__()
        self.weight = Parameter(ones(shape, dtype=dtype, device=device)) if weight else None
        self.bias = Parameter(zeros(shape, dtype=dtype, device=device)) if bias else None

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        with no_grad():
            for parameter, value in ((self.weight, 1), (self.bias, 0)):
                if parameter is not None:
                    parameter[...] = value


class LayerNorm(Normalization):
    """Layer normalization: ``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes of each sample.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The shape of the last axes, over which the layer normalizes.
    eps : float
        Added to the variance for numerical stability.
    elementwise_affine : bool
        Whether there are a learnable weight and bias.
    bias : bool
        Whether there is a bias besides the weight.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight, bias : Parameter or None
        Of shape `normalized_shape`, initialized to 1 and 0.

    Raises
    ------
    ValueError
        On call, if the last axes of the input do not have that shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.LayerNorm(2, eps=0.0)(agrad.asarray([[1.0, 3.0], [5.0, 1.0]])).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        check_flags(elementwise_affine=elementwise_affine, bias=bias)
        shape = as_shape(normalized_shape, "normalized_shape")
        super().__init__(shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.normalized_shape = shape
        self.eps = check_number("eps", eps, 0)
        self.elementwise_affine = elementwise_affine

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(..., *normalized_shape)``."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Normalization):
    """Root mean square normalization: ``x / sqrt(mean(x**2) + eps) * weight`` over the last axes of each sample.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The shape of the last axes, over which the layer normalizes.
    eps : float, optional
        Added to the mean square; by default the machine epsilon of the input's dtype.
    elementwise_affine : bool
        Whether there is a learnable weight.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter or None
        Of shape `normalized_shape`, initialized to 1.

    Raises
    ------
    ValueError
        On call, if the last axes of the input do not have that shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.RMSNorm(2)(agrad.asarray([[3.0, 3.0]])).tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        check_flags(elementwise_affine=elementwise_affine)
        shape = as_shape(normalized_shape, "normalized_shape")
        super().__init__(shape, elementwise_affine, False, device, dtype)
        self.normalized_shape = shape
        self.eps = None if eps is None else check_number("eps", eps, 0)
        self.elementwise_affine = elementwise_affine

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(..., *normalized_shape)``."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Normalization):
    """Group normalization: ``(x - mean) / sqrt(var + eps) * weight + bias`` over each group of channels of a sample.

    Parameters
    ----------
    num_groups, num_channels : int
        The number of groups, and of the channels divided among them.
    eps : float
        Added to the variance for numerical stability.
    affine : bool
        Whether there are a learnable weight and bias.
    device : str or Device, optional
    dtype : DType, optional
    bias : bool
        Whether there is a bias besides the weight.

    Attributes
    ----------
    weight, bias : Parameter or None
        Of shape ``(num_channels,)``, initialized to 1 and 0.

    Raises
    ------
    ValueError
        If `num_groups` does not divide `num_channels`; on call, if the input is not ``(batch, num_channels, ...)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.GroupNorm(1, 2, eps=0.0)(agrad.asarray([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        check_flags(affine=affine, bias=bias)
        check_integers(0, num_channels=num_channels)
        check_number("eps", eps, 0)
        if num_channels % as_integer("num_groups", num_groups, 1):
            raise ValueError(f"num_groups={num_groups} must divide num_channels={num_channels}")
        super().__init__((num_channels,), affine, affine and bias, device, dtype)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, num_channels, ...)``."""
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ValueError(f"GroupNorm takes an input of shape (batch, {self.num_channels}, ...), not {input.shape}")
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
