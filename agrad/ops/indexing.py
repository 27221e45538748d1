"""``x[key]`` and ``x[key] = v`` for every key that NumPy supports.

A key is first parsed into a `ParsedKey`: a basic key that every library supports (a negative step becomes a flip), and
the integer arrays that index axes of the basic key's result. Getting and setting are then composed of the primitives
in `gathering`. Several index arrays are combined into one, which indexes their axes flattened into one axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import EllipsisType, NoneType
from typing import Any, Final, NamedTuple

from .. import backends
from ..core import errors, hooks, tape
from ..core.device import Device
from ..core.grad_mode import is_grad_enabled
from ..core.lifting import common_device, lift
from ..core.primitive import ArrayLike
from ..core.tensor import LEAF, SCALARS, Tensor, convert, wrap
from . import journal
from .data_type import astype
from .gathering import Key, index_get, index_set, nonnegative_indices, put, take, take_along_axis, without_new_axes
from .manipulation import broadcast_shapes, broadcast_to, flip, permute_dims, reshape
from .searching import nonzero, where

__all__ = [
    "ParsedKey",
    "cast_within_kind",
    "getitem",
    "native",
    "parse_key",
    "rebind",
    "refuse_leaf",
    "refuse_widening",
    "replace_values",
    "setitem",
    "take",
    "take_along_axis",
]  # fmt: skip

_ALL = slice(None)


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


def getitem(x: Tensor, key: Any, /) -> Tensor:
    """Return ``x[key]``.

    Parameters
    ----------
    x : Tensor
    key : int, slice, None, Ellipsis, array of bool or int, list, or a tuple of them
        With NumPy's rules for how they combine.

    Returns
    -------
    Tensor
        A view of `x` if the key has no arrays and the library has views, else a copy.

    Raises
    ------
    IndexError
        If the key does not fit the shape; the message shows both. Index arrays are not checked on a GPU, where it would
        synchronise, and on JAX only where several arrays or writing need it.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.reshape(agrad.arange(6), (2, 3))
    >>> x[:, -1], x[[0, 1], [2, 0]]
    (Tensor([2, 5], dtype=int64, device='cpu'), Tensor([2, 3], dtype=int64, device='cpu'))
    >>> x[x > 3]
    Tensor([4, 5], dtype=int64, device='cpu')
    """
    keys = x._device.backend.native_keys
    if keys != "standard" and _is_basic(key):
        return _cut(x, key)
    if (above := _meeting("x[key]", x, key)) is not x._device:
        return getitem(lift(x, above), key)
    index = None if isinstance(key, tuple) or _is_basic(key) else _item(x, key, key)
    if isinstance(index, Tensor) and index.dtype.name != "bool" and x.ndim:
        return _take_rows(x, index, key)
    if keys == "all":
        return _cut(x, native(x, key), key)
    if type(key) is int and 0 <= key < (x._data.shape or (0,))[0]:
        return index_get(x, (key, ...))
    if index is not None and _is_mask(x, index) and index.ndim == x.ndim:
        return take(reshape(x, (-1,)), nonzero(reshape(index, (-1,)))[0])
    parsed = parse_key(x, key)
    picked = _pick(x, parsed)
    return _gather(picked, parsed, x, key) if parsed.arrays else picked


def _cut(x: Tensor, native_key: Any, *key: Any) -> Tensor:
    """Return ``x[native_key]``; if the key does not fit, the message shows the key as the caller wrote it."""
    try:
        return index_get(x, native_key)
    except IndexError as error:
        raise _wrong(x, key[0] if key else native_key, str(error.__cause__ or error)) from None
    except ValueError:
        _expand(x, key[0] if key else native_key)  # to name a step of 0
        raise


_BASIC: Final = frozenset({int, slice, NoneType, EllipsisType})


def _meeting(what: str, x: Tensor, *others: Any) -> Device:
    """Return the device on which a Tensor and those of a key or a value can meet."""
    items = [item for other in others for item in (other if isinstance(other, tuple) else (other,))]
    devices = [item._device for item in items if isinstance(item, Tensor) and item._device is not x._device]
    found = common_device([x._device, *devices]) if devices else x._device
    if found is None:
        raise errors.mixed_devices(what, [x._device.name, *(device.name for device in devices)])
    return found


def _is_basic(key: Any) -> bool:
    """Return whether a key holds only integers, slices, None and Ellipsis."""
    return type(key) in _BASIC or (type(key) is tuple and _BASIC.issuperset(map(type, key)))


def native(x: Tensor, key: Any) -> Any:
    """Return a key with raw arrays in place of Tensors, copied if the tape saves the key."""
    keep = x.requires_grad and is_grad_enabled()
    items = [_item(x, key, item) for item in (key if isinstance(key, tuple) else (key,))]
    copy = x._device.backend.copy if keep else lambda array: array
    return tuple(copy(item.data) if isinstance(item, Tensor) else item for item in items)


def _take_rows(x: Tensor, index: Tensor, key: Any) -> Tensor:
    try:
        return take(x, index, axis=0)
    except IndexError as error:
        raise _wrong(x, key, str(error.__cause__ or error)) from None


def _pick(x: Tensor, parsed: ParsedKey) -> Tensor:
    """Return the result of the basic key, with flips."""
    picked = x if parsed.selects_all and parsed.arrays else index_get(x, parsed.basic)
    return flip(picked, axis=parsed.flipped) if parsed.flipped else picked


def setitem(x: Tensor, key: Any, value: ArrayLike, /) -> None:
    """Set ``x[key]`` to `value`.

    While recording, `x` gets a new array and a new Node, so that gradients flow to its old value and to `value`. Under
    `no_grad` its memory is written in place, and its views change too. So ``x[0][1] = v`` changes `x` only under
    `no_grad`; while recording it changes the temporary ``x[0]``: write ``x[0, 1] = v``.

    Parameters
    ----------
    x : Tensor
    key
        As in `getitem`. Where an index repeats, the last value stays.
    value : ArrayLike
        Broadcast to ``x[key]`` and cast to the dtype of `x`, but not to a lower kind: floats do not become integers.
        For a boolean Tensor, a Python integer counts as its truth value.

    Raises
    ------
    RuntimeError
        If `x` is a leaf that requires gradients, while recording.
    IndexError
        As `getitem`.
    ValueError
        If `value` does not broadcast to ``x[key]``, or is on another device.
    TypeError
        If `value` is of a higher kind than `x`, such as floats than integers.

    Examples
    --------
    >>> import agrad
    >>> x, v = agrad.zeros(3), agrad.tensor(5.0, requires_grad=True)
    >>> x[1] = v
    >>> (x * x).sum().backward()
    >>> v.grad
    Tensor(10., dtype=float32, device='cpu')
    """
    if is_grad_enabled():
        refuse_leaf(x)
    if (above := _meeting("x[key] = v", x, key, value)) is not x._device:
        refuse_widening("x[key] = v")
        rebind(x, lift(x, above))
    value = _value(x, value)
    if not is_grad_enabled() and _write_natively(x, key, value):
        return
    if _is_mask(x, key) and not (isinstance(value, Tensor) and value.ndim):
        replace_values(x, where(_reach(key, x), value, x))
        return
    parsed = parse_key(x, key)
    if not parsed.arrays:
        _assign(x, parsed, value, key)
    elif parsed.selects_all:
        replace_values(x, _scatter(x, parsed, value, key))
    else:
        _assign(x, parsed, _scatter(x, parsed, value, key), key)


def _write_natively(x: Tensor, key: Any, value: Any) -> bool:
    """Write in place by the library's own indexing, if it supports the key; return whether it did."""
    backend = x._device.backend
    if backend.native_keys == "standard" or (backend.native_keys == "basic" and not _is_basic(key)):
        return False
    raw = value._data if isinstance(value, Tensor) else value
    journal.writing(x)
    try:
        x._data = backend.assign(x._data, key if _is_basic(key) else native(x, key), raw)
    except (IndexError, ValueError) as error:
        raise errors.in_op("x[key] = v", error, (x, _show(key), value), {}) from None
    tape.wrote(x)
    return True


