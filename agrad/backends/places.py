"""The device of an array, for new arrays beside it."""

from __future__ import annotations

from typing import Any

from .typing import Array

__all__ = ["device_of"]


def device_of(array: Array) -> Any:
    """Return the argument `device` with which a creation function makes an array on the device of an array or Tensor.

    That is ``array.device``, or None for a library without devices, such as MLX. Ops and gradient rules call it;
    `array_api_compat.device`, which knows more libraries, takes several times as long.
    """
    return getattr(array, "device", None)
