"""array-api-strict, which rejects everything that is not in the standard, and has several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import array_api_strict as xp
import numpy as np

from .base import Backend
from .host import refuse_overflow
from .typing import Array, NativeDevice, NativeDtype

__all__ = ["StrictBackend"]

_DEFAULT = "CPU_DEVICE"


class StrictBackend(Backend):
    """The generic backend on array-api-strict: what passes here runs on any library."""

    kind: ClassVar[str] = "strict"

    def __init__(self) -> None:
        self.xp = xp
        self.array_type = type(xp.zeros(()))
        devices = xp.__array_namespace_info__().devices()
        self._places = {_name(device): device for device in devices}

    def device_names(self) -> Sequence[str]:
        return ["" if name == _DEFAULT else name for name in self._places]

    def find_device(self, place: str) -> tuple[str, Any]:
        device = self._places.get(place or _DEFAULT)
        if device is None:
            known = ", ".join(f"'strict:{name}'" for name in self._places)
            raise ValueError(f"unknown device 'strict:{place}'; write one of {known}")
        return "" if place == _DEFAULT else place, device

    def device_name_of(self, array: Array) -> str:
        name = _name(array.device)
        return "" if name == _DEFAULT else name

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if dtype is None and isinstance(data, np.ndarray) and data.dtype == np.int64:
            dtype = self.default_integer(native)
            refuse_overflow(data, xp.iinfo(dtype), f"{dtype!r} on {native!r}")
        return super().asarray(data, dtype, native, copy)

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(array.to_device(self._places[_DEFAULT]))

    def is_writable(self, array: Array) -> bool:
        return bool(array._array.flags.writeable)

    def buffer_of(self, array: Array) -> int:
        inner = array._array  # each Array is a new wrapper; views share the NumPy array
        return id(inner if inner.base is None else inner.base)


def _name(device: Any) -> str:
    """Return the name in ``array_api_strict.Device('device1')``, which only the repr shows."""
    return repr(device).split("'")[1]


BACKEND = StrictBackend()