def refuse_leaf(x: Tensor) -> None:
    """Raise RuntimeError for a leaf that requires gradients."""
    if x._node is LEAF:
        raise errors.leaf_in_place()


def refuse_widening(what: str) -> None:
    """Raise RuntimeError under `no_grad`, where values that differ over a batch have no room in the memory of `x`."""
    if not is_grad_enabled():
        raise RuntimeError(
            f"{what} under vmap and no_grad: x is the same for the whole batch, and v has a value for each example; "
            "write it while recording, or make a new Tensor"
        )


def rebind(x: Tensor, result: Tensor) -> None:
    """Give `x` the array and the Node of `result`; it stays the same object."""
    journal.rebinding(x)
    hooks.follow(x._node, result._node)
    x._data, x._device, x._node = result._data, result._device, result._node


_RANKS: Final = {"bool": 0, "unsigned integer": 1, "signed integer": 1, "real floating": 2, "complex floating": 3}
_SCALAR_RANKS: Final = {bool: 0, int: 1, float: 2, complex: 3}


def cast_within_kind(x: Tensor, value: Any, what: str) -> Any:
    """Cast a value to the dtype of `x`; TypeError if its kind is higher, as that of floats is than that of integers.

    For booleans a Python integer counts as its truth value, as in NumPy and PyTorch: masks are often set by 0 and 1.
    """
    if type(value) is int and x.dtype.family == "bool":
        return value != 0
    rank = _RANKS[value.dtype.family] if isinstance(value, Tensor) else _SCALAR_RANKS[type(value)]
    if rank > _RANKS[x.dtype.family]:
        kind = repr(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"{what} keeps the dtype {x.dtype!r} of x, which cannot hold {kind}; write x = x.astype(...) first"
        )
    return astype(value, x.dtype, copy=False) if isinstance(value, Tensor) else value


