"""What all losses do at their ends: take their arguments, and reduce the losses of the elements."""

from __future__ import annotations

from typing import Any, Final

from ..backends import is_host
from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.creation import asarray
from ..ops.statistical import mean, sum

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


def as_tensor(x: Any, beside: Tensor | None = None) -> Tensor:
    """Return `x` as a Tensor; beside another, numbers, lists and NumPy arrays go to the other's device."""
    if isinstance(x, Tensor):
        return x
    return asarray(x, device=beside.device if beside is not None and is_host(x) else None)


def waits(device: Device) -> bool:
    """Whether reading a value would stop the program until the device has finished its queue: then nobody looks."""
    return device.backend.waits(device.native)
