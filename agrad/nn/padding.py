"""Padding layers for sequences, images and volumes."""

from __future__ import annotations

from typing import Any, ClassVar

from ..checks import as_integer, check_number, check_tensors
from ..core.tensor import Tensor
from .functional import padding as F
from .module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """The base class of padding layers; a subclass sets the number of axes and the mode of `functional.pad`."""

    axes: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = _widths(padding, self.axes)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, padded along its last axes."""
        check_tensors(input=input)
        if input.ndim not in self._ranks(input):
            raise ValueError(
                f"{type(self).__name__} takes an input of shape (batch, channels{', n' * self.axes}), or without the "
                f"batch; it has {input.shape}"
            )
        return F.pad(input, self.padding, self.mode, self.value)

    def _ranks(self, input: Tensor) -> tuple[int, ...]:
        """Return the numbers of axes that an input may have."""
        return (self.axes + 1, self.axes + 2)

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"


def _widths(padding: Any, axes: int) -> tuple[int, ...]:
    """Return the padding before and after each axis, the last axis first."""
    if not isinstance(padding, (tuple, list)):
        return (as_integer("padding", padding),) * (2 * axes)
    if len(padding) != 2 * axes:
        raise ValueError(
            f"padding must be one integer or {2 * axes}, (before, after) for each axis from the last; not {padding!r}"
        )
    return tuple([as_integer("padding", n) for n in padding])


class _ConstantPad(_Pad):
    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = check_number("value", value, infinite=True)

    def _ranks(self, input: Tensor) -> tuple[int, ...]:
        return (max(self.axes, input.ndim),)

    def extra_repr(self) -> str:
        """Return the padding and its value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Pad sequences with their reflection, which does not repeat the edge values.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ReflectionPad2d`, for one axis: ``(left, right)``.

    Raises
    ------
    ValueError, TypeError
        As `ReflectionPad2d`, for inputs ``(batch, channels, length)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReflectionPad1d((2, 0))(agrad.asarray([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0, 2.0, 3.0]]]
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad images with their reflection, which does not repeat the edge values.

    Parameters
    ----------
    padding : int or tuple of int
        The padding: one integer for all sides, or ``(left, right, top, bottom)``. A negative one removes elements.

    Raises
    ------
    ValueError
        If the number of integers is wrong; on call, if the input is neither ``(batch, channels, height, width)``
        nor one without the batch, or not larger than the padding.
    TypeError
        If the padding is neither an integer nor a tuple of integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReflectionPad2d((1, 0, 2, 0))(agrad.ones((5, 3, 6, 4))).shape
    (5, 3, 8, 5)
    """

    axes = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pad volumes with their reflection, which does not repeat the edge values.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ReflectionPad2d`, for three axes: ``(left, right, top, bottom, front, back)``.

    Raises
    ------
    ValueError, TypeError
        As `ReflectionPad2d`, for inputs ``(batch, channels, depth, height, width)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReflectionPad3d(1)(agrad.ones((2, 3, 4, 5))).shape
    (2, 5, 6, 7)
    """

    axes = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pad sequences with their edge values.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ReplicationPad2d`, for one axis: ``(left, right)``.

    Raises
    ------
    ValueError, TypeError
        As `ReplicationPad2d`, for inputs ``(batch, channels, length)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReplicationPad1d((2, 0))(agrad.asarray([[[1.0, 2.0, 3.0]]])).tolist()
    [[[1.0, 1.0, 1.0, 2.0, 3.0]]]
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad images with their edge values.

    Parameters
    ----------
    padding : int or tuple of int
        The padding: one integer for all sides, or ``(left, right, top, bottom)``. A negative one removes elements.

    Raises
    ------
    ValueError
        If the number of integers is wrong; on call, if the input is neither ``(batch, channels, height, width)``
        nor one without the batch.
    TypeError
        If the padding is neither an integer nor a tuple of integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReplicationPad2d((1, 0, 2, 0))(agrad.ones((5, 3, 6, 4))).shape
    (5, 3, 8, 5)
    """

    axes = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pad volumes with their edge values.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ReplicationPad2d`, for three axes: ``(left, right, top, bottom, front, back)``.

    Raises
    ------
    ValueError, TypeError
        As `ReplicationPad2d`, for inputs ``(batch, channels, depth, height, width)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ReplicationPad3d(1)(agrad.ones((2, 3, 4, 5))).shape
    (2, 5, 6, 7)
    """

    axes = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Pad sequences with values from the opposite side.

    Parameters
    ----------
    padding : int or tuple of int
        As in `CircularPad2d`, for one axis: ``(left, right)``.

    Raises
    ------
    ValueError, TypeError
        As `CircularPad2d`, for inputs ``(batch, channels, length)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.CircularPad1d((2, 0))(agrad.asarray([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0, 1.0, 2.0, 3.0]]]
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """Pad images with values from the opposite side.

    Parameters
    ----------
    padding : int or tuple of int
        The padding: one integer for all sides, or ``(left, right, top, bottom)``. A negative one removes elements.

    Raises
    ------
    ValueError
        If the number of integers is wrong; on call, if the input is neither ``(batch, channels, height, width)``
        nor one without the batch, or smaller than the padding.
    TypeError
        If the padding is neither an integer nor a tuple of integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.CircularPad2d((1, 0, 2, 0))(agrad.ones((5, 3, 6, 4))).shape
    (5, 3, 8, 5)
    """

    axes = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Pad volumes with values from the opposite side.

    Parameters
    ----------
    padding : int or tuple of int
        As in `CircularPad2d`, for three axes: ``(left, right, top, bottom, front, back)``.

    Raises
    ------
    ValueError, TypeError
        As `CircularPad2d`, for inputs ``(batch, channels, depth, height, width)``.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.CircularPad3d(1)(agrad.ones((2, 3, 4, 5))).shape
    (2, 5, 6, 7)
    """

    axes = 3
    mode = "circular"


class ZeroPad1d(_ZeroPad):
    """Pad sequences with zeros.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ZeroPad2d`, for one axis: ``(left, right)``.

    Raises
    ------
    ValueError, TypeError
        As `ZeroPad2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ZeroPad1d((2, 0))(agrad.asarray([[[1.0, 2.0, 3.0]]])).tolist()
    [[[0.0, 0.0, 1.0, 2.0, 3.0]]]
    """

    axes = 1


class ZeroPad2d(_ZeroPad):
    """Pad images with zeros.

    Parameters
    ----------
    padding : int or tuple of int
        The padding: one integer for all sides, or ``(left, right, top, bottom)``. A negative one removes elements.

    Raises
    ------
    ValueError
        If the number of integers is wrong; on call, if the input has fewer than two axes.
    TypeError
        If the padding is neither an integer nor a tuple of integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ZeroPad2d((1, 0, 2, 0))(agrad.ones((5, 3, 6, 4))).shape
    (5, 3, 8, 5)
    """

    axes = 2


class ZeroPad3d(_ZeroPad):
    """Pad volumes with zeros.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ZeroPad2d`, for three axes: ``(left, right, top, bottom, front, back)``.

    Raises
    ------
    ValueError, TypeError
        As `ZeroPad2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ZeroPad3d(1)(agrad.ones((2, 3, 4, 5))).shape
    (2, 5, 6, 7)
    """

    axes = 3


class ConstantPad1d(_ConstantPad):
    """Pad sequences with a constant.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ConstantPad2d`, for one axis: ``(left, right)``.
    value : float
        The constant.

    Raises
    ------
    ValueError, TypeError
        As `ConstantPad2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConstantPad1d((2, 0), 7.0)(agrad.asarray([[[1.0, 2.0, 3.0]]])).tolist()
    [[[7.0, 7.0, 1.0, 2.0, 3.0]]]
    """

    axes = 1


class ConstantPad2d(_ConstantPad):
    """Pad images with a constant.

    Parameters
    ----------
    padding : int or tuple of int
        The padding: one integer for all sides, or ``(left, right, top, bottom)``. A negative one removes elements.
    value : float
        The constant.

    Raises
    ------
    ValueError
        If the number of integers is wrong; on call, if the input has fewer than two axes.
    TypeError
        If the padding is neither an integer nor a tuple of integers.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConstantPad2d((1, 0, 2, 0), 7.0)(agrad.ones((5, 3, 6, 4))).shape
    (5, 3, 8, 5)
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    """Pad volumes with a constant.

    Parameters
    ----------
    padding : int or tuple of int
        As in `ConstantPad2d`, for three axes: ``(left, right, top, bottom, front, back)``.
    value : float
        The constant.

    Raises
    ------
    ValueError, TypeError
        As `ConstantPad2d`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.ConstantPad3d(1, 7.0)(agrad.ones((2, 3, 4, 5))).shape
    (2, 5, 6, 7)
    """

    axes = 3
