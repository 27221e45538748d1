"""What NumPy's arrays and dtypes have and agrad's do not: a library that asks for it is told what to write instead.

Not by ``__getattr__``: a class that defines it loses the interpreter's shortcuts to all of its attributes, and every
op reads several. Small ops took a fifteenth longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import getattr_static
from typing import Any

from ..core.dtypes import DType
from ..core.tensor import Tensor

__all__ = ["Absent"]


class Absent:
    """An attribute that objects do not have: `hasattr` is false, their `dir` lacks it, and the error has a remedy."""

    def __init__(self, name: str, remedy: str) -> None:
        self.name, self.remedy = name, remedy

    def __get__(self, instance: Any, owner: type) -> Any:
        message = f"{owner.__name__!r} object has no attribute {self.name!r}; {self.remedy}"
        raise AttributeError(message, name=self.name, obj=instance)


def _leave_out(kind: Any, names: Sequence[str], remedy: str) -> None:
    for name in names:
        setattr(kind, name, Absent(name, remedy))

    def listed(self: Any) -> Iterable[str]:
        return [name for name in object.__dir__(self) if not isinstance(getattr_static(self, name, None), Absent)]

    kind.__dir__ = listed


_leave_out(
    Tensor,
    [
        "argpartition", "base", "byteswap", "choose", "compress", "conjugate", "copy", "ctypes", "cumprod", "cumsum",
        "diagonal", "dot", "dump", "dumps", "fill", "flags", "flat", "getfield", "imag", "itemsize", "nbytes",
        "partition", "put", "real", "repeat", "resize", "searchsorted", "setfield", "setflags", "strides",
        "swapaxes", "tobytes", "tofile", "trace", "view",
    ],
    "compute with the functions of agrad, or give the array itself: x.detach().numpy()",
)  # fmt: skip
_leave_out(
    DType,
    [
        "alignment", "base", "byteorder", "char", "descr", "fields", "flags", "hasobject", "isalignedstruct",
        "isbuiltin", "isnative", "itemsize", "kind", "metadata", "names", "ndim", "newbyteorder", "num", "shape",
        "str", "subdtype", "type",
    ],
    "ask agrad.isdtype or agrad.finfo about it",
)  # fmt: skip
