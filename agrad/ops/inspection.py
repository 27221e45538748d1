"""The standard's inspection of a namespace: ``agrad.__array_namespace_info__()``."""

from __future__ import annotations

from typing import Any

from ..backends import devices
from ..core.device import Device, get_device
from ..core.dtypes import BY_NAME, DType, as_dtype, from_native
from .data_type import isdtype

__all__ = ["Info"]


class Info:
    """The devices, dtypes and defaults that agrad has on this machine.

    Examples
    --------
    >>> import agrad
    >>> agrad.__array_namespace_info__().default_device()
    agrad.Device('cpu')
    """

    def __init__(self) -> None:
        self._device = get_device()

    def capabilities(self) -> dict[str, Any]:
        """Return which optional features of the standard are supported."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}

    def default_device(self) -> Device:
        """Return the device that was current when this object was made, or that its namespace is bound to."""
        return self._device

    def devices(self) -> tuple[Device, ...]:
        """Return all devices that can be used."""
        return tuple(Device(name) for name, missing in devices().items() if not missing)

    def default_dtypes(self, *, device: str | Device | None = None) -> dict[str, DType]:
        """Return the default dtype of each kind."""
        native = self._native(device)
        own = {"real floating": as_dtype(float), "complex floating": as_dtype(complex)}
        return own | {kind: from_native(native["defaults"][kind]) for kind in ("integral", "indexing")}

    def dtypes(self, *, device: str | Device | None = None, kind: Any = None) -> dict[str, DType]:
        """Return the dtypes that a device supports, by name; all, or those of a kind as in `isdtype`."""
        here = {name: BY_NAME[name] for name in self._native(device)["dtypes"]}
        return {name: dtype for name, dtype in here.items() if kind is None or isdtype(dtype, kind)}

    def _native(self, device: str | Device | None) -> dict[str, dict[str, Any]]:
        """Return the answers of the array library itself."""
        target = self._device if device is None else Device(device)
        info = target.xp.__array_namespace_info__()
        return {"dtypes": info.dtypes(device=target.native), "defaults": info.default_dtypes(device=target.native)}
