"""Normalization: numbers shifted and scaled to mean 0 and variance 1, over the batch, a sample or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ...core.primitive import ArrayLike, primitive
from ...core.recording import no_grad
from ...core.tensor import Tensor
from ...ops.elementwise import sqrt
from ...ops.manipulation import reshape
from ...ops.statistical import mean, var
from ..reductions import as_tensor, narrowed, widened

__all__ = ["batch_norm", "group_norm", "layer_norm", "rms_norm", "standardize"]


@primitive
def standardize(xp: Any, input: ArrayLike, *, axis: tuple[int, ...], eps: float) -> Tensor:
    """Shift and scale along axes to mean 0 and variance 1: one op, because its gradient is simpler than its parts'.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    axis : tuple of int
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        ``(x - mean) / sqrt(var + eps)``, of the input's shape.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn.functional.normalization import standardize
    >>> standardize(agrad.asarray([1.0, 3.0]), axis=(0,), eps=0.0).tolist()
    [-1.0, 1.0]
    """
    apart = input - xp.mean(input, axis=axis, keepdims=True)
    return apart / xp.sqrt(xp.mean(apart * apart, axis=axis, keepdims=True) + eps)


def _standardize_input(g: Any, input: Any, out: Any, xp: Any, axis: tuple[int, ...], eps: float) -> Any:
    deviation = xp.sqrt(xp.var(input, axis=axis, keepdims=True) + eps)
    along = out * xp.mean(g * out, axis=axis, keepdims=True)
    return (g - xp.mean(g, axis=axis, keepdims=True) - along) / deviation


standardize.vjp(input=_standardize_input)


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
    input = as_tensor(input)
    if input.ndim < 2:
        raise ValueError(f"input must have shape (batch, channels, ...); it has {input.shape}")
    _check_per_channel(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if training:
        axis = (0, *range(2, input.ndim))
        count = prod(input.shape[i] for i in axis)
        if count == 1:
            raise ValueError(f"one value for each channel has no variance to train with: input is {input.shape}")
        if count:
            _refuse_vmap(input, running_mean, running_var)
            _record(input, axis, running_mean, running_var, momentum)
        out = _standardized(input, axis, eps) if count else input
    elif running_mean is None or running_var is None:
        raise ValueError("outside of training, batch_norm needs running_mean and running_var; or write training=True")
    else:
        out = (input - _per_channel(running_mean, input)) / sqrt(_per_channel(running_var, input) + eps)
    return _affine(out, weight, bias, _per_channel)


def _refuse_vmap(input: Tensor, *record: Tensor | None) -> None:
    """Raise RuntimeError where examples under vmap would have to share a record, which each of them changes."""
    if any(x is not None and x._device is not input._device and input._device.knows(x._device) for x in record):
        raise RuntimeError(
            "batch_norm cannot keep a record while training under vmap: there is one, and each example has a batch of "
            "its own; write module.eval(), BatchNorm2d(track_running_stats=False) or GroupNorm, or map over the buffers"
        )


def _record(input: Tensor, axis: Any, running_mean: Any, running_var: Any, momentum: float) -> None:
    with no_grad():
        input = widened(input)
        if running_mean is not None:
            running_mean *= 1 - momentum
            running_mean += momentum * mean(input, axis=axis)
        if running_var is not None:
            running_var *= 1 - momentum
            running_var += momentum * var(input, axis=axis, correction=1)


def _standardized(input: Tensor, axis: tuple[int, ...], eps: float) -> Tensor:
    return narrowed(standardize(widened(input), axis=axis, eps=eps), input)


def layer_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale the last axes to mean 0 and variance 1, then by `weight` and `bias`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(..., *normalized_shape)``.
    normalized_shape : sequence of int
    weight, bias : ArrayLike, optional
        Of shape `normalized_shape`.
    eps : float
        Added to the variance.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Source: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.layer_norm(agrad.asarray([[1.0, 3.0]]), (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    input = as_tensor(input)
    axis = _last_axes(input, normalized_shape, weight=weight, bias=bias)
    return _affine(_standardized(input, axis, eps), weight, bias, as_tensor)


def rms_norm(
    input: ArrayLike, normalized_shape: Sequence[int], weight: ArrayLike | None = None, eps: float | None = None
) -> Tensor:
    """Scale the last axes to a mean square of 1, then by `weight`.

    Parameters
    ----------
    input, normalized_shape, weight
        As in `layer_norm`.
    eps : float, optional
        Added to the mean square; by default the spacing of the dtype's numbers at 1.

    Raises
    ------
    ValueError
        As `layer_norm`.

    Notes
    -----
    Source: B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.rms_norm(agrad.asarray([[1.0, 7.0]]), (2,), eps=0.0).tolist()
    [[0.20000000298023224, 1.399999976158142]]
    """
    input = as_tensor(input)
    axis = _last_axes(input, normalized_shape, weight=weight)
    eps = float(input.device.xp.finfo(input.data.dtype).eps) if eps is None else eps
    wide = widened(input)
    out = wide / sqrt(mean(wide * wide, axis=axis, keepdims=True) + eps)
    return _affine(narrowed(out, input), weight, None, as_tensor)


def group_norm(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Shift and scale the channels of each group of a sample to mean 0 and variance 1, then by `weight` and `bias`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``.
    num_groups : int
        Into how many groups the channels are divided.
    weight, bias : ArrayLike, optional
        Of shape ``(channels,)``.
    eps : float
        Added to the variance.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Source: Y. Wu and K. He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.group_norm(agrad.asarray([[1.0, 3.0, 5.0, 5.0]]), 2, eps=1e-30).tolist()
    [[-1.0, 1.0, 0.0, 0.0]]
    """
    input = as_tensor(input)
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise ValueError(
            f"input must have shape (batch, channels, ...) with channels in {num_groups} groups; it has {input.shape}"
        )
    _check_per_channel(input, weight=weight, bias=bias)
    inside = prod(input.shape[1:]) // num_groups
    grouped = reshape(input, (input.shape[0], num_groups, inside))
    out = reshape(_standardized(grouped, (2,), eps), input.shape)
    return _affine(out, weight, bias, _per_channel)


def _affine(out: Tensor, weight: Any, bias: Any, fitted: Any) -> Tensor:
    """Scale and shift, where there is a weight and a bias."""
    out = out if weight is None else out * fitted(weight, out)
    return out if bias is None else out + fitted(bias, out)


def _per_channel(x: Any, input: Tensor) -> Tensor:
    """Return one number per channel in a shape that broadcasts with the input."""
    return reshape(as_tensor(x, input), (-1, *[1] * (input.ndim - 2)))


def _check_per_channel(input: Tensor, **arrays: Any) -> None:
    for name, array in arrays.items():
        if array is not None and as_tensor(array, input).shape != input.shape[1:2]:
            raise ValueError(
                f"{name} must have shape {input.shape[1:2]}, one for each channel; it has {as_tensor(array).shape}"
            )


def _last_axes(input: Tensor, shape: Sequence[int], **arrays: Any) -> tuple[int, ...]:
    """Return the axes that a shape covers, counted from the end; ValueError if they have other lengths."""
    shape = tuple(shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"input must have shape (..., {', '.join(map(str, shape))}); it has {input.shape}")
    for name, array in arrays.items():
        if array is not None and as_tensor(array, input).shape != shape:
            raise ValueError(f"{name} must have shape {shape}, not {as_tensor(array, input).shape}")
    return tuple(range(-len(shape), 0))
