"""The array library's own special functions, called with arrays of one floating type."""

from __future__ import annotations

from typing import Any

from .. import backends
from ..core.dtypes import as_dtype, get_default_dtype, native
from ..core.primitive import ArrayLike
from ..core.tensor import Tensor, convert, wrap
from ..core.typing import Array, DTypeLike, Namespace
from .data_type import as_tensor, astype

__all__ = ["floating", "floats", "library"]

_REAL = "expected real numbers; write agrad.real(x) or agrad.imag(x)"


def library(xp: Namespace, name: str, *args: Any) -> Array:
    """Call a special function, under its name in scipy.special, on raw arrays and numbers."""
    arrays = floats(xp, *args)
    result, dtype = backends.of(arrays[0]).special(name)(*arrays), arrays[0].dtype
    return result if result.dtype == dtype else xp.astype(result, dtype)


def floats(xp: Namespace, *args: Any) -> list[Any]:
    """Return arrays and numbers, raw or Tensors, as arrays of one real floating type.

    That is what the floating arrays among them promote to, or the default dtype if there are none.
    """
    arrays = [x for x in args if hasattr(x, "dtype")]
    kinds = {as_dtype(x.dtype) for x in arrays}
    if any([kind.is_complex for kind in kinds]) or complex in map(type, args):
        raise TypeError(_REAL)
    if len(kinds) == 1 and len(arrays) == len(args) and kinds.pop().differentiable:
        return arrays
    found = [x.dtype for x in arrays if as_dtype(x.dtype).differentiable]
    dtype = xp.result_type(*found) if found else native(xp, get_default_dtype())
    return [_as(xp, x, dtype, arrays[0]) for x in args]


def _as(xp: Namespace, x: Array, dtype: DTypeLike, like: Array) -> Array:
    if not hasattr(x, "dtype"):
        return xp.full_like(like, x, dtype=dtype)
    return x if x.dtype == dtype else xp.astype(x, dtype)


def floating(x: ArrayLike, like: Tensor | None = None) -> Tensor:
    """Return `x` as a real floating Tensor: in the dtype of `like`, else in its own or the default dtype."""
    if like is not None:
        x = astype(x, like.dtype, copy=False) if isinstance(x, Tensor) else wrap(*convert(x, like.dtype, like._device))
    x = as_tensor(x)
    if x.dtype.is_complex:
        raise TypeError(_REAL)
    return x if x.dtype.differentiable else astype(x, get_default_dtype())
