"""Creation functions."""

from __future__ import annotations

from typing import Any

from ..core.device import Device, get_device
from ..core.dtypes import get_default_dtype, native
from ..core.tensor import Tensor, wrap


def tensor(data: Any, requires_grad: bool = False, *, dtype: Any = None, device: str | Device | None = None) -> Tensor:
    """Make a Tensor of a copy of the data."""
    return Tensor(data, requires_grad, dtype=dtype, device=device)


def asarray(
    obj: Any, /, *, dtype: Any = None, device: str | Device | None = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a Tensor."""
    return Tensor(obj, requires_grad, dtype=dtype, device=device)


def _made(name: str, args: Any, dtype: Any, device: str | Device | None, requires_grad: bool) -> Tensor:
    place = get_device() if device is None else Device(device)
    array = getattr(place.xp, name)(*args, dtype=native(place.xp, dtype or get_default_dtype()), device=place.native)
    result = wrap(array, place)
    return result.requires_grad_() if requires_grad else result


def zeros(shape: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a Tensor of zeros."""
    return _made("zeros", (shape,), dtype, device, requires_grad)


def ones(shape: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a Tensor of ones."""
    return _made("ones", (shape,), dtype, device, requires_grad)