# Parsing keys


def parse_key(x: Tensor, key: Any) -> ParsedKey:
    """Parse a key of `x`; IndexError if it does not fit."""
    shape = x.shape
    items = _expand(x, key)
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
                raise _wrong(x, key, f"index {item} is out of range for axis {axis} of length {shape[axis]}")
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
                raise _wrong(x, key, f"a mask of shape {item.shape} does not match axes of lengths {lengths}")
            for places in nonzero(item):
                arrays[len(left)] = places
                basic.append(_ALL)
                left.append(shape[axis])
                axis += 1
    return ParsedKey(
        tuple(basic) or (...,), tuple(left), tuple(flipped), tuple(arrays), list(arrays.values()), _apart(items)
    )


def _expand(x: Tensor, key: Any) -> list[Any]:
    """Return the items of a key for all axes: integers, slices, None, and Tensors for everything else."""
    items = [_item(x, key, item) for item in (key if isinstance(key, tuple) else (key,))]
    given = sum(_axes_of(item) for item in items)
    if given > x.ndim:
        raise _wrong(x, key, f"{given} indices for {x.ndim} axes")
    rest: list[Any] = [_ALL] * (x.ndim - given)
    dots = [i for i, item in enumerate(items) if item is ...]
    if len(dots) > 1:
        raise _wrong(x, key, "it may have only one Ellipsis (...)")
    return [*items[: dots[0]], *(rest or [...]), *items[dots[0] + 1 :]] if dots else items + rest


def _item(x: Tensor, key: Any, item: Any) -> Any:
    if backends.is_number(item):
        item = item.item()
    if isinstance(item, slice) and type(item.step) is int and item.step == 0:
        raise ValueError(f"key {_show(key)} has a slice with a step of 0; write ::-1 to reverse, or leave the step out")
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
        raise _wrong(x, key, f"arrays in a key must hold integers or booleans, not {index.dtype!r}")
    return index


def _index_array(x: Tensor, key: Any, item: Any) -> Tensor:
    try:
        return wrap(*convert(item, None, x._device, copy=True if is_grad_enabled() else None))
    except TypeError:
        what = "a key is made of integers, slices, None, ... and arrays of integers or booleans, not of"
        raise _wrong(x, key, f"{what} {type(item).__name__}") from None


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


def _wrong(x: Tensor, key: Any, what: str) -> IndexError:
    return IndexError(f"key {_show(key)} does not fit a Tensor of shape {x.shape}: {what}")


