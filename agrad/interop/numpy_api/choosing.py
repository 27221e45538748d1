"""Searching, sorting, selecting elements, sets, and functions that write to their first argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ... import ops
from ...core.tensor import Tensor
from ...ops.gathering import add_at
from .arguments import Unsupported, axis_of, floats, integers, tensor, tensors, truth_of
from .shapes import resized

__all__ = ["TABLE"]


def _flat(a: Any) -> Tensor:
    return ops.reshape(tensor(a), (-1,))


def _along(a: Any, axis: Any) -> tuple[Tensor, int]:
    """Return an array and a non-negative axis; for None the array is flattened, as in NumPy."""
    return (_flat(a), 0) if axis is None else (tensor(a), axis_of(axis, tensor(a).ndim))


# Where


def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        return ops.nonzero(tensor(condition))
    like = next(value for value in (x, y, condition) if isinstance(value, Tensor))
    return ops.where(truth_of(condition, like), *_choices(x, y, like))


def _choices(x: Any, y: Any, like: Tensor) -> list[Any]:
    return [tensor(value, like) if isinstance(value, (list, tuple)) else value for value in (x, y)]


def _argwhere(a: Any) -> Tensor:
    return ops.stack(ops.nonzero(tensor(a)), axis=-1)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    choices = tensors(*choicelist)
    like = choices[0]
    chosen: Any = tensor(default, like)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        chosen = ops.where(truth_of(condition, like), choice, chosen)
    return chosen


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Tensor:
    x = tensor(x)
    conditions = [truth_of(c, x) for c in (condlist if isinstance(condlist, (list, tuple)) else [condlist])]
    found = ops.zeros_like(x)
    if len(funclist) == len(conditions) + 1:
        *funclist, otherwise = funclist
        found = ops.add(found, otherwise(x, *args, **kw) if callable(otherwise) else otherwise)
    for condition, function in zip(conditions, funclist, strict=True):
        inside = x[condition]
        value = function(inside, *args, **kw) if callable(function) else function
        found = ops.astype(ops.asarray(found, copy=True), x.dtype)
        found[condition] = value
    return found


def _choose(a: Any, choices: Any, mode: str = "raise") -> Tensor:
    if mode != "raise":
        raise Unsupported(f"mode={mode!r}")
    choices = list(ops.unstack(choices)) if isinstance(choices, Tensor) else tensors(*choices)
    a, *choices = ops.broadcast_arrays(tensor(a, choices[0]), *choices)
    chosen = choices[0]
    for i, choice in enumerate(choices[1:], 1):
        chosen = ops.where(ops.equal(a, i), choice, chosen)
    return chosen


def _compress(condition: Any, a: Any, axis: Any = None) -> Tensor:
    a, axis = _along(a, axis)
    return ops.take(a, ops.nonzero(_flat(truth_of(condition, a)))[0], axis=axis)


def _extract(condition: Any, arr: Any) -> Tensor:
    arr = _flat(arr)
    return ops.take(arr, ops.nonzero(_flat(truth_of(condition, arr)))[0])


def _take(a: Any, indices: Any, axis: Any = None, mode: str = "raise") -> Tensor:
    a, axis = _along(a, axis)
    indices = tensor(indices, a if not isinstance(indices, (int, list, tuple)) else None)
    if mode == "wrap":
        indices = ops.remainder(indices, a.shape[axis])
    elif mode == "clip":
        indices = ops.clip(indices, 0, a.shape[axis] - 1)
    return ops.take(a, indices, axis=axis)


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Tensor:
    arr, axis = _along(arr, axis)
    return ops.take_along_axis(arr, tensor(indices), axis=axis)


def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Tensor:
    arr = tensor(arr)
    axis = axis_of(axis, arr.ndim)
    rows = ops.moveaxis(arr, axis, -1)
    results = [tensor(func1d(row, *args, **kwargs), arr) for row in ops.reshape(rows, (-1, rows.shape[-1]))]
    shape, others = results[0].shape, rows.shape[:-1]
    stacked = ops.reshape(ops.stack(results), (*others, *shape))
    order = (*range(axis), *range(len(others), len(others) + len(shape)), *range(axis, len(others)))
    return ops.permute_dims(stacked, order)


def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Tensor:
    a = tensor(a)
    for axis in axes if isinstance(axes, (list, tuple)) else (axes,):
        result = tensor(func(a, axis))
        a = result if result.ndim == a.ndim else ops.expand_dims(result, axis=axis)
    return a


# Searching


def _arg(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def arg(a: Any, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        return op(tensor(a), axis=None if axis is None else integers(axis), keepdims=keepdims)

    return arg


def _nanarg(op: Callable[..., Tensor], end: float) -> Callable[..., Tensor]:
    def nanarg(a: Any, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        a = tensor(a)
        unknown = ops.isnan(a)
        if bool(ops.any(ops.all(unknown, axis=axis))):
            raise ValueError("All-NaN slice encountered")
        return _arg(op)(ops.where(unknown, end, a) if a.dtype.differentiable else a, axis, keepdims=keepdims)

    return nanarg


def _flatnonzero(a: Any) -> Tensor:
    return ops.nonzero(_flat(a))[0]


def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Tensor:
    a, v = tensors(a, v)
    return ops.searchsorted(a, v, side=side, sorter=sorter)


def _digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    x, bins = tensors(x, bins)
    falling = bins.shape[0] > 1 and bool(bins[0] > bins[-1])
    side: Any = "left" if right != falling else "right"
    found = ops.searchsorted(ops.flip(bins) if falling else bins, x, side="left" if right else "right")
    if not falling:
        return found
    found = ops.searchsorted(ops.flip(bins), x, side=side if right else "right")
    return ops.subtract(bins.shape[0], found)


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tensor:
    x = tensor(x, None)
    length = max(minlength, int(ops.max(x)) + 1 if x.size else 0)
    if weights is None:
        return add_at(ops.ones_like(x), x, axis=0, shape=(length,))
    return add_at(floats(weights), x, axis=0, shape=(length,))


# Order


def _order(kind: Any, order: Any) -> None:
    if order is not None:
        raise Unsupported(f"order={order!r}")


def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    _order(kind, order)
    a, axis = _along(a, axis)
    return ops.sort(a, axis=axis)


def _argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    _order(kind, order)
    a, axis = _along(a, axis)
    return ops.argsort(a, axis=axis)


def _lexsort(keys: Any, axis: int = -1) -> Tensor:
    keys = list(ops.unstack(keys)) if isinstance(keys, Tensor) else tensors(*keys)
    axis = axis_of(axis, keys[0].ndim)
    order = ops.argsort(keys[0], axis=axis)
    for key in keys[1:]:
        again = ops.argsort(ops.take_along_axis(key, order, axis=axis), axis=axis)
        order = ops.take_along_axis(order, again, axis=axis)
    return order


def _partition(a: Any, kth: Any, axis: Any = -1) -> Tensor:
    """Return the sorted array, which is partitioned at every `kth`."""
    return _sort(a, axis)


def _argpartition(a: Any, kth: Any, axis: Any = -1) -> Tensor:
    return _argsort(a, axis)


# Sets


def _unique_values(x: Any, /) -> Tensor:
    return ops.unique_values(tensor(x))


class _Unique(NamedTuple):
    values: Any
    indices: Any
    inverse: Any
    counts: Any


def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None
) -> Any:
    if axis is not None:
        raise Unsupported(f"axis={axis!r}")
    found = _Unique(*ops.unique_all(tensor(ar)))
    asked = zip(found[1:], (return_index, return_inverse, return_counts), strict=True)
    wanted = [part for part, is_wanted in asked if is_wanted]
    return (found.values, *wanted) if wanted else found.values


def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    element, test_elements = tensors(element, test_elements)
    found = _are_in(element.detach(), _flat(test_elements).detach())
    return ops.logical_not(found) if invert else found


def _are_in(values: Tensor, others: Tensor) -> Tensor:
    """Return whether each value is among `others`; the standard's `isin` takes only integers."""
    if not (values.dtype.differentiable and others.size):
        return ops.isin(values, others)
    others = ops.sort(others)
    places = ops.clip(ops.searchsorted(others, values), 0, others.shape[0] - 1)
    return ops.equal(ops.reshape(ops.take(others, _flat(places)), values.shape), values)


