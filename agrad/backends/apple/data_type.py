"""Promotion, and the limits of dtypes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import mlx.core as mx
import numpy as np

from ..typing import NativeDtype

__all__ = ["FUNCTIONS"]


def _result_type(*args: Any) -> Any:
    """Return the dtype that arrays, dtypes and numbers promote to; a number only decides the kind."""
    known = [getattr(x, "dtype", x) for x in args if type(x) not in (bool, int, float, complex)]
    kinds = {float: mx.float32, complex: mx.complex64}
    dtype = mx.result_type(*known)
    wide = [kinds[type(x)] for x in args if type(x) in kinds]
    return mx.result_type(dtype, *wide) if not mx.issubdtype(dtype, mx.inexact) or mx.complex64 in wide else dtype


def _floating(dtype: NativeDtype) -> Any:
    if dtype == mx.bfloat16:
        return SimpleNamespace(
            bits=16, eps=2.0**-7, max=3.3895313892515355e38, min=-3.3895313892515355e38,
            smallest_normal=2.0**-126, dtype=dtype,
        )  # fmt: skip
    return np.finfo(_name(dtype).replace("complex64", "float32"))


def _name(dtype: NativeDtype) -> str:
    return str(dtype).rpartition(".")[2]


class _Info:
    """The standard's inspection API: the dtypes of the namespace."""

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        return {
            "real floating": mx.float32, "complex floating": mx.complex64, "integral": mx.int64, "indexing": mx.int64,
        }  # fmt: skip

    def dtypes(self, *, device: Any = None) -> dict[str, Any]:
        names = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "complex64"]
        return {"bool": mx.bool_, **{name: getattr(mx, name) for name in names}}


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "__array_namespace_info__": _Info,
    "finfo": _floating,
    "iinfo": lambda dtype: np.iinfo(_name(dtype)),
    "result_type": _result_type,
}
