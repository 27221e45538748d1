"""dpnp's arrays, on Intel's GPUs and CPUs: almost the generic backend, as dpnp conforms to the standard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import dpctl
import dpnp
import numpy as np

from .base import Backend, names_of
from .typing import Array, NativeDevice

__all__ = ["DpnpBackend"]

_SPECIAL = {"erf", "erfc", "erfcx", "erfinv"}


def _broadcast_to(x: Array, shape: tuple[int, ...]) -> Any:
    """Return a contiguous array: dpnp's matmul does not take broadcast ones."""
    return dpnp.ascontiguousarray(dpnp.broadcast_to(x, shape))


def _broadcast_arrays(*arrays: Array) -> list[Any]:
    return [dpnp.ascontiguousarray(x) for x in dpnp.broadcast_arrays(*arrays)]


class DpnpBackend(Backend):
    """dpnp: on the device that SYCL selects, or that the environment's ONEAPI_DEVICE_SELECTOR names."""

    kind: ClassVar[str] = "dpnp"

    def __init__(self) -> None:
        self.xp = ModuleType("dpnp")
        vars(self.xp).update(names_of(dpnp), broadcast_to=_broadcast_to, broadcast_arrays=_broadcast_arrays)
        self.array_type = dpnp.ndarray

    @property
    def supports_float64(self) -> bool:
        return bool(dpctl.select_default_device().has_aspect_fp64)

    def device_names(self) -> Sequence[str]:
        if not dpctl.get_devices():
            raise RuntimeError(
                "device 'dpnp' finds no Intel device; if dpnp was installed by pip, set LD_LIBRARY_PATH to the folder "
                "lib of the virtual environment, and OCL_ICD_FILENAMES to libintelocl.so in it"
            )
        return ("",)

    def find_device(self, place: str) -> tuple[str, Any]:
        self.device_names()
        return super().find_device(place)

    def waits_on_read(self, native: NativeDevice) -> bool:
        return not dpctl.select_default_device().is_cpu

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(dpnp.asnumpy(array))

    def special(self, name: str) -> Callable[..., Any]:
        if name in _SPECIAL:
            return getattr(dpnp.scipy.special, name)
        return super().special(name)


BACKEND = DpnpBackend()
