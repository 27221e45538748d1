"""Pooling layers: the maximum or the mean of each window of the input."""

from __future__ import annotations

from ..checks import check_flags
from ..core.tensor import Tensor
from .functional import pooling as F
from .functional.convolution import PerAxis
from .functional.pooling import check_divisor, output_sizes, pool_settings
from .module import Module

__all__ = ["AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]


class _MaxPool(Module):
    axes: int

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        check_flags(ceil_mode=ceil_mode)
        pool_settings(self.axes, kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """1-D max pooling: the maximum of each window along the last axis.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As in `MaxPool2d`, for one axis.

    Raises
    ------
    ValueError
        As `MaxPool2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.MaxPool1d(2)(agrad.asarray([[1.0, 2.0, 4.0, 3.0]])).tolist()
    [[2.0, 4.0]]
    """

    axes = 1

    def forward(self, input: Tensor) -> Tensor:
        """Return the maxima; the input is ``(batch, channels, length)``, or without the batch."""
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class MaxPool2d(_MaxPool):
    """2-D max pooling: the maximum of each window of images; the gradient goes to the first maximum.

    Parameters
    ----------
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

    Raises
    ------
    ValueError
        If a setting is out of range; on call, if the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.MaxPool2d(2)(agrad.ones((8, 16, 24, 24))).shape
    (8, 16, 12, 12)
    """

    axes = 2

    def forward(self, input: Tensor) -> Tensor:
        """Return the maxima; the input is ``(batch, channels, height, width)``, or without the batch."""
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool1d(Module):
    """1-D average pooling: the mean of each window along the last axis.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As in `AvgPool2d`, for one axis.

    Raises
    ------
    ValueError
        As `AvgPool2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.AvgPool1d(2)(agrad.asarray([[1.0, 2.0, 4.0, 3.0]])).tolist()
    [[1.5, 3.5]]
    """

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        check_flags(ceil_mode=ceil_mode, count_include_pad=count_include_pad)
        self.kernel_size, self.stride, self.padding, _ = pool_settings(1, kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Return the means; the input is ``(batch, channels, length)``, or without the batch."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """2-D average pooling: the mean of each window of images.

    Parameters
    ----------
    kernel_size, stride
        As in `MaxPool2d`.
    padding : int or tuple of int
        Zero padding added to both sides of each axis; at most half of `kernel_size`.
    ceil_mode : bool
        As in `MaxPool2d`.
    count_include_pad : bool
        Whether the zero padding is included in the mean.
    divisor_override : int, optional
        The divisor of the sum, instead of the number of elements in the window.

    Raises
    ------
    ValueError
        If a setting is out of range; on call, if the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.AvgPool2d(2)(agrad.asarray([[[1.0, 2.0], [3.0, 6.0]]])).tolist()
    [[[3.0]]]
    """

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        check_flags(ceil_mode=ceil_mode, count_include_pad=count_include_pad)
        pool_settings(2, kernel_size, stride, padding)
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        check_divisor(divisor_override)
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Return the means; the input is ``(batch, channels, height, width)``, or without the batch."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """2-D adaptive average pooling: the means of windows that give an output of the requested size.

    Parameters
    ----------
    output_size : int or tuple of int or None
        The height and width of the output: one integer for both, or one for each; None keeps that of the input.

    Raises
    ------
    ValueError
        On call, if the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.AdaptiveAvgPool2d((1, None))(agrad.ones((1, 8, 5, 7))).shape
    (1, 8, 1, 7)
    """

    def __init__(self, output_size: int | tuple[int | None, int | None]) -> None:
        super().__init__()
        output_sizes(output_size)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the means; the input is ``(batch, channels, height, width)``, or without the batch."""
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"output_size={self.output_size}"
