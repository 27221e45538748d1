"""Joining and splitting arrays, inserting and deleting elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import DTypeLike
from .arguments import axis_of, integers, tensor, tensors
from .shapes import TABLE as SHAPES

__all__ = ["TABLE"]


def _parts(arrays: Any) -> list[Tensor]:
    return list(ops.unstack(arrays)) if isinstance(arrays, Tensor) else tensors(*arrays)


def _typed(x: Tensor, dtype: DTypeLike) -> Tensor:
    return x if dtype is None else ops.astype(x, dtype, copy=False)


def _concatenate(arrays: Any, /, axis: Any = 0, *, dtype: DTypeLike = None) -> Tensor:
    return _typed(ops.concat(_parts(arrays), axis=axis), dtype)


def _stack(arrays: Any, axis: int = 0, *, dtype: DTypeLike = None) -> Tensor:
    return _typed(ops.stack(_parts(arrays), axis=axis), dtype)


def _vstack(tup: Any, *, dtype: DTypeLike = None) -> Tensor:
    return _concatenate([SHAPES["atleast_2d"](x) for x in _parts(tup)], 0, dtype=dtype)


def _hstack(tup: Any, *, dtype: DTypeLike = None) -> Tensor:
    parts = [SHAPES["atleast_1d"](x) for x in _parts(tup)]
    return _concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


def _dstack(tup: Any) -> Tensor:
    return ops.concat([SHAPES["atleast_3d"](x) for x in _parts(tup)], axis=2)


def _column_stack(tup: Any) -> Tensor:
    return ops.concat([x if x.ndim > 1 else ops.reshape(x, (-1, 1)) for x in _parts(tup)], axis=1)


def _append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    arr, values = tensors(arr, values)
    return ops.concat([arr, values], axis=axis)


def _block(arrays: Any) -> Tensor:
    depth = _depth(arrays)
    leaves = iter(tensors(*_leaves(arrays)))
    ndim = max(depth, *[x.ndim for x in tensors(*_leaves(arrays))])
    return _blocks(arrays, leaves, ndim, depth)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _leaves(arrays: Any) -> list[Any]:
    return [leaf for part in arrays for leaf in _leaves(part)] if isinstance(arrays, list) else [arrays]


def _blocks(arrays: Any, leaves: Any, ndim: int, depth: int) -> Tensor:
    """Concatenate nested lists, the innermost along the last axis."""
    if not isinstance(arrays, list):
        leaf = next(leaves)
        return ops.reshape(leaf, (1,) * (ndim - leaf.ndim) + leaf.shape)
    return ops.concat([_blocks(part, leaves, ndim, depth - 1) for part in arrays], axis=-depth)


# Splitting


def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    ary, sections = tensor(ary), integers(indices_or_sections)
    axis = axis_of(axis, ary.ndim)
    n = ary.shape[axis]
    if isinstance(sections, tuple):
        ends = [slice(*pair).indices(n)[:2] for pair in zip((0, *sections), (*sections, n), strict=True)]
    else:
        size, longer = divmod(n, sections)
        starts = [i * size + min(i, longer) for i in range(sections + 1)]
        ends = list(pairwise(starts))
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, max(start, stop)))] for start, stop in ends]


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    ary, sections = tensor(ary), integers(indices_or_sections)
    if isinstance(sections, int) and ary.shape[axis_of(axis, ary.ndim)] % sections:
        raise ValueError(f"axis {axis} of shape {ary.shape} has no {sections} equal parts; write np.array_split")
    return _array_split(ary, sections, axis)


def _hsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    ary = tensor(ary)
    return _split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    return tuple(ops.unstack(tensor(x), axis=axis))


# Inserting and deleting


def _places(obj: Any, length: int) -> list[int]:
    """Return the non-negative positions along an axis that an index selects."""
    if isinstance(obj, slice):
        return list(range(*obj.indices(length)))
    listed = obj.tolist() if hasattr(obj, "tolist") else obj
    listed = list(listed) if isinstance(listed, Sequence) else [listed]
    if listed and all(type(i) is bool for i in listed):
        return [i for i, chosen in enumerate(listed) if chosen]
    return [axis_of(i, length) for i in listed]


def _delete(arr: Any, obj: Any, axis: Any = None) -> Tensor:
    arr = tensor(arr)
    arr, axis = (ops.reshape(arr, (-1,)), 0) if axis is None else (arr, axis_of(axis, arr.ndim))
    gone = set(_places(obj, arr.shape[axis]))
    left = [i for i in range(arr.shape[axis]) if i not in gone]
    return ops.take(arr, ops.asarray(left, dtype="int64", device=arr.device), axis=axis)


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tensor:
    arr, values = tensors(arr, values)
    arr, axis = (ops.reshape(arr, (-1,)), 0) if axis is None else (arr, axis_of(axis, arr.ndim))
    n = arr.shape[axis]
    one = not isinstance(obj, (slice, Sequence)) and not getattr(obj, "ndim", 0)
    places = _places(obj, n + 1) if not isinstance(obj, slice) else _places(obj, n)
    others = (*arr.shape[:axis], *arr.shape[axis + 1 :])
    if one and values.ndim == arr.ndim:
        rows = ops.moveaxis(values, axis, 0)
    else:
        rows = values if one else ops.moveaxis(values, axis, 0) if values.ndim == arr.ndim else values
        rows = ops.reshape(rows, (-1,)) if arr.ndim == 1 else rows
    count = rows.shape[0] if one and rows.ndim == arr.ndim else len(places)
    rows = ops.astype(ops.broadcast_to(rows, (count, *others)), arr.dtype, copy=False)
    places = places * count if one else places
    ahead = sorted(range(count), key=lambda i: places[i])  # stable: values for the same position keep their order
    order: list[int] = []
    for i in range(n + 1):
        order += [n + k for k in ahead if places[k] == i]
        order += [i] if i < n else []
    both = ops.concat([ops.moveaxis(arr, axis, 0), rows], axis=0)
    return ops.moveaxis(ops.take(both, ops.asarray(order, dtype="int64", device=arr.device), axis=0), 0, axis)


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "append": _append,
    "array_split": _array_split,
    "block": _block,
    "column_stack": _column_stack,
    "concatenate": _concatenate,
    "delete": _delete,
    "dsplit": lambda ary, indices_or_sections: _split(ary, indices_or_sections, 2),
    "dstack": _dstack,
    "hsplit": _hsplit,
    "hstack": _hstack,
    "insert": _insert,
    "split": _split,
    "stack": _stack,
    "unstack": _unstack,
    "vsplit": lambda ary, indices_or_sections: _split(ary, indices_or_sections, 0),
    "vstack": _vstack,
}
