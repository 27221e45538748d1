"""Transposed convolutional layers."""

from __future__ import annotations

from ..checks import check_flags
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from .conv import ConvBase
from .functional import transposed_convolution as F
from .functional.convolution import PerAxis, per_axis

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTranspose(ConvBase):
    """The base class of the transposed convolutional layers; a subclass sets the number of axes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis = 0,
        output_padding: PerAxis = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: PerAxis = 1,
        padding_mode: str = "zeros",
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias)
        if padding_mode != "zeros" or isinstance(padding, str):
            raise ValueError(
                f"{type(self).__name__} takes integers for padding and padding_mode='zeros', "
                f"not padding={padding!r} and padding_mode={padding_mode!r}"
            )
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode)
        self.output_padding = per_axis(output_padding, self.axes, "output_padding", 0)
        self._make_weights((in_channels, out_channels // groups), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return ``(batch, out_channels, ...)`` for ``(batch, in_channels, ...)``, or both without the batch."""
        settings = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return self.convolution(input, self.weight, self.bias, *settings)


class ConvTranspose1d(_ConvTranspose):
    """1-D transposed convolution: the gradient of `Conv1d` with respect to its input.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode
        As in `ConvTranspose2d`, for one axis.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        Of shape ``(in_channels, out_channels / groups, *kernel_size)``.
    bias : Parameter or None
        Of shape ``(out_channels,)``.

    Raises
    ------
    ValueError
        As `Conv2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConvTranspose1d(16, 8, kernel_size=2, stride=2)(agrad.ones((1, 16, 7))).shape
    (1, 8, 14)
    """

    axes = 1
    convolution = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """2-D transposed convolution: the gradient of `Conv2d` with respect to its input; upsamples images.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride
        As in `Conv2d`; a stride above 1 makes the output larger than the input.
    padding : int or tuple of int
        The number of elements removed from both ends of each axis of the output.
    output_padding : int or tuple of int
        The number of elements added to the end of each axis of the output.
    groups, bias, dilation
        As in `Conv2d`.
    padding_mode : {"zeros"}
        The only mode.
    device, dtype
        As in `Conv2d`.

    Attributes
    ----------
    weight : Parameter
        Of shape ``(in_channels, out_channels / groups, *kernel_size)``.
    bias : Parameter or None
        Of shape ``(out_channels,)``.

    Raises
    ------
    ValueError
        As `Conv2d`.

    Notes
    -----
    Both are initialized uniformly between ``-1 / sqrt(n)`` and ``1 / sqrt(n)``, with `n` the number of elements of
    ``weight[0]``, as in PyTorch.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)(agrad.ones((1, 16, 7, 7))).shape
    (1, 8, 14, 14)
    """

    axes = 2
    convolution = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """3-D transposed convolution: the gradient of `Conv3d` with respect to its input.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode
        As in `ConvTranspose2d`, for three axes.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        Of shape ``(in_channels, out_channels / groups, *kernel_size)``.
    bias : Parameter or None
        Of shape ``(out_channels,)``.

    Raises
    ------
    ValueError
        As `Conv2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConvTranspose3d(4, 2, kernel_size=2, stride=2)(agrad.ones((1, 4, 3, 5, 5))).shape
    (1, 2, 6, 10, 10)
    """

    axes = 3
    convolution = staticmethod(F.conv_transpose3d)
