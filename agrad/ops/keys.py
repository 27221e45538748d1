"""Keys of Tensors: ``x[key]`` and ``x[key] = v`` for every key that NumPy supports, parsed.

A key becomes a `ParsedKey`: a basic key that every library supports (a negative step becomes a flip), and the integer
arrays that index axes of the basic key's result.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType, NoneType
from typing import Any, Final, NamedTuple

from .. import backends
from ..core.grad_mode import is_grad_enabled
from ..core.lifting import lift
from ..core.tensor import Tensor, convert, wrap
from .searching import nonzero

__all__ = ["ParsedKey", "expand", "is_basic", "native", "parse_item", "parse_key", "show_key", "wrong_key"]

_ALL: Final = slice(None)
_BASIC: Final = frozenset({int, slice, NoneType, EllipsisType})


class ParsedKey(NamedTuple):
    """A parsed key.

    Attributes
    ----------
    basic : tuple
        Integers, slices and None for all axes; full slices for the axes that arrays index.
    shape : tuple of int
        The shape of the basic key's result.
    flipped : tuple of int
        The axes of that result to reverse.
    axes : tuple of int
        The axes of that result that arrays index.
    arrays : list of Tensor
        The integer arrays, one for each of these axes.
    front : bool
        Whether the axes of the arrays come first in the result, as they do where slices or None separate the arrays.
    """

    basic: tuple[Any, ...]
    shape: tuple[int, ...]
    flipped: tuple[int, ...]
    axes: tuple[int, ...]
    arrays: list[Tensor]
    front: bool

    @property
    def selects_all(self) -> bool:
        """Whether the basic key selects everything."""
        return all(item == _ALL for item in self.basic)


def is_basic(key: Any) -> bool:
    """Return whether a key holds only integers, slices, None and Ellipsis."""
    return type(key) in _BASIC or (type(key) is tuple and _BASIC.issuperset(map(type, key)))


def native(x: Tensor, key: Any) -> Any:
    """Return a key with raw arrays in place of Tensors, copied if the tape saves the key."""
    keep = x.requires_grad and is_grad_enabled()
    items = [parse_item(x, key, item) for item in (key if isinstance(key, tuple) else (key,))]
    copy = x._device.backend.copy if keep else lambda array: array
    return tuple(copy(item.data) if isinstance(item, Tensor) else item for item in items)


def parse_key(x: Tensor, key: Any) -> ParsedKey:
    """Parse a key of `x`; IndexError if it does not fit."""
    shape = x.shape
    items = expand(x, key)
    basic: list[Any] = []
    left: list[int] = []  # the shape of the basic key's result
    flipped: list[int] = []
    arrays: dict[int, Tensor] = {}
    axis = 0
    for item in items:
        if item is ...:
            continue  # it is left only where there are no axes to fill
        if item is None:
            basic.append(None)
            left.append(1)
        elif isinstance(item, slice):
            start, stop, step = item.indices(shape[axis])
            length = len(range(start, stop, step))
            if step < 0:
                start, stop, step = start + (length - 1) * step, start + 1, -step
                flipped.append(len(left))
            basic.append(slice(start, max(stop, start), step) if length else slice(0, 0))
            left.append(length)
            axis += 1
        elif isinstance(item, int):
            if not -shape[axis] <= item < shape[axis]:
                raise wrong_key(x, key, f"index {item} is out of range for axis {axis} of length {shape[axis]}")
            basic.append(item % shape[axis])
            axis += 1
        elif item.dtype.name != "bool":
            arrays[len(left)] = item
            basic.append(_ALL)
            left.append(shape[axis])
            axis += 1
        elif item.ndim == 0:  # a boolean scalar adds an axis of length 1 or 0
            arrays[len(left)] = _count_up(x, int(bool(item)))
            basic.append(None)
            left.append(1)
        else:
            lengths = shape[axis : axis + item.ndim]
            if any(n not in (0, length) for n, length in zip(item.shape, lengths, strict=True)):  # 0 selects nothing
                raise wrong_key(x, key, f"a mask of shape {item.shape} does not match axes of lengths {lengths}")
            for places in nonzero(item):
                arrays[len(left)] = places
                basic.append(_ALL)
                left.append(shape[axis])
                axis += 1
    return ParsedKey(
        tuple(basic) or (...,), tuple(left), tuple(flipped), tuple(arrays), list(arrays.values()), _apart(items)
    )


def expand(x: Tensor, key: Any) -> list[Any]:
    """Return the items of a key for all axes: integers, slices, None, and Tensors for everything else."""
    items = [parse_item(x, key, item) for item in (key if isinstance(key, tuple) else (key,))]
    given = sum(_axes_of(item) for item in items)
    if given > x.ndim:
        raise wrong_key(x, key, f"{given} indices for {x.ndim} axes")
    rest: list[Any] = [_ALL] * (x.ndim - given)
    dots = [i for i, item in enumerate(items) if item is ...]
    if len(dots) > 1:
        raise wrong_key(x, key, "it may have only one Ellipsis (...)")
    return [*items[: dots[0]], *(rest or [...]), *items[dots[0] + 1 :]] if dots else items + rest


def parse_item(x: Tensor, key: Any, item: Any) -> Any:
    """Return an item of a key as an integer, slice, None, Ellipsis or Tensor; IndexError or ValueError otherwise."""
    if backends.is_number(item):
        item = item.item()
    if isinstance(item, slice) and type(item.step) is int and item.step == 0:
        raise ValueError(f"key {show_key(key)} has a slice with a step of 0; write ::-1 to reverse, or no step")
    if item is None or item is ... or isinstance(item, slice):
        return item
    if isinstance(item, int) and not isinstance(item, bool):
        return item
    if isinstance(item, Tensor):
        index = item
    elif isinstance(item, list) and not item:
        index = _count_up(x, 0)
    else:
        index = _index_array(x, key, item)
    index = lift(index, x._device)
    if index.dtype.name != "bool" and not index.dtype.family.endswith("integer"):
        raise wrong_key(x, key, f"arrays in a key must hold integers or booleans, not {index.dtype!r}")
    return index


def _index_array(x: Tensor, key: Any, item: Any) -> Tensor:
    try:
        return wrap(*convert(item, None, x._device, copy=True if is_grad_enabled() else None))
    except TypeError:
        what = "a key is made of integers, slices, None, ... and arrays of integers or booleans, not of"
        raise wrong_key(x, key, f"{what} {type(item).__name__}") from None


def _axes_of(item: Any) -> int:
    if item is None or item is ...:
        return 0
    return item.ndim if isinstance(item, Tensor) and item.dtype.name == "bool" else 1


def _apart(items: Sequence[Any]) -> bool:
    """Return whether slices or None separate the arrays of a key, among which integers count as arrays."""
    places = [i for i, item in enumerate(items) if isinstance(item, (int, Tensor))]
    return bool(places) and len(places) != places[-1] - places[0] + 1


def _count_up(x: Tensor, stop: int) -> Tensor:
    return wrap(x._device.xp.arange(stop, device=x._device.native), x._device)


def wrong_key(x: Tensor, key: Any, what: str) -> IndexError:
    """Return the error for a key that does not fit a Tensor."""
    return IndexError(f"key {show_key(key)} does not fit a Tensor of shape {x.shape}: {what}")


def show_key(key: Any) -> str:
    """Return a key as the caller wrote it, with the dtypes and shapes of arrays."""
    if isinstance(key, tuple):
        return f"[{', '.join(map(show_key, key))}]"
    if isinstance(key, slice):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop, key.step)]
        return ":".join(parts if key.step is not None else parts[:2])
    if key is ...:
        return "..."
    if hasattr(key, "shape") and hasattr(key, "dtype"):
        return f"{type(key).__name__} of {key.dtype}, shape {tuple(key.shape)}"
    text = repr(key)
    return text if len(text) <= 60 else f"{text[:57]}..."
