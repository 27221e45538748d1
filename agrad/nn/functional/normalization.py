"""Normalization to mean 0 and variance 1, over a sample or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ... import backends
from ...checks import as_integer, as_shape, check_number
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ...ops.data_type import finfo
from ...ops.elementwise import sqrt
from ...ops.manipulation import reshape
from ...ops.statistical import mean
from ..reductions import as_tensor, narrowed, widened

__all__ = [
    "affine", "check_per_channel", "group_norm", "layer_norm", "per_channel", "rms_norm", "standardize", "standardized",
]  # fmt: skip


@primitive(residuals=("deviation",))
def standardize(xp: Namespace, input: ArrayLike, *, axis: tuple[int, ...], eps: float) -> tuple[Tensor, Any]:
    """Normalize along axes to mean 0 and variance 1: one op, as its gradient is simpler than that of the composition.

    Parameters
    ----------
    input : ArrayLike
        Real floating.
    axis : tuple of int
        The axes along which the mean and variance are computed.
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
    out, deviation = backends.of(input).standardize(input, axis, eps)
    return out, (deviation,)


def _standardize_input(
    g: Array, input: Array, out: Array, deviation: Array, xp: Namespace, axis: tuple[int, ...], eps: float
) -> Array:
    if deviation is not None:
        return backends.of(g).standardize_input(g, out, deviation, axis)
    deviation = xp.sqrt(xp.var(input, axis=axis, keepdims=True) + eps)
    along = out * xp.mean(g * out, axis=axis, keepdims=True)
    return (g - xp.mean(g, axis=axis, keepdims=True) - along) / deviation


standardize.vjp(input=_standardize_input)


def standardized(input: Tensor, axis: tuple[int, ...], eps: float) -> Tensor:
    """Return `standardize` of the input, computed in float32 for 16-bit inputs."""
    return narrowed(standardize(widened(input), axis=axis, eps=eps), input)


def layer_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return ``(x - mean) / sqrt(var + eps) * weight + bias``, with the mean and variance over the last axes.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(..., *normalized_shape)``.
    normalized_shape : sequence of int
        The shape of the last axes, over which the input is normalized.
    weight, bias : ArrayLike, optional
        Of shape `normalized_shape`.
    eps : float
        Added to the variance for numerical stability.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If the shapes do not match.

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
    check_number("eps", eps, 0)
    input = as_tensor(input)
    axis = _last_axes(input, normalized_shape, weight=weight, bias=bias)
    return affine(standardized(input, axis, eps), weight, bias, as_tensor)


def rms_norm(
    input: ArrayLike, normalized_shape: Sequence[int], weight: ArrayLike | None = None, eps: float | None = None
) -> Tensor:
    """Return ``x / sqrt(mean(x**2) + eps) * weight``, with the mean over the last axes.

    Parameters
    ----------
    input, normalized_shape, weight
        As in `layer_norm`.
    eps : float, optional
        Added to the mean square; by default the machine epsilon of the input's dtype, or of float32 for 16 bits.

    Returns
    -------
    Tensor
        Of the input's shape.

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
    if eps is not None:
        check_number("eps", eps, 0)
    input = as_tensor(input)
    axis = _last_axes(input, normalized_shape, weight=weight)
    wide = widened(input)
    eps = finfo(wide).eps if eps is None else eps
    out = wide / sqrt(mean(wide * wide, axis=axis, keepdims=True) + eps)
    return affine(narrowed(out, input), weight, None, as_tensor)


def group_norm(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return ``(x - mean) / sqrt(var + eps) * weight + bias``, with the mean and variance of each group of channels.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, ...)``.
    num_groups : int
        The number of groups of channels.
    weight, bias : ArrayLike, optional
        Of shape ``(channels,)``.
    eps : float
        Added to the variance for numerical stability.

    Returns
    -------
    Tensor
        Of the input's shape.

    Raises
    ------
    ValueError
        If the shapes do not match.

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
    check_number("eps", eps, 0)
    as_integer("num_groups", num_groups, 1)
    input = as_tensor(input)
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise ValueError(
            f"input must have shape (batch, channels, ...), channels divisible by num_groups={num_groups}; "
            f"it has {input.shape}"
        )
    check_per_channel(input, weight=weight, bias=bias)
    inside = prod(input.shape[1:]) // num_groups
    grouped = reshape(input, (input.shape[0], num_groups, inside))
    out = reshape(standardized(grouped, (2,), eps), input.shape)
    return affine(out, weight, bias, per_channel)


def affine(out: Tensor, weight: Any, bias: Any, fitted: Any) -> Tensor:
    """Multiply by the weight and add the bias, unless None; `fitted` makes them broadcast."""
    out = out if weight is None else out * fitted(weight, out)
    return out if bias is None else out + fitted(bias, out)


def per_channel(x: Any, input: Tensor) -> Tensor:
    """Return one number per channel in a shape that broadcasts with the input."""
    return reshape(as_tensor(x, input), (-1, *[1] * (input.ndim - 2)))


def check_per_channel(input: Tensor, **arrays: Any) -> None:
    """Raise ValueError for arrays that do not have one number for each channel."""
    for name, array in arrays.items():
        if array is not None and as_tensor(array, input).shape != input.shape[1:2]:
            raise ValueError(
                f"{name} must have shape {input.shape[1:2]}, one for each channel; it has {as_tensor(array).shape}"
            )


def _last_axes(input: Tensor, shape: Sequence[int], **arrays: Any) -> tuple[int, ...]:
    """Return the axes to normalize over, counted from the end; ValueError if they do not have the given shape."""
    shape = as_shape(shape, "normalized_shape")
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"input must have shape (..., {', '.join(map(str, shape))}); it has {input.shape}")
    for name, array in arrays.items():
        if array is not None and as_tensor(array, input).shape != shape:
            raise ValueError(f"{name} must have shape {shape}, not {as_tensor(array, input).shape}")
    return tuple(range(-len(shape), 0))
