"""Conversions and reductions that losses and layers share."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.data_type import HALVES, as_tensor, astype
from ..ops.statistical import mean, sum

__all__ = [
    "REDUCTIONS", "as_loss", "as_tensor", "check_reduction", "float32_losses", "narrowed", "reduced", "waits_on_read",
    "widened",
]  # fmt: skip

REDUCTIONS: Final = ("mean", "sum", "none")
# Whether losses of 16-bit inputs stay float32: `autocast` sets it.
float32_losses: ContextVar[bool] = ContextVar("agrad float32 losses", default=False)


def check_reduction(reduction: str) -> str:
    """Return `reduction`; ValueError if it is unknown."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")
    return reduction


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of losses, or the losses unchanged for ``"none"``."""
    if check_reduction(reduction) == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def widened(x: Tensor) -> Tensor:
    """Return a 16-bit Tensor as float32, others unchanged: in 16 bits, sums of squares overflow."""
    return astype(x, "float32") if x.dtype.name in HALVES else x


def narrowed(out: Tensor, x: Tensor) -> Tensor:
    """Return `out`, which was computed from ``widened(x)``, in the dtype of `x`."""
    return astype(out, x.dtype) if x.dtype.name in HALVES else out


def as_loss(out: Tensor, x: Tensor) -> Tensor:
    """Return a loss, computed from ``widened(x)``, in the dtype of `x`; under `autocast` in float32."""
    return out if float32_losses.get() else narrowed(out, x)


def waits_on_read(device: Device) -> bool:
    """Return whether reading a value waits until the device has finished its queue; values are not checked there."""
    return device.backend.waits_on_read(device.native)
