"""Attributes of NumPy's arrays and dtypes that agrad's lack: reading one raises, and says what to write instead.

They are descriptors, since a class that defines ``__getattr__`` loses the interpreter's fast access to all of its
attributes, and every op reads several: small ops took 7 % longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import getattr_static
from typing import Any, Final

from ..core.dtypes import DType
from ..core.tensor import Tensor

__all__ = ["NUMPY_FUNCTIONS", "Absent", "leave_out"]

# Methods of NumPy's arrays that are functions of NumPy's, too, which take Tensors.
NUMPY_FUNCTIONS: Final = frozenset({
    "argpartition", "choose", "compress", "conjugate", "copy", "cumprod", "cumsum", "diagonal", "dot", "imag",
    "partition", "real", "repeat", "searchsorted", "swapaxes", "trace",
})  # fmt: skip


class Absent:
    """A missing attribute: `hasattr` is False, `dir` omits it, and reading it raises AttributeError with a remedy."""

    def __init__(self, name: str, remedy: str) -> None:
        self.name, self.remedy = name, remedy

    def __get__(self, instance: Any, owner: type) -> Any:
        message = f"{owner.__name__!r} object has no attribute {self.name!r}; {self.remedy}"
        raise AttributeError(message, name=self.name, obj=instance)


def leave_out(kind: Any, remedies: Mapping[str, str]) -> None:
    """Make a class raise an error with a remedy for each of these names, which it does not have."""
    for name, remedy in remedies.items():
        setattr(kind, name, Absent(name, remedy))

    def listed(self: Any) -> Iterable[str]:
        return [name for name in object.__dir__(self) if not isinstance(getattr_static(self, name, None), Absent)]

    kind.__dir__ = listed


leave_out(
    Tensor,
    dict.fromkeys([
        "base", "byteswap", "ctypes", "dump", "dumps", "fill", "flags", "flat", "getfield", "itemsize", "nbytes",
        "put", "resize", "setfield", "setflags", "strides", "tobytes", "tofile", "view",
    ], "use a function of agrad, or convert to NumPy first: x.detach().numpy()")
    | {name: f"write np.{name}(x, ...), which takes Tensors" for name in NUMPY_FUNCTIONS},
)  # fmt: skip
leave_out(
    DType,
    dict.fromkeys([
        "alignment", "base", "byteorder", "char", "descr", "fields", "flags", "hasobject", "isalignedstruct",
        "isbuiltin", "isnative", "itemsize", "kind", "metadata", "names", "ndim", "newbyteorder", "num", "shape",
        "str", "subdtype", "type",
    ], "use agrad.isdtype or agrad.finfo"),
)  # fmt: skip
