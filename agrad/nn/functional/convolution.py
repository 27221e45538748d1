"""Convolution: each output element is a weighted sum over a window of the input.

The three ops are each other's transposes. With `x` the input, `w` the weight and `g` the cotangent of the output, the
sum of products ``x * w * g`` is linear in all three, and each op is its derivative with respect to one of them. So the
gradient rules of each op are the other two, to every order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from ... import backends
from ...backends.sliding_windows import Lengths, Windows
from ...checks import as_integer
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Array, Namespace
from ...ops.data_type import astype, result_type
from ...ops.gathering import op_for
from ...ops.manipulation import expand_dims, squeeze
from ..reductions import as_tensor
from .bias_relu import bias_relu
from .promotion import warn_of_float64

__all__ = [
    "check_kernel_fits",
    "check_weight",
    "checked_bias",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_relu",
    "convolve",
    "convolve_input",
    "convolve_weight",
    "padding_widths",
    "per_axis",
    "promoted",
    "with_batch",
]  # fmt: skip

PerAxis: TypeAlias = int | tuple[int, ...]


def conv1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | Literal["same", "valid"] = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve sequences with kernels that slide along the last axis, and add a bias.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, length)``, or without the batch.
    weight : ArrayLike
        Of shape ``(out_channels, in_channels / groups, kernel)``.
    bias, stride, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out length)``, or without the batch; see `conv2d` for the length.

    Raises
    ------
    ValueError
        As `conv2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.conv1d(agrad.asarray([[1.0, 2.0, 4.0, 8.0]]), agrad.asarray([[[-1.0, 1.0]]])).tolist()
    [[1.0, 2.0, 4.0]]
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | Literal["same", "valid"] = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images with kernels that slide over the last two axes, and add a bias.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, height, width)``, or without the batch. Integers and booleans are cast to the
        dtype of the weight.
    weight : ArrayLike
        Of shape ``(out_channels, in_channels / groups, kernel height, kernel width)``.
    bias : ArrayLike, optional
        Of shape ``(out_channels,)``.
    stride : int or tuple of int
        The stride of the kernel: one integer for both axes, or one for each.
    padding : int, tuple of int, "same" or "valid"
        Zero padding added to both sides of each axis; "same" keeps the size of the input, "valid" adds none.
    dilation : int or tuple of int
        The distance between neighbouring elements of the kernel.
    groups : int
        The number of groups of channels; each group is convolved with its own kernels.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out height, out width)``, or without the batch; along an axis of length `n`,
        ``(n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1``.

    Raises
    ------
    ValueError
        If the shapes do not match, if the kernel is larger than the padded input, or if ``padding="same"`` is given
        with a stride other than 1.

    Notes
    -----
    As is usual in deep learning, the kernel is not flipped: in signal processing, this is a cross-correlation.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> image = agrad.reshape(agrad.arange(9.0), (1, 3, 3))
    >>> F.conv2d(image, agrad.ones((1, 1, 2, 2))).tolist()
    [[[8.0, 12.0], [20.0, 24.0]]]
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | Literal["same", "valid"] = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes with kernels that slide over the last three axes, and add a bias.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, in_channels, depth, height, width)``, or without the batch.
    weight : ArrayLike
        Of shape ``(out_channels, in_channels / groups, kernel depth, kernel height, kernel width)``.
    bias, stride, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, out depth, out height, out width)``, or without the batch; see `conv2d` for the
        sizes.

    Raises
    ------
    ValueError
        As `conv2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.conv3d(agrad.ones((1, 2, 2, 3)), agrad.ones((1, 1, 2, 2, 2))).tolist()
    [[[[8.0, 8.0]]]]
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def conv_relu(
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    stride: PerAxis,
    padding: PerAxis | Literal["same", "valid"],
    dilation: PerAxis,
    groups: int,
) -> Tensor:
    """Return the ReLU of a convolution over the last `axes`, with the bias and the ReLU in one op; see `conv2d`."""
    return _conv(axes, input, weight, bias, stride, padding, dilation, groups, relu=True)


# The ops


@primitive
def convolve(
    xp: Namespace,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    windows: Windows,
    groups: int,
    by_channel: bool = False,
) -> Tensor:
    """Return the convolution of an input with a weight, plus a bias.

    Parameters
    ----------
    input, weight, bias : ArrayLike
        Of shapes ``(batch, in_channels, ...)``, ``(out_channels, in_channels / groups, ...)`` and ``(out_channels,)``.
    windows : Windows
        The size, stride, padding and dilation of the kernel.
    groups : int
        The number of groups of channels.
    by_channel : bool
        Without a bias, whether the result may lie in memory channel by channel, which may save a copy.

    Returns
    -------
    Tensor
        Of shape ``(batch, out_channels, ...)``.
    """
    if by_channel:
        return backends.of(input).convolve_by_channel(input, weight, windows, groups)
    if bias is None:
        return backends.of(input).convolve(input, weight, windows, groups)
    return backends.of(input).convolve_with_bias(input, weight, bias, windows, groups)


@primitive
def convolve_input(
    xp: Namespace, grad: ArrayLike, weight: ArrayLike, *, lengths: Lengths, windows: Windows, groups: int
) -> Tensor:
    """Return the gradient of `convolve` with respect to its input, of size `lengths`: its transpose."""
    return backends.of(grad).convolve_input(grad, weight, lengths, windows, groups)


@primitive
def convolve_weight(xp: Namespace, grad: ArrayLike, input: ArrayLike, *, windows: Windows, groups: int) -> Tensor:
    """Return the gradient of `convolve` with respect to its weight: its transpose."""
    return backends.of(grad).convolve_weight(grad, input, windows, groups)


def _input(xp: Namespace, grad: Any, weight: Array, shape: Any, windows: Windows, groups: int) -> Array:
    return op_for(convolve_input, xp)(grad, weight, lengths=tuple(shape[2:]), windows=windows, groups=groups)


def _weight(xp: Namespace, grad: Any, input: Array, windows: Windows, groups: int) -> Array:
    return op_for(convolve_weight, xp)(grad, input, windows=windows, groups=groups)


def _output(xp: Namespace, input: Array, weight: Array, windows: Windows, groups: int) -> Array:
    return op_for(convolve, xp)(input, weight, windows=windows, groups=groups)


convolve.vjp(
    input=lambda g, xp, weight, input_shape, windows, groups: _input(xp, g, weight, input_shape, windows, groups),
    weight=lambda g, xp, input, windows, groups: _weight(xp, g, input, windows, groups),
    bias=lambda g, xp: xp.sum(g, axis=(0, *range(2, len(g.shape)))),
)
convolve_input.vjp(  # g takes the place of the input
    grad=lambda g, xp, weight, windows, groups: _output(xp, g, weight, windows, groups),
    weight=lambda g, xp, grad, windows, groups: _weight(xp, grad, g, windows, groups),
)
convolve_weight.vjp(  # g takes the place of the weight
    grad=lambda g, xp, input, windows, groups: _output(xp, input, g, windows, groups),
    input=lambda g, xp, grad, input_shape, windows, groups: _input(xp, grad, g, input_shape, windows, groups),
)


# Arguments


def per_axis(value: Any, axes: int, name: str, least: int = 1) -> Lengths:
    """Return a setting as one integer for each axis; ValueError if that fails, or one is below `least`."""
    try:
        values: Lengths = tuple([as_integer(name, n) for n in (value if isinstance(value, Iterable) else [value])])
    except TypeError:
        values = ()
    if len(values) == 1:
        values *= axes
    if len(values) != axes or min(values) < least:
        count = "one integer" if axes == 1 else f"one integer or {axes}"
        raise ValueError(f"{name} must be {count}, each {least} or more, not {value!r}")
    return values


def with_batch(input: Any, axes: int) -> tuple[Tensor, bool]:
    """Return the input with a batch axis, and whether it had one; ValueError for another number of axes."""
    input = as_tensor(input)
    if input.ndim not in (axes + 1, axes + 2):
        names = ["batch", "channels", *(["length"] if axes == 1 else ["depth", "height", "width"][-axes:])]
        raise ValueError(f"input must have shape ({', '.join(names)}), or no batch; it has {input.shape}")
    batched = input.ndim == axes + 2
    return (input if batched else expand_dims(input, axis=0)), batched


def check_kernel_fits(windows: Windows, lengths: Lengths) -> None:
    """Raise ValueError if the padded input is smaller than one window."""
    if min(windows.counts(lengths)) < 1:
        raise ValueError(
            f"a window of size {windows.extent} is larger than the input of size {lengths}, "
            f"{windows.padded(lengths)} with padding; pad more, or use a smaller kernel"
        )


def _conv(
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    relu: bool = False,
) -> Tensor:
    input, batched = with_batch(input, axes)
    weight = as_tensor(weight, input)
    (groups,) = per_axis(groups, 1, "groups")
    check_weight(axes, weight, "(out_channels, in_channels / groups, ...)")
    if weight.shape[0] % groups or input.shape[1] != weight.shape[1] * groups:
        raise ValueError(
            f"weight of shape {weight.shape} with groups={groups} takes {weight.shape[1] * groups} input channels, and "
            f"groups must divide its {weight.shape[0]} output channels; the input has {input.shape[1]} channels"
        )
    bias = checked_bias(bias, weight.shape[0], input)
    stride, dilation = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    around = padding_widths(padding, weight.shape[2:], stride, dilation)
    windows = Windows(weight.shape[2:], stride, around, dilation)
    check_kernel_fits(windows, input.shape[2:])
    input, weight, bias = promoted(input, weight, bias)
    if relu:
        out = bias_relu([convolve(input, weight, windows=windows, groups=groups, by_channel=True), bias], axis=1)
    else:
        out = convolve(input, weight, bias, windows=windows, groups=groups)
    return out if batched else squeeze(out, axis=0)


def check_weight(axes: int, weight: Tensor, expected: str) -> None:
    """Raise ValueError for a weight with a wrong number of axes, or with an empty kernel."""
    if weight.ndim != axes + 2:
        raise ValueError(f"weight must have shape {expected} with {axes + 2} axes; it has {weight.shape}")
    if min(weight.shape[2:]) < 1:
        raise ValueError(f"a kernel needs at least one element along each axis; weight has shape {weight.shape}")


def checked_bias(bias: Any, channels: int, beside: Tensor) -> Any:
    """Return a bias as a Tensor, or None; ValueError if it does not have one number for each channel."""
    if bias is None:
        return None
    bias = as_tensor(bias, beside)
    if bias.shape != (channels,):
        raise ValueError(f"bias must have shape ({channels},), one for each output channel; it has {bias.shape}")
    return bias


def promoted(*arrays: Any) -> Any:
    """Return the arrays, or None, cast to one dtype, which some libraries need: integers to the floating one."""
    given = [x for x in arrays if x is not None]
    if all(x.dtype is given[0].dtype for x in given):
        return arrays
    warn_of_float64(given[0].dtype, given[1].dtype)
    dtype = result_type(*([x for x in given if x.dtype.differentiable] or given))
    return tuple(None if x is None else astype(x, dtype, copy=False) for x in arrays)


def padding_widths(padding: Any, kernel: Lengths, stride: Lengths, dilation: Lengths) -> tuple[tuple[int, int], ...]:
    """Return the padding before and after each axis."""
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        if padding != "same":
            raise ValueError(f"padding must be an integer for each axis, 'same' or 'valid', not {padding!r}")
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' needs a stride of 1, not stride={stride}; write the padding as integers")
        totals = [d * (n - 1) for n, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((n, n) for n in per_axis(padding, len(kernel), "padding", 0))
