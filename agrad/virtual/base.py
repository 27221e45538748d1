"""Base classes of virtual array libraries: the device of their arrays, and a backend that calls the library below."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, Final

from ..backends.base import Backend
from ..backends.typing import Array, Namespace, NativeDevice

__all__ = ["Level", "VirtualBackend", "namespace_over"]

# What is copied from the namespace below: dtypes, constants, and `isdtype`.
_CONSTANTS: Final = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128", "e", "inf", "nan", "newaxis", "pi", "isdtype",
)  # fmt: skip


class Level:
    """The native device of a virtual library: one run of a transform, to which its arrays belong.

    Attributes
    ----------
    library : VirtualBackend
        The backend of the virtual arrays.
    backend : Backend
        The backend of the library below, whose arrays the virtual ones hold.
    xp : module
        The namespace of the library below.
    native : object
        The native device of the library below.
    open : bool
        Whether the transform that created it is still running.
    device : weakref of Device
        The agrad device whose native device this is; that device sets it.
    """

    __slots__ = ("backend", "device", "library", "native", "open", "xp")

    def __init__(self, library: Any, backend: Backend, xp: Namespace, native: NativeDevice) -> None:
        self.library, self.backend, self.xp, self.native = library, backend, xp, native
        self.open, self.device = True, None


class VirtualBackend(Backend):
    """Base class of backends whose native devices are `Level` objects: it calls the backend below."""

    def default_integer(self, native: NativeDevice) -> Any:
        return native.backend.default_integer(native.native)

    def activate(self, native: NativeDevice) -> AbstractContextManager[Any]:
        activated: AbstractContextManager[Any] = native.backend.activate(native.native)
        return activated

    def synchronize(self, native: NativeDevice) -> None:
        native.backend.synchronize(native.native)

    def waits_on_read(self, native: NativeDevice) -> bool:
        return bool(native.backend.waits_on_read(native.native))

    def memory(self, native: NativeDevice) -> dict[str, int]:
        return dict(native.backend.memory(native.native))


def namespace_over(xp: Namespace, name: str, functions: dict[str, Any], array_type: type) -> ModuleType:
    """Return a namespace of functions of virtual arrays, with the dtypes of the namespace below.

    Parameters
    ----------
    xp : module
        The namespace below.
    name : str
        Its name, appended to the name of the namespace below.
    functions : dict
        The functions by name, with a prefix for extensions: ``"linalg.solve"``.
    array_type : type
        The class of the virtual arrays; their dtypes are those of the library below.
    """
    made = ModuleType(f"{xp.__name__}:{name}")
    vars(made).update({constant: getattr(xp, constant) for constant in _CONSTANTS if hasattr(xp, constant)})
    for path, function in functions.items():
        space, _, last = path.rpartition(".")
        if space and not hasattr(made, space):
            setattr(made, space, ModuleType(f"{made.__name__}.{space}"))
        setattr(getattr(made, space) if space else made, last, function)

    def dtype_of(x: Array) -> Any:
        return getattr(x, "dtype", x) if type(x) is array_type else x

    vars(made).update(
        result_type=lambda *args: xp.result_type(*map(dtype_of, args)),
        can_cast=lambda x, to: xp.can_cast(dtype_of(x), to),
        finfo=lambda x: xp.finfo(dtype_of(x)),
        iinfo=lambda x: xp.iinfo(dtype_of(x)),
    )
    return made
