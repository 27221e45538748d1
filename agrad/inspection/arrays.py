"""Facts about arrays that the instruments show: their bytes, ranges of values, NaNs and infinities."""

from __future__ import annotations

import cmath
import re
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, Final

from .. import backends
from ..core import errors
from ..core.device import Device
from ..core.dtypes import from_native
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace

__all__ = ["describe", "flat", "is_floating", "namespace_of", "nbytes", "not_finite"]

_TESTS: Final = {"NaN": "isnan", "inf": "isinf"}


def nbytes(array: Array) -> int:
    """Return the size of the elements of an array in bytes."""
    bits = re.search(r"\d+", from_native(array.dtype).name)
    return prod(array.shape) * (int(bits[0]) // 8 if bits else 1)


def namespace_of(array: Array, xp: Namespace) -> Array:
    """Return the namespace of an array's library; `xp` for a scalar of that library."""
    try:
        return Device.of(array).xp
    except TypeError:
        return xp


def _whole(array: Array) -> Any:
    """Return an array with the values of all examples, where it is one under `vmap`."""
    try:
        return backends.of(array).underlying_array(array)
    except TypeError:  # a scalar of the library
        return array


def not_finite(xp: Namespace, values: Iterable[Any]) -> set[str]:
    """Return which of ``"NaN"`` and ``"inf"`` are in the values: arrays, numbers, Tensors, and lists of them."""
    kinds: set[str] = set()
    for value in flat(values):
        if isinstance(value, float | complex):
            kinds |= {kind for kind, test in _TESTS.items() if getattr(cmath, test)(value)}
        elif is_floating(value):
            value = _whole(value)
            own = namespace_of(value, xp)
            kinds |= {kind for kind, test in _TESTS.items() if bool(own.any(getattr(own, test)(value)))}
    return kinds


def describe(xp: Namespace, value: Array) -> str:
    """Return a text with an array's dtype, shape, range of values, and numbers of NaNs and infinities."""
    if isinstance(value, list | tuple):
        return f"[{'; '.join(describe(xp, item) for item in value)}]"
    array = value._data if isinstance(value, Tensor) else value
    if not is_floating(array):
        return errors.describe(array)
    array, seen = _whole(array), errors.describe(array)
    xp = namespace_of(array, xp)
    counts = {kind: int(xp.count_nonzero(getattr(xp, test)(array))) for kind, test in _TESTS.items()}
    parts = [seen, _range(xp, array), *(f"{n} {kind}" for kind, n in counts.items() if n)]
    return ", ".join(part for part in parts if part)


def _range(xp: Namespace, array: Array) -> str:
    """Return a text with the smallest and the largest finite value; for complex arrays, absolute value."""
    is_complex = from_native(array.dtype).is_complex
    finite = xp.isfinite(array)
    if not bool(xp.any(finite)):
        return ""
    sizes = xp.abs(array) if is_complex else array
    largest = xp.full_like(sizes, float(xp.finfo(sizes.dtype).max))
    low, high = xp.min(xp.where(finite, sizes, largest)), xp.max(xp.where(finite, sizes, -largest))
    return f"{'absolute values ' if is_complex else ''}from {float(low):.6g} to {float(high):.6g}"


def is_floating(value: Any) -> bool:
    """Return whether `value` is an array of a real or complex floating dtype."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and from_native(value.dtype).differentiable


def flat(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the values of nested lists and tuples; for a Tensor, its array."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flat(value)
        else:
            yield value._data if isinstance(value, Tensor) else value
