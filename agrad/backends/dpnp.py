"""dpnp's arrays, on Intel's GPUs and CPUs: the generic backend, as dpnp conforms to the standard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import dpctl
import dpnp
import numpy as np

from .base import Backend, names_of
from .host import refuse_out_of_range
from .typing import Array, NativeDevice

__all__ = ["DpnpBackend"]

_SPECIAL = {"erf", "erfc", "erfcx", "erfinv"}


def _on_cpu() -> bool:
    """Return whether dpnp computes on a CPU, where reading waits for nothing."""
    return bool(dpctl.select_default_device().is_cpu)


def _broadcast_to(x: Array, shape: tuple[int, ...]) -> Any:
    """Return an array with memory for each element: dpnp's products take no other."""
    return dpnp.ascontiguousarray(dpnp.broadcast_to(x, shape))


def _broadcast_arrays(*arrays: Array) -> list[Any]:
    return [dpnp.ascontiguousarray(x) for x in dpnp.broadcast_arrays(*arrays)]


def _checked(gather: Callable[..., Any], default: int) -> Callable[..., Any]:
    """Return a function that gathers along an axis, with IndexError on a CPU: dpnp reads at another place."""

    def gathered(x: Array, indices: Array, /, *, axis: int | None = None) -> Any:
        axis = default if axis is None else axis
        if indices.size and _on_cpu():
            refuse_out_of_range(int(dpnp.min(indices)), int(dpnp.max(indices)), x.shape[axis], axis)
        return gather(x, indices, axis=axis)

    return gathered


def _mean(x: Array, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    if x.dtype != dpnp.float16:
        return dpnp.mean(x, axis=axis, keepdims=keepdims)
    wide = dpnp.astype(x, dpnp.float32)  # dpnp's sum in 16 bits is infinite beyond 65504
    return dpnp.astype(dpnp.mean(wide, axis=axis, keepdims=keepdims), x.dtype)


_FUNCTIONS = {
    "broadcast_arrays": _broadcast_arrays,
    "broadcast_to": _broadcast_to,
    "mean": _mean,
    "take": _checked(dpnp.take, 0),
    "take_along_axis": _checked(dpnp.take_along_axis, -1),
}


class DpnpBackend(Backend):
    """dpnp: on the device that SYCL selects, or that the environment's ONEAPI_DEVICE_SELECTOR names."""

    kind: ClassVar[str] = "dpnp"

    def __init__(self) -> None:
        self.xp = ModuleType("dpnp")
        vars(self.xp).update(names_of(dpnp) | _FUNCTIONS)
        self.array_type = dpnp.ndarray

    @property
    def supports_float64(self) -> bool:
        return bool(dpctl.select_default_device().has_aspect_fp64)

    def device_names(self) -> Sequence[str]:
        if not dpctl.get_devices():
            raise RuntimeError(
                "device 'dpnp' finds no device of Intel's; with the packages of pip, set LD_LIBRARY_PATH to the folder "
                "lib of the virtual environment, and OCL_ICD_FILENAMES to libintelocl.so in it"
            )
        return ("",)

    def find_device(self, place: str) -> tuple[str, Any]:
        self.device_names()
        return super().find_device(place)

    def waits_on_read(self, native: NativeDevice) -> bool:
        return not _on_cpu()

    def to_numpy(self, array: Array) -> np.ndarray[Any, Any]:
        return np.array(dpnp.asnumpy(array))

    def buffer_of(self, array: Array) -> int:
        return int(array.get_array().usm_data._pointer)  # of the whole memory, of which a view has a part

    def special(self, name: str) -> Callable[..., Any]:
        if name in _SPECIAL:
            return getattr(dpnp.scipy.special, name)
        return super().special(name)


BACKEND = DpnpBackend()
