"""Transposed convolutional layers: they make larger pictures of smaller ones."""

from __future__ import annotations

from ..checks import check_flags
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from . import functional as F
from .conv import ConvBase
from .functional.convolution import PerAxis, each

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTranspose(ConvBase):
    """What transposed convolutional layers for any number of axes are but for that number."""

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
        self.output_padding = each(output_padding, self.axes, "output_padding", 0)
        self._make_weights((in_channels, out_channels // groups), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return ``(batch, out_channels, ...)`` for ``(batch, in_channels, ...)``, or both without the batch."""
        settings = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return self.convolution(input, self.weight, self.bias, *settings)


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d`: makes longer sequences of shorter ones.

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
    """The transpose of `Conv2d`: makes larger pictures of smaller ones, each input element times its kernel, added up.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, bias, groups, dilation, device, dtype
        As in `Conv2d`.
    padding : int or tuple of int
        How much is taken away from the result on each side.
    output_padding : int or tuple of int
        How many rows and columns more the result has, behind.
    padding_mode : {"zeros"}

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
    Both begin uniform between ``-1 / sqrt(n)`` and ``1 / sqrt(n)``, with `n` the elements of ``weight[0]``, as
    PyTorch's do.

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
    """The transpose of `Conv3d`: makes larger volumes of smaller ones.

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
