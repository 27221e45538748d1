"""Convolutional layers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any, ClassVar, Final

from ..checks import check_flags, check_integers, check_one_of
from ..core.device import Device
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.creation import empty
from . import init
from .functional.convolution import PerAxis, conv1d, conv2d, conv3d, conv_relu, padding_widths, per_axis
from .functional.padding import pad
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvBase"]

_MODES: Final = ("zeros", "reflect", "replicate", "circular")


class ConvBase(Module):
    """The base class of convolutional layers: settings, weight, bias and their initialization."""

    axes: ClassVar[int]
    convolution: ClassVar[Callable[..., Tensor]]  # the function of `functional` that `forward` calls
    padding: Any
    output_padding: tuple[int, ...] = ()

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis,
        padding: Any,
        dilation: PerAxis,
        groups: int,
        padding_mode: str,
    ) -> None:
        check_integers(0, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups={groups} must divide both {in_channels} and {out_channels} channels")
        check_one_of("padding_mode", padding_mode, _MODES)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = per_axis(kernel_size, self.axes, "kernel_size")
        self.stride = per_axis(stride, self.axes, "stride")
        self.padding = padding if isinstance(padding, str) else per_axis(padding, self.axes, "padding", 0)
        self.dilation = per_axis(dilation, self.axes, "dilation")
        self.groups, self.padding_mode = groups, padding_mode
        padding_widths(self.padding, self.kernel_size, self.stride, self.dilation)

    def _make_weights(self, shape: tuple[int, int], bias: bool, device: Any, dtype: DTypeLike) -> None:
        self.weight = Parameter(empty((*shape, *self.kernel_size), dtype=dtype, device=device))
        self.bias = Parameter(empty((self.out_channels,), dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / sqrt(max(1, prod(self.weight.shape[1:])))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Return the settings."""
        parts = [str(self.in_channels), str(self.out_channels)]
        parts += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        parts += [f"padding={self.padding}"] if self.padding != (0,) * self.axes else []
        parts += [f"dilation={self.dilation}"] if self.dilation != (1,) * self.axes else []
        parts += [f"output_padding={self.output_padding}"] if any(self.output_padding) else []
        parts += [f"groups={self.groups}"] if self.groups != 1 else []
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class _Conv(ConvBase):
    """The base class of the convolutional layers; a subclass sets the number of axes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis | str = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: str | Device | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        check_flags(bias=bias)
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, padding_mode)
        self._make_weights((out_channels, in_channels // groups), bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Return ``(batch, out_channels, ...)`` for ``(batch, in_channels, ...)``, or both without the batch."""
        input, padding = self._padded(input)
        settings = (self.stride, padding, self.dilation, self.groups)
        return self.convolution(input, self.weight, self.bias, *settings)

    def _forward_relu(self, input: Tensor) -> Tensor:
        input, padding = self._padded(input)
        settings = (self.stride, padding, self.dilation, self.groups)
        return conv_relu(self.axes, input, self.weight, self.bias, *settings)

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """Return the input padded, unless with zeros, and the zero padding that the convolution must add."""
        if self.padding_mode == "zeros":
            return input, self.padding
        around = padding_widths(self.padding, self.kernel_size, self.stride, self.dilation)
        return pad(input, [n for pair in reversed(around) for n in pair], self.padding_mode), 0


class Conv1d(_Conv):
    """1-D convolution: kernels that slide along the last axis of sequences, plus a bias.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        As in `Conv2d`, for one axis.

    Attributes
    ----------
    weight : Parameter
        The kernels, of shape ``(out_channels, in_channels / groups, kernel_size)``.
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
    >>> nn.Conv1d(2, 5, kernel_size=3, padding="same")(agrad.ones((1, 2, 10))).shape
    (1, 5, 10)
    """

    axes = 1
    convolution = staticmethod(conv1d)


class Conv2d(_Conv):
    """2-D convolution: kernels that slide over the last two axes of images, plus a bias.

    Parameters
    ----------
    in_channels, out_channels : int
        The numbers of channels of the input and of the output.
    kernel_size : int or tuple of int
        The height and width of a kernel: one integer for both, or one for each.
    stride : int or tuple of int
        The stride of the kernel.
    padding : int, tuple of int, "same" or "valid"
        Padding added to both sides of each axis; "same" keeps the size of the input, "valid" adds none.
    dilation : int or tuple of int
        The distance between neighbouring elements of the kernel.
    groups : int
        The number of groups of channels; each group is convolved with its own kernels.
    bias : bool
        Whether to add a learnable bias.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        Whether to pad with zeros, the reflection of the input, its edge values, or values from the opposite side.
    device : str or Device, optional
    dtype : DType, optional

    Attributes
    ----------
    weight : Parameter
        The kernels, of shape ``(out_channels, in_channels / groups, *kernel_size)``.
    bias : Parameter or None
        Of shape ``(out_channels,)``.

    Raises
    ------
    ValueError
        If a setting is out of range; on call, if the shapes do not match.

    Notes
    -----
    Both are initialized uniformly between ``-1 / sqrt(n)`` and ``1 / sqrt(n)``, with `n` the number of elements of a
    kernel, as in PyTorch.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Conv2d(1, 16, kernel_size=5)(agrad.ones((8, 1, 28, 28))).shape
    (8, 16, 24, 24)
    """

    axes = 2
    convolution = staticmethod(conv2d)


class Conv3d(_Conv):
    """3-D convolution: kernels that slide over the last three axes of volumes or videos, plus a bias.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        As in `Conv2d`, for three axes.

    Attributes
    ----------
    weight : Parameter
        The kernels, of shape ``(out_channels, in_channels / groups, *kernel_size)``.
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
    >>> nn.Conv3d(1, 4, kernel_size=(1, 3, 3))(agrad.ones((2, 1, 5, 8, 8))).shape
    (2, 4, 5, 6, 6)
    """

    axes = 3
    convolution = staticmethod(conv3d)
