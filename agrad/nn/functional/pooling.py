"""Pooling: the maximum or the mean of each window of the input."""

from __future__ import annotations

from math import prod
from typing import Any

from ... import backends
from ...backends import sliding_windows as generic
from ...backends.sliding_windows import Lengths, Windows
from ...checks import as_integer, check_flags
from ...core.primitive import ArrayLike, primitive
from ...core.tensor import Tensor
from ...core.typing import Namespace
from ...ops.creation import asarray, ones
from ...ops.gathering import op_for
from ...ops.manipulation import expand_dims, squeeze, stack
from ...ops.statistical import mean
from ..reductions import narrowed, widened
from .convolution import PerAxis, check_kernel_fits, per_axis, with_batch

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_means",
    "add_to_windows",
    "avg_pool1d",
    "avg_pool2d",
    "check_divisor",
    "gather_from_windows",
    "max_pool1d",
    "max_pool2d",
    "output_sizes",
    "pool_settings",
    "scatter_to_windows",
    "window_max",
    "window_sum",
]  # fmt: skip


def max_pool1d(
    input: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the maximum of each window along the last axis; the gradient goes to the first maximum.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, length)``, or without the batch.
    kernel_size, stride, padding, dilation, ceil_mode
        As in `max_pool2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, out length)``, or without the batch.

    Raises
    ------
    ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.max_pool1d(agrad.asarray([[1.0, 2.0, 4.0, 3.0]]), 2).tolist()
    [[2.0, 4.0]]
    """
    check_flags(ceil_mode=ceil_mode)
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    dilation: PerAxis = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the maximum of each window of images; the gradient goes to the first maximum.

    Parameters
    ----------
    input : ArrayLike
        Real, of shape ``(batch, channels, height, width)``, or without the batch.
    kernel_size : int or tuple of int
        The height and width of a window: one integer for both, or one for each.
    stride : int or tuple of int, optional
        The stride of the window; `kernel_size` by default.
    padding : int or tuple of int
        Padding added to both sides of each axis, which is never a maximum; at most half of `kernel_size`.
    dilation : int or tuple of int
        The distance between neighbouring elements of a window.
    ceil_mode : bool
        Whether to include a last window that ends beyond the padded input, if it starts before the padding at the end.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, out height, out width)``, or without the batch; NaN for a window with a NaN.

    Raises
    ------
    ValueError
        If the shapes do not match, if the padded input is smaller than a window, or if the padding is too large.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> image = agrad.asarray([[[1.0, 2.0, 5.0, 6.0], [4.0, 3.0, 8.0, 7.0]]])
    >>> F.max_pool2d(image, 2).tolist()
    [[[4.0, 8.0]]]
    """
    check_flags(ceil_mode=ceil_mode)
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    input: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of each window along the last axis.

    Parameters
    ----------
    input : ArrayLike
        Of shape ``(batch, channels, length)``, or without the batch.
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As in `avg_pool2d`.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, out length)``, or without the batch.

    Raises
    ------
    ValueError
        As `avg_pool2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.avg_pool1d(agrad.asarray([[1.0, 2.0, 4.0, 3.0]]), 2).tolist()
    [[1.5, 3.5]]
    """
    check_flags(ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: ArrayLike,
    kernel_size: PerAxis,
    stride: PerAxis | None = None,
    padding: PerAxis = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window of images.

    Parameters
    ----------
    input : ArrayLike
        Floating, of shape ``(batch, channels, height, width)``, or without the batch.
    kernel_size, stride
        As in `max_pool2d`.
    padding : int or tuple of int
        Zero padding added to both sides of each axis; at most half of `kernel_size`.
    ceil_mode : bool
        As in `max_pool2d`.
    count_include_pad : bool
        Whether the zero padding is included in the mean.
    divisor_override : int, optional
        The divisor of the sum, instead of the number of elements in the window.

    Returns
    -------
    Tensor
        Of shape ``(batch, channels, out height, out width)``, or without the batch.

    Raises
    ------
    ValueError
        As `max_pool2d`, and if `divisor_override` is 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.avg_pool2d(agrad.asarray([[[1.0, 2.0], [3.0, 6.0]]]), 2).tolist()
    [[[3.0]]]
    """
    check_flags(ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool2d(input: ArrayLike, output_size: int | tuple[int | None, int | None]) -> Tensor:
    """Return the means of windows that give an output of the requested size.

    Parameters
    ----------
    input : ArrayLike
        Floating, of shape ``(batch, channels, height, width)``, or without the batch.
    output_size : int or tuple of int or None
        The height and width of the output: one integer for both, or one for each; None keeps that of the input.

    Returns
    -------
    Tensor
        Window `i` of `m` along an axis of length `n` spans ``floor(i * n / m)`` to ``ceil((i + 1) * n / m)``.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad.nn import functional as F
    >>> F.adaptive_avg_pool2d(agrad.ones((1, 8, 5, 7)), 1).shape
    (1, 8, 1, 1)
    """
    input, batched = with_batch(input, 2)
    out = input
    for axis, (n, count) in enumerate(zip(input.shape[2:], output_sizes(output_size), strict=True), start=2):
        count = n if count is None else count
        out = adaptive_means(out, axis, count)
    return out if batched else squeeze(out, axis=0)


def output_sizes(asked: Any) -> tuple[int | None, ...]:
    """Return the output size along two axes; ValueError if it is not one or two sizes, each 1 or more."""
    sizes = tuple(asked) if isinstance(asked, (tuple, list)) else (asked, asked)
    if len(sizes) != 2:
        raise ValueError(f"output_size must be one size or two, (height, width), not {asked!r}")
    return tuple([None if size is None else as_integer("output_size", size, 1) for size in sizes])


def adaptive_means(x: Tensor, axis: int, count: int) -> Tensor:
    """Return the means of `count` windows that cover an axis evenly, as in `adaptive_avg_pool2d`."""
    length = x.shape[axis]
    if count == length:
        return x
    if count == 1:
        return mean(x, axis=axis, keepdims=True)
    before = (slice(None),) * axis
    windows = [slice(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]
    return stack([mean(x[(*before, window)], axis=axis) for window in windows], axis=axis)


# The ops


@primitive
def window_max(xp: Namespace, input: ArrayLike, *, windows: Windows) -> tuple[Tensor, Tensor]:
    """Return the maximum of each window, and its position in the window, numbered in row-major order."""
    return backends.of(input).window_max(input, windows)


@primitive
def gather_from_windows(xp: Namespace, input: ArrayLike, indices: ArrayLike, *, windows: Windows) -> Tensor:
    """Return from each window the element at the given position."""
    return backends.of(input).gather_from_windows(input, indices, windows)


@primitive
def scatter_to_windows(
    xp: Namespace, values: ArrayLike, indices: ArrayLike, *, lengths: Lengths, windows: Windows
) -> Tensor:
    """Scatter each value to the given position of its window, and add: the transpose of `gather_from_windows`."""
    return backends.of(values).add_to_windows(values, indices, lengths, windows)


@primitive
def window_sum(xp: Namespace, input: ArrayLike, *, windows: Windows) -> Tensor:
    """Return the sum of each window."""
    return backends.of(input).window_sum(input, windows)


@primitive
def add_to_windows(xp: Namespace, values: ArrayLike, *, lengths: Lengths, windows: Windows) -> Tensor:
    """Add each value to all elements of its window: the transpose of `window_sum`."""
    return backends.of(values).add_to_windows(values, None, lengths, windows)


def _lengths(shape: Any, windows: Windows) -> Lengths:
    return generic.split(shape, windows)[1]


window_max.vjp(
    input=lambda g, xp, out, input_shape, windows: op_for(scatter_to_windows, xp)(
        g[0], out[1], lengths=_lengths(input_shape, windows), windows=windows
    )
)
gather_from_windows.vjp(
    input=lambda g, xp, indices, input_shape, windows: op_for(scatter_to_windows, xp)(
        g, indices, lengths=_lengths(input_shape, windows), windows=windows
    )
)
scatter_to_windows.vjp(
    values=lambda g, xp, indices, windows: op_for(gather_from_windows, xp)(g, indices, windows=windows)
)
window_sum.vjp(
    input=lambda g, xp, input_shape, windows: op_for(add_to_windows, xp)(
        g, lengths=_lengths(input_shape, windows), windows=windows
    )
)
add_to_windows.vjp(values=lambda g, xp, windows: op_for(window_sum, xp)(g, windows=windows))


# Arguments


def _max_pool(axes: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Tensor:
    input, batched = with_batch(input, axes)
    windows = _windows(axes, input, kernel, stride, padding, dilation, ceil)
    out, _ = window_max(input, windows=windows)
    return out if batched else squeeze(out, axis=0)


def _avg_pool(
    axes: int, input: Any, kernel: Any, stride: Any, padding: Any, ceil: bool, include_pad: bool, divisor: int | None
) -> Tensor:
    input, batched = with_batch(input, axes)
    if not input.dtype.differentiable:
        raise TypeError(f"average pooling needs a floating input, not {input.dtype!r}; write x.astype(agrad.float32)")
    check_divisor(divisor)
    windows = _windows(axes, input, kernel, stride, padding, 1, ceil)
    given, input = input, widened(input)
    out = window_sum(input, windows=windows)
    if divisor is None and (include_pad or not windows.pads) and not ceil:
        divisor = prod(windows.kernel)
    out = narrowed(out / (divisor or _sizes(input, windows, per_axis(padding, axes, "padding", 0), include_pad)), given)
    return out if batched else squeeze(out, axis=0)


def _windows(axes: int, input: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Windows:
    kernel, stride, padding, dilation = pool_settings(axes, kernel, stride, padding, dilation)
    windows = Windows(kernel, stride, tuple((n, n) for n in padding), dilation)
    windows = _with_last(windows, input.shape[2:]) if ceil else windows
    check_kernel_fits(windows, input.shape[2:])
    return windows


def check_divisor(divisor: Any) -> None:
    """Raise TypeError if `divisor` is neither an integer nor None, ValueError if it is 0."""
    if divisor is not None and as_integer("divisor_override", divisor) == 0:
        raise ValueError("divisor_override must not be 0")


def pool_settings(axes: int, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> tuple[Lengths, ...]:
    """Return the settings of a pool as one integer for each axis; ValueError if one is out of range."""
    kernel = per_axis(kernel, axes, "kernel_size")
    stride = kernel if stride is None else per_axis(stride, axes, "stride")
    padding, dilation = per_axis(padding, axes, "padding", 0), per_axis(dilation, axes, "dilation")
    if any(2 * p > n for p, n in zip(padding, kernel, strict=True)):
        raise ValueError(f"padding={padding} must be at most half of kernel_size={kernel}")
    return kernel, stride, padding, dilation


def _with_last(windows: Windows, lengths: Lengths) -> Windows:
    """Extend the padding at the end for `ceil_mode`: to the end of a last window that starts before that padding."""
    around = []
    spans = zip(lengths, windows.padding, windows.extent, windows.stride, strict=True)
    for n, (before, _), extent, stride in spans:
        count = -(-(n + 2 * before - extent) // stride) + 1
        if (count - 1) * stride >= n + before:
            count -= 1
        around.append((before, max(before, (count - 1) * stride + extent - n - before)))
    return Windows(windows.kernel, windows.stride, tuple(around), windows.dilation)


def _sizes(input: Tensor, windows: Windows, padding: Lengths, include_pad: bool) -> Tensor:
    """Return the number of elements in each window: with padding if `include_pad`, but none beyond the padding."""
    sizes = ones((), dtype=input.dtype, device=input.device)
    spans = zip(input.shape[2:], padding, windows.kernel, windows.stride, windows.counts(input.shape[2:]), strict=True)
    for n, pad, kernel, stride, count in spans:
        start, stop = (-pad, n + pad) if include_pad else (0, n)
        begins = [i * stride - pad for i in range(count)]
        along = [min(begin + kernel, stop) - max(begin, start) for begin in begins]
        sizes = expand_dims(sizes, axis=-1) * asarray(along, dtype=input.dtype, device=input.device)
    return sizes
