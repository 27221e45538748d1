"""What losses and layers do at their ends: take their arguments, and reduce many numbers to few."""

from __future__ import annotations

from typing import Final

from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.data_type import HALVES, as_tensor, astype
from ..ops.statistical import mean, sum

__all__ = ["REDUCTIONS", "as_tensor", "known_reduction", "narrowed", "reduced", "waits", "widened"]

REDUCTIONS: Final = ("mean", "sum", "none")


def known_reduction(reduction: str) -> str:
    """Return `reduction` if it is one; ValueError otherwise."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")
    return reduction


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of losses, or themselves."""
    if known_reduction(reduction) == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def widened(x: Tensor) -> Tensor:
    """Return numbers of 16 bits as float32, others as they are: in 16 bits, sums of squares overflow."""
    return astype(x, "float32") if x.dtype.name in HALVES else x


def narrowed(out: Tensor, x: Tensor) -> Tensor:
    """Return in the dtype of `x` what was computed of it widened."""
    return astype(out, x.dtype) if x.dtype.name in HALVES else out


def waits(device: Device) -> bool:
    """Whether reading a value would stop the program until the device has finished its queue: then nobody looks."""
    return device.backend.waits(device.native)