def _union1d(ar1: Any, ar2: Any) -> Tensor:
    ar1, ar2 = tensors(ar1, ar2)
    return ops.unique_values(ops.concat([_flat(ar1), _flat(ar2)]))


def _within(ar1: Any, ar2: Any, *, inside: bool) -> Tensor:
    """Return the unique values of `ar1` that are in `ar2`, or are not if `inside` is False."""
    ar1, ar2 = tensors(ar1, ar2)
    values = ops.unique_values(_flat(ar1))
    found = _are_in(values.detach(), _flat(ar2).detach())
    return ops.take(values, ops.nonzero(found if inside else ops.logical_not(found))[0])


def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Tensor:
    return _within(ar1, ar2, inside=True)


def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Tensor:
    if assume_unique:
        raise Unsupported("assume_unique=True")
    return _within(ar1, ar2, inside=False)


def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Tensor:
    parts = [_within(ar1, ar2, inside=False), _within(ar2, ar1, inside=False)]
    return ops.sort(ops.concat(parts))


# Functions that write to their first argument


def _written(a: Any) -> Tensor:
    """Return the Tensor to write to; a NumPy array cannot hold values that require gradients."""
    if not isinstance(a, Tensor):
        raise Unsupported("a NumPy array to write to")
    return a


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst = _written(dst)
    dst[...] = src if where is True else ops.where(truth_of(where, dst), src, dst)


