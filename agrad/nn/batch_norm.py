"""Batch normalization layers: each channel is normalized over the batch to mean 0 and variance 1."""

from __future__ import annotations

from ..checks import check_flags, check_integers, check_number, check_tensors
from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import ones, zeros
from .functional import batch_normalization as F
from .normalization import Normalization

__all__ = ["BatchNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "NormBase"]


class NormBase(Normalization):
    """The base class of batch and instance normalization: settings, weight, bias and running statistics."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | Device | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        check_flags(affine=affine, track_running_stats=track_running_stats, bias=bias)
        check_integers(0, num_features=num_features)
        check_number("eps", eps, 0)
        if momentum is not None:
            check_number("momentum", momentum, 0, 1)
        super().__init__((num_features,), affine, affine and bias, device, dtype)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        track = track_running_stats
        mean = zeros((num_features,), dtype=dtype, device=device) if track else None
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", ones((num_features,), dtype=dtype, device=device) if track else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int, device=device) if track else None)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the number of batches to 0."""
        if self.track_running_stats:
            with no_grad():
                for buffer, value in zip(self.buffers(), (0, 1, 0), strict=True):
                    buffer[...] = value

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        super().reset_parameters()

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm(NormBase):
    """The base class of batch normalization layers."""

    axes: tuple[int, ...]  # the numbers of axes that an input may have

    def forward(self, input: Tensor) -> Tensor:
        """Return a Tensor of the input's shape, ``(batch, num_features, ...)``."""
        self._check(input)
        return F.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self._count_batch() if self.training else 0.0,
            self.eps,
        )

    def _check(self, input: Tensor) -> None:
        check_tensors(input=input)
        if input.ndim not in self.axes or input.shape[1] != self.num_features:
            shapes = " or ".join(f"(batch, {self.num_features}{', n' * (axes - 2)})" for axes in self.axes)
            raise ValueError(f"{type(self).__name__} takes an input of shape {shapes}, not {input.shape}")

    def _count_batch(self) -> float:
        """Count the batch, and return its weight in the running mean and variance."""
        if self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked += 1
            if self.momentum is None:
                return 1 / int(self.num_batches_tracked.item())
        return self.momentum or 0.0


class BatchNorm1d(BatchNorm):
    """Batch normalization of features, or of the channels of sequences; see `BatchNorm2d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `BatchNorm2d`.

    Raises
    ------
    ValueError
        On call, if the input is neither ``(batch, num_features)`` nor ``(batch, num_features, length)``, or if
        there is only one value per channel in training.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.BatchNorm1d(1, eps=0.0)(agrad.asarray([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    axes = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalization of images: ``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel.

    In training, the mean and variance are those of the batch; in evaluation (see `Module.eval`), the running ones.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float
        Added to the variance for numerical stability.
    momentum : float or None
        The weight of a new batch in the running mean and variance: ``(1 - momentum) * running + momentum * new``; None
        for the mean over all batches.
    affine : bool
        Whether there are a learnable weight and bias.
    track_running_stats : bool
        Whether to keep a running mean and variance; without them, those of the batch are used in evaluation too.
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
        The number of batches seen in training, a 0-d buffer.

    Raises
    ------
    ValueError
        On call, if the input is not ``(batch, num_features, height, width)``, or if there is only one value per channel
        in training.

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


class BatchNorm3d(BatchNorm):
    """Batch normalization of volumes; see `BatchNorm2d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        As in `BatchNorm2d`.

    Raises
    ------
    ValueError
        On call, if the input is not ``(batch, num_features, depth, height, width)``, or if there is only one value per
        channel in training.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.BatchNorm3d(3)(agrad.ones((2, 3, 4, 4, 4))).shape
    (2, 3, 4, 4, 4)
    """

    axes = (5,)
