"""What all losses do at their ends: take their arguments, and reduce the losses of the elements."""

from __future__ import annotations

from typing import Final

from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.data_type import as_tensor
from ..ops.statistical import mean, sum

__all__ = ["REDUCTIONS", "as_tensor", "known_reduction", "reduced", "waits"]

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


def waits(device: Device) -> bool:
    """Whether reading a value would stop the program until the device has finished its queue: then nobody looks."""
    return device.backend.waits(device.native)