def _putmask(a: Any, mask: Any, values: Any) -> None:
    a = _written(a)
    a[...] = ops.where(truth_of(mask, a), resized(tensor(values, a), a.shape), a)


def _place(arr: Any, mask: Any, vals: Any) -> None:
    arr = _written(arr)
    mask = truth_of(mask, arr)
    arr[mask] = resized(tensor(vals, arr), (int(ops.count_nonzero(mask)),))


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if mode != "raise":
        raise Unsupported(f"mode={mode!r}")
    a = _written(a)
    ind = _flat(tensor(ind))
    flat = ops.asarray(ops.reshape(a, (-1,)), copy=True)
    flat[ind] = resized(tensor(v, a), ind.shape)
    a[...] = ops.reshape(flat, a.shape)


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    arr = _written(arr)
    if axis is None:
        return _put(arr, indices, values)
    axis, indices = axis_of(axis, arr.ndim), tensor(indices)
    shape = indices.shape
    key = [
        ops.reshape(ops.arange(n, device=arr.device), tuple(n if i == k else 1 for k in range(arr.ndim)))
        for i, n in enumerate(arr.shape)
    ]
    key[axis] = indices
    arr[tuple(key)] = ops.broadcast_to(tensor(values, arr), shape)
    return None


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a = _written(a)
    if wrap:
        raise Unsupported("wrap=True")
    steps = ops.arange(min(a.shape), device=a.device)
    a[(steps,) * a.ndim] = resized(tensor(val, a), steps.shape)


WRITERS: Final[dict[str, Callable[..., Any]]] = {
    "copyto": _copyto,
    "fill_diagonal": _fill_diagonal,
    "place": _place,
    "put": _put,
    "put_along_axis": _put_along_axis,
    "putmask": _putmask,
}

TABLE: Final[dict[str, Callable[..., Any]]] = {
    **WRITERS,
    "apply_along_axis": _apply_along_axis,
    "apply_over_axes": _apply_over_axes,
    "argmax": _arg(ops.argmax),
    "argmin": _arg(ops.argmin),
    "argpartition": _argpartition,
    "argsort": _argsort,
    "argwhere": _argwhere,
    "bincount": _bincount,
    "choose": _choose,
    "compress": _compress,
    "digitize": _digitize,
    "extract": _extract,
    "flatnonzero": _flatnonzero,
    "intersect1d": _intersect1d,
    "isin": _isin,
    "lexsort": _lexsort,
    "nanargmax": _nanarg(ops.argmax, -math.inf),
    "nanargmin": _nanarg(ops.argmin, math.inf),
    "nonzero": lambda a: ops.nonzero(tensor(a)),
    "partition": _partition,
    "piecewise": _piecewise,
    "searchsorted": _searchsorted,
    "select": _select,
    "setdiff1d": _setdiff1d,
    "setxor1d": _setxor1d,
    "sort": _sort,
    "take": _take,
    "take_along_axis": _take_along_axis,
    "union1d": _union1d,
    "unique": _unique,
    "unique_all": lambda x, /: ops.unique_all(tensor(x)),
    "unique_counts": lambda x, /: ops.unique_counts(tensor(x)),
    "unique_inverse": lambda x, /: ops.unique_inverse(tensor(x)),
    "unique_values": _unique_values,
    "where": _where,
}