def _show(key: Any) -> str:
    """Return a key as the caller wrote it, with the dtypes and shapes of arrays."""
    if isinstance(key, tuple):
        return f"[{', '.join(map(_show, key))}]"
    if isinstance(key, slice):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop, key.step)]
        return ":".join(parts if key.step is not None else parts[:2])
    if key is ...:
        return "..."
    if hasattr(key, "shape") and hasattr(key, "dtype"):
        return f"{type(key).__name__} of {key.dtype}, shape {tuple(key.shape)}"
    text = repr(key)
    return text if len(text) <= 60 else f"{text[:57]}..."


# Gathering along several axes at once


class _Join(NamedTuple):
    """How the indexed axes are joined into one.

    Attributes
    ----------
    order : tuple of int or None
        The permutation that brings the indexed axes to the front; None where they are adjacent.
    joined : tuple of int
        The shape with one axis in place of the indexed axes.
    axis : int
        That axis.
    places : Tensor
        The integer array that indexes it, of the arrays' broadcast shape.
    """

    order: tuple[int, ...] | None
    joined: tuple[int, ...]
    axis: int
    places: Tensor


def _join(parsed: ParsedKey, x: Tensor, key: Any) -> _Join:
    axes, shape = parsed.axes, parsed.shape
    if len(axes) == 1:
        return _Join(None, shape, axes[0], parsed.arrays[0])
    lengths = tuple(shape[axis] for axis in axes)
    neighbours = axes[-1] - axes[0] + 1 == len(axes)
    first = axes[0] if neighbours else 0
    others = tuple(axis for axis in range(len(shape)) if axis not in axes)
    joined = tuple(shape[axis] for axis in others)
    joined = (*joined[:first], prod(lengths), *joined[first:])
    return _Join(None if neighbours else axes + others, joined, first, _ravel(parsed.arrays, lengths, x, key))


def _ravel(arrays: list[Tensor], lengths: tuple[int, ...], x: Tensor, key: Any) -> Tensor:
    """Combine index arrays into one that indexes the joined axis, as `numpy.ravel_multi_index` does."""
    try:
        broadcast_shapes(*[array.shape for array in arrays])
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise _wrong(x, key, f"its arrays have shapes {shapes}, which do not broadcast") from None
    places: Any = 0
    for array, length in zip(arrays, lengths, strict=True):
        places = places * length + _checked(array, length, x, key)
    return wrap(places, x._device)


def _checked(array: Tensor, length: int, x: Tensor, key: Any) -> Any:
    """Return an index array without negative indices; IndexError if one is out of range."""
    xp, backend, native = x._device.xp, x._device.backend, x._device.native
    index = xp.astype(array._data, backend.default_integer(native), copy=False)
    if _leads_out(index, length, x._device):
        raise _wrong(x, key, f"an index in an array is out of range for an axis of length {length}")
    return nonnegative_indices(xp, index, length)


def _leads_out(index: Any, length: int, device: Device) -> bool:
    """Whether an index is out of range, as far as can be told without waiting for the device."""
    if length == 0 or 0 in index.shape:
        return 0 not in index.shape
    if device.backend.waits_on_read(device.native):
        return False
    least, largest = device.backend.bounds(index)
    return bool(least < -length or largest >= length)


def _prepare(picked: Tensor, join: _Join) -> Tensor:
    if join.order is not None:
        picked = permute_dims(picked, join.order)
    return picked if picked.shape == join.joined else reshape(picked, join.joined)


def _gather(picked: Tensor, parsed: ParsedKey, x: Tensor, key: Any) -> Tensor:
    join = _join(parsed, x, key)
    try:
        result = take(_prepare(picked, join), join.places, axis=join.axis)
    except IndexError as error:
        raise _wrong(x, key, str(error.__cause__ or error)) from None
    if parsed.front and join.axis:
        block = range(join.axis, join.axis + join.places.ndim)
        result = permute_dims(result, (*block, *(i for i in range(result.ndim) if i not in block)))
    return result


# Writing


