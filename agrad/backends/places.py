"""Where an array is, for what is created beside it."""

from __future__ import annotations

from typing import Any

from .typing import Array

__all__ = ["device_of"]


def device_of(array: Array) -> Any:
    """Return what a creation function takes as `device` to create an array beside a raw one, or beside a Tensor.

    That is ``array.device``, or None for a library that does not know of devices, as MLX. Ops and gradient rules call
    it, and `array_api_compat.device`, which knows more libraries, takes several times as long.
    """
    return getattr(array, "device", None)
