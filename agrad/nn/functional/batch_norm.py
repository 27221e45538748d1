"""Normalization over a batch, or over each sample of it, with a record of means and variances for later."""

from __future__ import annotations

from math import prod
from typing import Any

from ...checks import check_flags, check_number
from ...core.grad_mode import no_grad
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.elementwise import sqrt
from ...ops.statistical import mean, var
from ..reductions import as_tensor, narrowed, widened
from .normalization import affine, check_per_channel, per_channel, standardized

__all__ = ["batch_norm", "instance_norm"]


def batch_norm(
    input: ArrayLike,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale each channel to mean 0 and variance 1, then by `weight` and `bias`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``.
    running_mean, running_var : Tensor or None
        Of shape ``(channels,)``: what to use outside of training, and where training keeps a record, in place.
    weight, bias : ArrayLike, optional
        Of shape ``(channels,)``.
    training : bool
        Whether to use the mean and variance of this batch.
    momentum : float
        How much of the record this batch makes up.
    eps : float
        Added to the variance.

    Raises
    ------
    ValueError
        If there is one value for each channel while training, or no record outside of it.

    Notes
    -----
    The record's variance is the unbiased one; an empty batch leaves the record as it was. Source: S. Ioffe and
    C. Szegedy, "Batch normalization", ICML 2015.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.batch_norm(agrad.asarray([[1.0], [3.0]]), None, None, training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]
    """
    check_flags(training=training)
    check_number("momentum", momentum, 0, 1)
    check_number("eps", eps, 0)
    input = as_tensor(input)
    if input.ndim < 2:
        raise ValueError(f"input must have shape (batch, channels, ...); it has {input.shape}")
    check_per_channel(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if training:
        axis = (0, *range(2, input.ndim))
        count = prod(input.shape[i] for i in axis)
        if count == 1:
            raise ValueError(f"training needs more than one value per channel; the input has shape {input.shape}")
        if count:
            _refuse_vmap(input, running_mean, running_var)
            _record(input, axis, running_mean, running_var, momentum)
        out = standardized(input, axis, eps) if count else input
    elif running_mean is None or running_var is None:
        raise ValueError("without training, batch_norm needs running_mean and running_var; or write training=True")
    else:
        deviation = widened(input) - per_channel(running_mean, input)
        out = narrowed(deviation / sqrt(widened(per_channel(running_var, input)) + eps), input)
    return affine(out, weight, bias, per_channel)


def instance_norm(
    input: ArrayLike,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale each channel of each sample to mean 0 and variance 1, then by `weight` and `bias`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``, with an axis at least behind the channels.
    running_mean, running_var, weight, bias, momentum, eps
        As in `batch_norm`.
    use_input_stats : bool
        Whether to use the mean and variance of the sample, and not those of the record.

    Raises
    ------
    ValueError
        If the shapes do not fit, if there is one value for each channel of a sample, or no record to use.

    Notes
    -----
    The record takes the mean over the batch of the samples' means and unbiased variances. Source: D. Ulyanov,
    A. Vedaldi and V. Lempitsky, "Instance normalization", arXiv:1607.08022.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.instance_norm(agrad.asarray([[[1.0, 3.0], [5.0, 1.0]]]), eps=0.0).tolist()
    [[[-1.0, 1.0], [1.0, -1.0]]]
    """
    check_flags(use_input_stats=use_input_stats)
    check_number("momentum", momentum, 0, 1)
    check_number("eps", eps, 0)
    input = as_tensor(input)
    if input.ndim < 3:
        raise ValueError(f"input must have shape (batch, channels, ...), with an axis behind; it has {input.shape}")
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    check_per_channel(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    axis = tuple(range(2, input.ndim))
    if prod(input.shape[2:]) == 1:
        raise ValueError(f"instance_norm needs more than one value per channel; the input has shape {input.shape}")
    if input.size:
        _record(input, axis, running_mean, running_var, momentum)
    return affine(standardized(input, axis, eps) if input.size else input, weight, bias, per_channel)


def _refuse_vmap(input: Tensor, *running: Tensor | None) -> None:
    """Raise RuntimeError where examples under vmap would share running statistics that each of them changes."""
    if any(x is not None and x._device is not input._device and input._device.knows(x._device) for x in running):
        raise RuntimeError(
            "batch_norm cannot update running statistics under vmap: they are shared, and each example has a batch of "
            "its own; write module.eval(), BatchNorm2d(track_running_stats=False) or GroupNorm, or map over the buffers"
        )


def _record(input: Tensor, axis: tuple[int, ...], running_mean: Any, running_var: Any, momentum: float) -> None:
    with no_grad():
        input = widened(input)
        if running_mean is not None:
            _move(running_mean, mean(input, axis=axis), momentum)
        if running_var is not None:
            _move(running_var, var(input, axis=axis, correction=1), momentum)


def _move(record: Tensor, latest: Tensor, momentum: float) -> None:
    """Move a record towards the latest values, averaged over the batch where each sample has its own."""
    record *= 1 - momentum
    record += momentum * (mean(latest, axis=0) if latest.ndim == 2 else latest)