def _value(x: Tensor, value: ArrayLike) -> Any:
    """Return the value to write: a Tensor of the dtype of `x`, or a number of its kind."""
    if backends.is_number(value):
        value = value.item()
    if not isinstance(value, Tensor):
        if isinstance(value, (list, tuple)) and x.dtype.family.endswith("integer"):
            backends.refuse_lossy(backends.read(value), x.dtype.name)
        value = value if type(value) in SCALARS else wrap(*convert(value, None, x._device))
    else:
        value = lift(value, x._device)
    return cast_within_kind(x, value, "x[key] = v")


def _is_mask(x: Tensor, key: Any) -> bool:
    return isinstance(key, Tensor) and key.dtype.name == "bool" and key.ndim > 0 and key.shape == x.shape[: key.ndim]


def _reach(mask: Tensor, x: Tensor) -> Tensor:
    """Append axes of length 1 to a mask of the first axes of `x`, so that it broadcasts."""
    return mask if mask.ndim == x.ndim else reshape(mask, mask.shape + (1,) * (x.ndim - mask.ndim))


def _scatter(x: Tensor, parsed: ParsedKey, value: Any, key: Any) -> Tensor:
    """Return the basic key's result with `value` written at the index arrays."""
    picked = _pick(x, parsed)
    join = _join(parsed, x, key)
    if _is_mask(x, key) and join.places.size == join.joined[join.axis]:
        picked = picked.detach()  # all of it is overwritten: its gradient is 0, also where it is NaN
    if len(parsed.arrays) == 1:
        _checked(join.places, join.joined[join.axis], x, key)
    prepared, rows = _prepare(picked, join), _rows(value, parsed, join, key, x)
    written = put(prepared, rows, reshape(join.places, (-1,)), axis=join.axis)
    if join.order is None:
        return reshape(written, picked.shape)
    written = reshape(written, tuple(picked.shape[i] for i in join.order))
    return permute_dims(written, tuple(join.order.index(i) for i in range(picked.ndim)))


def _rows(value: Any, parsed: ParsedKey, join: _Join, key: Any, x: Tensor) -> Any:
    """Return the value reshaped to the joined axes, its rows in the order of the flattened index."""
    if not isinstance(value, Tensor):
        return value
    before, after, block = join.joined[: join.axis], join.joined[join.axis + 1 :], join.places.shape
    if parsed.front and before:
        value = _fill(value, (*block, *before, *after), key, x)
        middle = range(len(block), len(block) + len(before))
        value = permute_dims(value, (*middle, *range(len(block)), *range(middle.stop, value.ndim)))
    else:
        value = _fill(value, (*before, *block, *after), key, x)
    return reshape(value, (*before, prod(block), *after))


def _fill(value: Tensor, shape: tuple[int, ...], key: Any, x: Tensor) -> Tensor:
    """Broadcast a value to the shape that it replaces; surplus leading axes of length 1 are dropped."""
    spare = value.ndim - len(shape)
    if spare > 0 and value.shape[:spare] == (1,) * spare:
        value = reshape(value, value.shape[spare:])
    if value.shape == shape:
        return value
    try:
        return broadcast_to(value, shape)
    except ValueError:
        raise ValueError(
            f"a value of shape {value.shape} does not broadcast to key {_show(key)} of a Tensor of shape {x.shape}, "
            f"which has shape {shape}"
        ) from None


def _assign(x: Tensor, parsed: ParsedKey, value: Any, key: Any) -> None:
    """Write at the basic key."""
    basic = parsed.basic
    if isinstance(value, Tensor):
        value = _fill(value, parsed.shape, key, x)
        if parsed.flipped:
            value = flip(value, axis=parsed.flipped)
        if None in basic:
            axes = [item for item in basic if not isinstance(item, int)]
            value = reshape(value, tuple(n for n, item in zip(value.shape, axes, strict=True) if item is not None))
    _write(x, without_new_axes(basic), value)


def replace_values(x: Tensor, result: Tensor) -> None:
    """Replace all values of `x` by those of `result`, which no other Tensor may share memory with."""
    if is_grad_enabled():
        rebind(x, result)
    else:
        _write(x, (...,), result)


def _write(x: Tensor, key: Key, value: Any) -> None:
    if is_grad_enabled():
        rebind(x, index_set(x, value, key))
    else:
        journal.writing(x)
        x._data = x._device.backend.assign(x._data, key, value._data if isinstance(value, Tensor) else value)
        tape.wrote(x)
