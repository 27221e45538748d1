"""``x[key]`` and ``x[key] = v``, composed of the primitives in `gathering` once `keys` has parsed the key.

Several index arrays are combined into one, which indexes their axes flattened into one axis.

`setitem` writes by the library's own indexing if that supports the key (`_write_natively`), otherwise at the basic key
(`_assign`), after `_scatter` if the key has arrays. In the end `_write` or `replace_values` either writes into the
memory of `x` or, while recording, calls `rebind`, which gives `x` the array and the Node of the result.
"""

from __future__ import annotations

from math import prod
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
from .keys import ParsedKey, expand, is_basic, native, parse_item, parse_key, show_key, wrong_key
from .manipulation import broadcast_shapes, broadcast_to, flip, permute_dims, reshape
from .searching import nonzero, where

__all__ = [
    "cast_within_kind", "getitem", "rebind", "refuse_leaf", "refuse_widening", "replace_values", "setitem", "take",
    "take_along_axis",
]  # fmt: skip


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
    if keys != "standard" and is_basic(key):
        return _cut(x, key)
    if (above := _meeting("x[key]", x, key)) is not x._device:
        return getitem(lift(x, above), key)
    index = None if isinstance(key, tuple) or is_basic(key) else parse_item(x, key, key)
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
        raise wrong_key(x, key[0] if key else native_key, str(error.__cause__ or error)) from None
    except ValueError:
        expand(x, key[0] if key else native_key)  # to name a step of 0
        raise


def _meeting(what: str, x: Tensor, *others: Any) -> Device:
    """Return the device to which a Tensor and the Tensors of a key or a value can be lifted."""
    items = [item for other in others for item in (other if isinstance(other, tuple) else (other,))]
    devices = [item._device for item in items if isinstance(item, Tensor) and item._device is not x._device]
    found = common_device([x._device, *devices]) if devices else x._device
    if found is None:
        raise errors.mixed_devices(what, [x._device.name, *(device.name for device in devices)])
    return found


def _take_rows(x: Tensor, index: Tensor, key: Any) -> Tensor:
    try:
        return take(x, index, axis=0)
    except IndexError as error:
        raise wrong_key(x, key, str(error.__cause__ or error)) from None


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
    if backend.native_keys == "standard" or (backend.native_keys == "basic" and not is_basic(key)):
        return False
    raw = value._data if isinstance(value, Tensor) else value
    journal.writing(x)
    try:
        x._data = backend.assign(x._data, key if is_basic(key) else native(x, key), raw)
    except (IndexError, ValueError) as error:
        raise errors.in_op("x[key] = v", error, (x, show_key(key), value), {}) from None
    tape.wrote(x)
    return True


def refuse_leaf(x: Tensor) -> None:
    """Raise RuntimeError for a leaf that requires gradients."""
    if x._node is LEAF:
        raise errors.leaf_in_place()


def refuse_widening(what: str) -> None:
    """Raise RuntimeError under `no_grad` for values that differ over a batch, if the array of `x` has no batch axis."""
    if not is_grad_enabled():
        raise RuntimeError(
            f"{what} under vmap and no_grad: x is the same for the whole batch, and v has a value for each example; "
            "make x by agrad.zeros_like of a Tensor that differs over the batch, or write while recording"
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
        raise wrong_key(x, key, f"its arrays have shapes {shapes}, which do not broadcast") from None
    places: Any = 0
    for array, length in zip(arrays, lengths, strict=True):
        places = places * length + _checked(array, length, x, key)
    return wrap(places, x._device)


def _checked(array: Tensor, length: int, x: Tensor, key: Any) -> Any:
    """Return an index array without negative indices; IndexError if one is out of range."""
    xp, backend, native = x._device.xp, x._device.backend, x._device.native
    index = xp.astype(array._data, backend.default_integer(native), copy=False)
    if _leads_out(index, length, x._device):
        raise wrong_key(x, key, f"an index in an array is out of range for an axis of length {length}")
    return nonnegative_indices(xp, index, length)


def _leads_out(index: Any, length: int, device: Device) -> bool:
    """Return whether an index is out of range; False if the check would wait for the device."""
    if length == 0 or 0 in index.shape:
        return 0 not in index.shape
    if device.backend.waits_on_read(device.native):
        return False
    return not device.backend.within(index, -length, length - 1)


def _prepare(picked: Tensor, join: _Join) -> Tensor:
    if join.order is not None:
        picked = permute_dims(picked, join.order)
    return picked if picked.shape == join.joined else reshape(picked, join.joined)


def _gather(picked: Tensor, parsed: ParsedKey, x: Tensor, key: Any) -> Tensor:
    join = _join(parsed, x, key)
    try:
        result = take(_prepare(picked, join), join.places, axis=join.axis)
    except IndexError as error:
        raise wrong_key(x, key, str(error.__cause__ or error)) from None
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
        picked = picked.detach()  # all elements are overwritten, so their gradient is 0, even if they are NaN
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
            f"a value of shape {value.shape} does not broadcast to key {show_key(key)} of a Tensor of shape {x.shape}, "
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
