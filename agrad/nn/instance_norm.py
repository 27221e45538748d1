"""Instance normalization layers: each channel of each sample is normalized to mean 0 and variance 1."""

from __future__ import annotations

from ..checks import check_tensors
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.manipulation import expand_dims, squeeze
from .batch_norm import NormBase
from .functional import batch_normalization as F

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(NormBase):
    axes: int  # the number of axes after the channels

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, num_features, ...)``, or without the batch."""
        check_tensors(input=input)
        batched = input.ndim == self.axes + 2
        if input.ndim not in (self.axes + 1, self.axes + 2) or input.shape[int(batched)] != self.num_features:
            raise ValueError(
                f"{type(self).__name__} takes an input of shape (batch, {self.num_features}{', n' * self.axes}), or "
                f"without the batch; it has {input.shape}"
            )
        out = F.instance_norm(
            input if batched else expand_dims(input, axis=0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum or 0.0,
            self.eps,
        )
        return out if batched else squeeze(out, axis=0)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization of sequences; see `InstanceNorm2d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `InstanceNorm2d`.

    Raises
    ------
    ValueError
        As `InstanceNorm2d`, for inputs ``(batch, num_features, length)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.InstanceNorm1d(3)(agrad.ones((2, 3, 4))).shape
    (2, 3, 4)
    """

    axes = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalization of images: ``(x - mean) / sqrt(var + eps)`` for each channel of each sample.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float
        Added to the variance for numerical stability.
    momentum : float or None
        The weight of a new batch in the running mean and variance; None leaves them unchanged.
    affine : bool
        Whether to multiply by a learnable weight and add a learnable bias.
    track_running_stats : bool
        Whether to keep a running mean and variance, and to use them in evaluation (see `Module.eval`).
    device : str or Device, optional
    dtype : DType, optional
    bias : bool
        Whether there is a bias besides the weight.

    Attributes
    ----------
    weight, bias : Parameter or None
        Of shape ``(num_features,)``, initialized to 1 and 0.
    running_mean, running_var, num_batches_tracked : Tensor or None
        Buffers as in `BatchNorm2d`, but the batches are not counted.

    Raises
    ------
    ValueError
        On call, if the input is neither ``(batch, num_features, height, width)`` nor one without the batch, or if there
        is only one value per channel of a sample in training.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> image = agrad.asarray([[[1.0, 3.0], [3.0, 1.0]]])
    >>> nn.InstanceNorm2d(1, eps=0.0)(image).tolist()
    [[[-1.0, 1.0], [1.0, -1.0]]]
    """

    axes = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of volumes; see `InstanceNorm2d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `InstanceNorm2d`.

    Raises
    ------
    ValueError
        As `InstanceNorm2d`, for inputs ``(batch, num_features, depth, height, width)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.InstanceNorm3d(3)(agrad.ones((2, 3, 4, 4, 4))).shape
    (2, 3, 4, 4, 4)
    """

    axes = 3
