"""Normalization layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import as_integer, as_shape, check_integers, check_number
from ..core.device import Device
from ..core.recording import no_grad
from ..core.tensor import Tensor
from ..ops.creation import ones, zeros
from . import functional as F
from .checks import check_tensors
from .module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm", "RMSNorm"]


def _parameters(shape: tuple[int, ...], has_weight: bool, has_bias: bool, device: Any, dtype: Any) -> tuple[Any, Any]:
    """Return a weight of ones and a bias of zeros, or None for one that the layer does not have."""
    weight = Parameter(ones(shape, dtype=dtype, device=device)) if has_weight else None
    return weight, Parameter(zeros(shape, dtype=dtype, device=device)) if has_bias else None


class _BatchNorm(Module):
    """The base class of batch normalization layers."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    axes: tuple[int, ...]  # the numbers of axes that an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | Device | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_integers(0, num_features=num_features)
        check_number("eps", eps, 0)
        if momentum is not None:
            check_number("momentum", momentum, 0, 1)
        self.num_features = num_features
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight, self.bias = _parameters((num_features,), affine, affine and bias, device, dtype)
        track = track_running_stats
        mean = zeros((num_features,), dtype=dtype, device=device) if track else None
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", ones((num_features,), dtype=dtype, device=device) if track else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int, device=device) if track else None)

    def reset_running_stats(self) -> None:
        """Reset the running mean to 0, the running variance to 1 and the count of batches to 0."""
        if self.track_running_stats:
            with no_grad():
                for buffer, value in zip(self.buffers(), (0, 1, 0), strict=True):
                    buffer[...] = value

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        with no_grad():
            for parameter, value in ((self.weight, 1), (self.bias, 0)):
                if parameter is not None:
                    parameter[...] = value

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, num_features, ...)``."""
        check_tensors(input=input)
        if input.ndim not in self.axes or input.shape[1] != self.num_features:
            shapes = " or ".join(f"(batch, {self.num_features}{', n' * (axes - 2)})" for axes in self.axes)
            raise ValueError(f"{type(self).__name__} takes an input of shape {shapes}, not {input.shape}")
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self._average_factor() if self.training else 0.0,
            self.eps,
        )

    def _average_factor(self) -> float:
        """Count the batch, and return its weight in the running mean and variance."""
        if self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked += 1
            if self.momentum is None:
                return 1 / int(self.num_batches_tracked.item())
        return self.momentum or 0.0

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalization of ``(batch, features)`` or of sequences ``(batch, channels, length)``.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `BatchNorm2d`.

    Raises
    ------
    ValueError
        On call, if the input is neither ``(batch, num_features)`` nor ``(batch, num_features, length)``, or if it has
        only one value per feature while training.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.BatchNorm1d(1, eps=0.0)(agrad.asarray([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of images: ``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel.

    While training, the mean and variance are those of the batch. In evaluation mode (see `Module.eval`), they are the
    running mean and variance of the batches seen in training.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float
        Added to the variance for numerical stability.
    momentum : float or None
        The weight of each batch in the running mean and variance; None for the average over all batches.
    affine : bool
        Whether there are a learnable weight and bias.
    track_running_stats : bool
        Whether to keep a running mean and variance; without them, evaluation mode uses those of the batch too.
    device : str or Device, optional
    dtype : DType, optional
    bias : bool
        Whether there is a bias besides the weight.

    Attributes
    ----------
    weight, bias : Parameter or None
        Of shape ``(num_features,)``, initialized to 1 and 0.
    running_mean, running_var : Tensor or None
        Buffers of shape ``(num_features,)``.
    num_batches_tracked : Tensor or None
        The number of batches seen in training, a buffer.

    Raises
    ------
    ValueError
        On call, if the input is not ``(batch, num_features, height, width)``, or if it has only one value per channel
        while training.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> layer = nn.BatchNorm2d(3)
    >>> layer(agrad.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    >>> agrad.round(100 * layer.running_mean).tolist()
    [10.0, 10.0, 10.0]
    """

    axes = (4,)


class LayerNorm(Module):
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
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape, "normalized_shape")
        self.eps, self.elementwise_affine = check_number("eps", eps, 0), elementwise_affine
        has_bias = elementwise_affine and bias
        self.weight, self.bias = _parameters(self.normalized_shape, elementwise_affine, has_bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(..., *normalized_shape)``."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
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
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape, "normalized_shape")
        self.eps = None if eps is None else check_number("eps", eps, 0)
        self.elementwise_affine = elementwise_affine
        self.weight, _ = _parameters(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(..., *normalized_shape)``."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
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
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_integers(0, num_channels=num_channels)
        check_number("eps", eps, 0)
        if num_channels % as_integer("num_groups", num_groups, 1):
            raise ValueError(f"num_groups={num_groups} must divide num_channels={num_channels}")
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        self.weight, self.bias = _parameters((num_channels,), affine, affine and bias, device, dtype)

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
