"""Transposed convolution: each input element is multiplied by a kernel, and overlapping products are added up."""

from __future__ import annotations

from typing import Any

from ...backends.sliding_windows import Windows
from ...core.primitive import ArrayLike
from ...core.tensor import Tensor
from ...ops.manipulation import pad, reshape, squeeze
from ..reductions import as_tensor
from .convolution import PerAxis, check_weight, checked_bias, convolve_input, per_axis, promoted, with_batch

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Tensor:
    """Return the transposed convolution of sequences with kernels, plus a bias; see `conv_transpose2d`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, length)``, or without the batch.
    weight : ArrayLike
        Of shape ``(in_channels, out_channels / groups, kernel)``.
    bias, stride, padding, output_padding, groups, dilation
        As in `conv_transpose2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out length)``, or without the batch; see `conv_transpose2d` for the length.

    Raises
    ------
    ValueError
        As `conv_transpose2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.conv_transpose1d(agrad.asarray([[1.0, 2.0]]), agrad.asarray([[[1.0, 10.0]]]), stride=2).tolist()
    [[1.0, 10.0, 2.0, 20.0]]
    """
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Tensor:
    """Return the transposed convolution of images with kernels, plus a bias.

    It is the gradient of `conv2d` with respect to its input: each input element is multiplied by the kernel, and the
    products are added up where they overlap. With a stride above 1, it upsamples.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, height, width)``, or without the batch. Integers and booleans are cast to the
        dtype of the weight.
    weight : ArrayLike
        Of shape ``(in_channels, out_channels / groups, kernel height, kernel width)``.
    bias : ArrayLike, optional
        Of shape ``(out_channels,)``.
    stride : int or tuple of int
        The stride of the kernel in the output: one integer for both axes, or one for each.
    padding : int or tuple of int
        The number of elements removed from both ends of each axis of the output.
    output_padding : int or tuple of int
        The number of elements added to the end of each axis of the output: with a stride, `conv2d` maps inputs of
        several sizes to one output size, and this selects one of them.
    groups, dilation
        As in `conv2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out height, out width)``, or without the batch; along an axis of length `n`,
        ``(n - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1``.

    Raises
    ------
    ValueError
        If the shapes do not match, or if `output_padding` is not smaller than the stride or the dilation.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.conv_transpose2d(agrad.asarray([[[1.0, 2.0]]]), agrad.ones((1, 1, 1, 2))).tolist()
    [[[1.0, 3.0, 2.0]]]
    """
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> Tensor:
    """Return the transposed convolution of volumes with kernels, plus a bias; see `conv_transpose2d`.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, depth, height, width)``, or without the batch.
    weight : ArrayLike
        Of shape ``(in_channels, out_channels / groups, kernel depth, kernel height, kernel width)``.
    bias, stride, padding, output_padding, groups, dilation
        As in `conv_transpose2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out depth, out height, out width)``, or without the batch.

    Raises
    ------
    ValueError
        As `conv_transpose2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.conv_transpose3d(agrad.ones((4, 2, 3, 5)), agrad.ones((4, 6, 2, 2, 2)), stride=2).shape
    (6, 4, 6, 10)
    """
    return _transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _transposed(
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    input, batched = with_batch(input, axes)
    weight = as_tensor(weight, input)
    (groups,) = per_axis(groups, 1, "groups")
    check_weight(axes, weight, "(in_channels, out_channels / groups, ...)")
    if weight.shape[0] % groups or input.shape[1] != weight.shape[0]:
        raise ValueError(
            f"weight of shape {weight.shape} takes {weight.shape[0]} input channels, a multiple of groups={groups}; "
            f"the input has {input.shape[1]}"
        )
    bias = checked_bias(bias, weight.shape[1] * groups, input)
    stride, dilation = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    less, more = per_axis(padding, axes, "padding", 0), per_axis(output_padding, axes, "output_padding", 0)
    if any(n >= max(s, d) for n, s, d in zip(more, stride, dilation, strict=True)):
        raise ValueError(f"output_padding={more} must be smaller than stride={stride} or dilation={dilation}")
    cut_off = tuple((n, max(0, n - m)) for n, m in zip(less, more, strict=True))
    windows = Windows(weight.shape[2:], stride, cut_off, dilation)
    spans = zip(input.shape[2:], stride, windows.extent, cut_off, strict=True)
    lengths = tuple((n - 1) * s + extent - before - behind for n, s, extent, (before, behind) in spans)
    if min(lengths) < 1:
        raise ValueError(f"padding={less} removes the whole output: its size would be {lengths}")
    input, weight, bias = promoted(input, weight, bias)
    out = convolve_input(input, weight, lengths=lengths, windows=windows, groups=groups)
    empty = [(0, max(0, m - n)) for n, m in zip(less, more, strict=True)]  # beyond the last window
    out = pad(out, [(0, 0), (0, 0), *empty]) if any(map(any, empty)) else out
    out = out if bias is None else out + reshape(bias, (-1, *[1] * axes))
    return out if batched else squeeze(out, axis=0)
