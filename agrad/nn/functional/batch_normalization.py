"""Batch and instance normalization, with running means and variances for evaluation."""

from __future__ import annotations

from math import prod
from typing import Any

from ...checks import check_flags, check_number
from ...core.grad_mode import no_grad
from ...core.primitive import ArrayLike
from ...core.tape import wrote
from ...core.tensor import Tensor, wrap
from ...ops import journal
from ...ops.data_type import astype
from ...ops.elementwise import sqrt
from ...ops.statistical import mean
from ..reductions import as_tensor, narrowed, widened
from .normalization import affine, check_per_channel, per_channel, standardized

__all__ = ["batch_norm", "instance_norm", "refuse_vmap", "update_running"]


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
    """Return ``(x - mean) / sqrt(var + eps) * weight + bias``, with the mean and variance of each channel.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``.
    running_mean, running_var : Tensor or None
        Of shape ``(channels,)``: updated in place if `training`, otherwise used to normalize.
    weight, bias : ArrayLike, optional
        Of shape ``(channels,)``.
    training : bool
        Whether to use the mean and variance of this batch instead of the running ones.
    momentum : float
        The weight of this batch in the running mean and variance: ``(1 - momentum) * running + momentum * new``.
    eps : float
        Added to the variance for numerical stability.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If the shapes do not match; with `training`, if there is only one value per channel; without it, if there is no
        running mean or variance.

    Notes
    -----
    The running variance is updated with the unbiased one; an empty batch leaves both unchanged. Source: S. Ioffe and
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
            _update_running(input, axis, running_mean, running_var, momentum)
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
    """Return ``(x - mean) / sqrt(var + eps) * weight + bias``, with the statistics of each channel of each sample.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``, with at least one axis after the channels.
    running_mean, running_var, weight, bias
        As in `batch_norm`.
    use_input_stats : bool
        Whether to use the mean and variance of the sample instead of the running ones.
    momentum, eps
        As in `batch_norm`.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If the shapes do not match, if there is only one value per channel of a sample, or if the running mean or
        variance is missing without `use_input_stats`.

    Notes
    -----
    The running statistics are updated with the samples' means and unbiased variances, averaged over the batch.
    Source: D. Ulyanov, A. Vedaldi and V. Lempitsky, "Instance normalization", arXiv:1607.08022.

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
        raise ValueError(f"input must have shape (batch, channels, length, ...); it has {input.shape}")
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, eps=eps)
    check_per_channel(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    axis = tuple(range(2, input.ndim))
    if prod(input.shape[2:]) == 1:
        raise ValueError(f"instance_norm needs more than one value per channel; the input has shape {input.shape}")
    if input.size:
        _update_running(input, axis, running_mean, running_var, momentum)
    return affine(standardized(input, axis, eps) if input.size else input, weight, bias, per_channel)


def refuse_vmap(input: Tensor, *running: Tensor | None) -> None:
    """Raise RuntimeError where examples under vmap would share running statistics that each of them changes."""
    if any(x is not None and x._device is not input._device and input._device.knows(x._device) for x in running):
        raise RuntimeError(
            "batch_norm cannot update running statistics under vmap: they are shared, and each example has a batch of "
            "its own; write module.eval(), BatchNorm2d(track_running_stats=False) or GroupNorm, or map over the buffers"
        )


def _update_running(input: Tensor, axis: tuple[int, ...], running_mean: Any, running_var: Any, momentum: float) -> None:
    if running_mean is None and running_var is None:
        return
    refuse_vmap(input, running_mean, running_var)
    with no_grad():
        device = input._device
        means, variances = device.backend.moments(widened(input)._data, axis)
        for running, latest in ((running_mean, means), (running_var, variances)):
            if running is not None:
                update_running(running, wrap(device.backend.box(latest), device), momentum)


def update_running(running: Tensor, latest: Tensor, momentum: float) -> None:
    """Update running statistics in place; statistics per sample are averaged over the batch first."""
    latest = astype(mean(latest, axis=0) if latest.ndim == 2 else latest, running.dtype, copy=False)
    journal.writing(running)
    backend = running._device.backend
    (running._data,) = backend.materialize([backend.interpolate(running._data, latest._data, momentum)])
    wrote(running)
