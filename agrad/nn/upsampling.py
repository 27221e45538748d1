"""Upsample: resize sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from ..checks import check_tensors
from ..core.tensor import Tensor
from .functional import interpolation as F
from .functional.interpolation import check_resizing
from .module import Module

__all__ = ["Upsample"]


class Upsample(Module):
    """Resize the input by interpolation, with `functional.interpolate`.

    Parameters
    ----------
    size : int or tuple of int, optional
        The output size: one integer for all axes after the channels, or one for each.
    scale_factor : float or tuple of float, optional
        Instead of `size`: the factor by which the size of the input is multiplied.
    mode, align_corners, recompute_scale_factor
        As in `functional.interpolate`.

    Raises
    ------
    ValueError, TypeError
        If a setting is invalid; on call, if the mode does not support the input.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> nn.Upsample(scale_factor=2, mode="bilinear")(agrad.ones((1, 8, 7, 7))).shape
    (1, 8, 14, 14)
    """

    scale_factor: float | tuple[float, ...] | None

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        check_resizing(size, scale_factor, mode, align_corners, recompute_scale_factor)
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = _floats(scale_factor)
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the resized input, ``(batch, channels, ...)``."""
        check_tensors(input=input)
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        asked = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{asked}, mode={self.mode!r}"


def _floats(scale: Any) -> Any:
    if isinstance(scale, (tuple, list)):
        return tuple([float(factor) for factor in scale])
    return None if scale is None else float(scale)
