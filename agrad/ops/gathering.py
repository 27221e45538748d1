"""`take`, `take_along_axis`, and the primitives that ``x[key]`` and ``x[key] = v`` are composed of.

Reading and writing are transposes of each other: the rule of `index_get` adds the cotangent to zeros at the key, and
that of `take` adds it to zeros at the indices. Each of them is a primitive, so there are derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, TypeAlias

from .. import backends
from ..backends import device_of
from ..core import tape
from ..core.dtypes import from_native
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .data_type import in_float32

__all__ = [
    "add_along_axis",
    "add_at",
    "has_arrays",
    "index_add",
    "index_get",
    "index_set",
    "is_last_occurrence",
    "nonnegative_indices",
    "op_for",
    "put",
    "take",
    "take_along_axis",
    "without_new_axes",
]  # fmt: skip

# Integers, slices with positive steps and None, for all axes: the keys that every library supports. Libraries that
# support more (see `Backend.native_keys`) take any key of NumPy's.
Key: TypeAlias = Any


def op_for(op: Any, xp: Namespace) -> Callable[..., Any]:
    """Return the function that a rule calls for an op: the op itself for Tensors, its forward for raw arrays."""
    return op if xp is tape.namespace else partial(op.forward, xp)


# Along one axis


@primitive
def take(xp: Namespace, x: ArrayLike, indices: ArrayLike, /, *, axis: int | None = None) -> Tensor:
    """Gather elements along an axis.

    Parameters
    ----------
    x : ArrayLike
    indices : ArrayLike
        Integers of any shape; negative ones count from the end.
    axis : int, optional
        The axis to gather along; may be left out if `x` has only one.

    Returns
    -------
    Tensor
        Of the shape of `x` with the shape of `indices` in place of the axis.

    Raises
    ------
    IndexError
        If an index is out of range. This is not checked on a GPU, where it would synchronise, nor on JAX: the library
        then decides what is read.
    TypeError
        If `indices` are not integers.
    ValueError
        If `axis` is missing.

    Examples
    --------
    >>> import agrad
    >>> agrad.take(agrad.asarray([1.0, 2.0, 3.0]), agrad.asarray([2, 0, 2]))
    Tensor([3., 1., 3.], dtype=float32, device='cpu')
    """
    axis, indices = _axis(axis, x.shape), _wide(xp, indices)
    if indices.ndim == 1:
        return xp.take(x, indices, axis=axis)
    taken = xp.take(x, xp.reshape(indices, (-1,)), axis=axis)
    return xp.reshape(taken, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


@primitive
def add_at(xp: Namespace, x: ArrayLike, indices: ArrayLike, /, *, axis: int | None, shape: tuple[int, ...]) -> Tensor:
    """Return zeros of a shape with `x` added at indices along an axis: the transpose of `take`."""
    axis = _axis(axis, shape)
    count = prod(indices.shape)
    rows = xp.moveaxis(xp.reshape(x, (*shape[:axis], count, *shape[axis + 1 :])), axis, 0)
    places = nonnegative_indices(xp, xp.reshape(indices, (count,)), shape[axis])
    total = _sums(xp, (shape[axis], *rows.shape[1:]), places, rows)
    return xp.moveaxis(total, 0, axis)


take.vjp(x=lambda g, xp, indices, axis, x_shape: op_for(add_at, xp)(g, indices, axis=axis, shape=x_shape))
add_at.vjp(x=lambda g, xp, indices, axis: op_for(take, xp)(g, indices, axis=axis))


@primitive
def put(xp: Namespace, x: ArrayLike, values: ArrayLike, indices: ArrayLike, /, *, axis: int) -> Tensor:
    """Return a copy of `x` with `values` at 1-d `indices` along an axis; of a repeated index the last value stays."""
    backend = backends.of(x)
    if not backend.is_array(values):
        shape = (*x.shape[:axis], indices.shape[0], *x.shape[axis + 1 :])
        values = xp.full(shape, values, dtype=x.dtype, device=device_of(x))
    places = nonnegative_indices(xp, indices, x.shape[axis])
    written = backend.put(backend.copy(xp.moveaxis(x, axis, 0)), places, xp.moveaxis(values, axis, 0))
    return xp.moveaxis(written, 0, axis)


@primitive
def is_last_occurrence(xp: Namespace, indices: ArrayLike, /, *, length: int) -> Tensor:
    """Return for each index whether no later one is equal, so that its value stays when all are written."""
    order = xp.arange(indices.shape[0], device=device_of(indices))
    places = nonnegative_indices(xp, indices, length)
    writer = backends.of(order).put(xp.zeros(length, dtype=order.dtype, device=device_of(order)), places, order)
    return xp.take(writer, places) == order


def _put_values(g: Array, xp: Namespace, indices: Array, axis: int, x_shape: tuple[int, ...]) -> Array:
    stays = op_for(is_last_occurrence, xp)(indices, length=x_shape[axis])
    stays = xp.reshape(stays, (-1,) + (1,) * (len(x_shape) - axis - 1))
    return xp.where(stays, op_for(take, xp)(g, indices, axis=axis), 0)


put.vjp(x=lambda g, xp, indices, axis: op_for(put, xp)(g, 0, indices, axis=axis), values=_put_values)


# Along one axis, with separate indices for each position along the others


@primitive
def take_along_axis(xp: Namespace, x: ArrayLike, indices: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Gather elements along an axis, with separate indices for each position along the other axes.

    Parameters
    ----------
    x : ArrayLike
    indices : ArrayLike
        Integers, of as many axes as `x`; the other axes broadcast. Negative ones count from the end.
    axis : int
        The axis to gather along.

    Returns
    -------
    Tensor
        Of the shape of `indices`, broadcast.

    Raises
    ------
    IndexError
        If an index is out of range. This is not checked on a GPU, where it would synchronise, nor on JAX: the library
        then decides what is read.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> scores = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> agrad.take_along_axis(scores, agrad.asarray([[1], [0]]), axis=1)
    Tensor([[2.],
            [3.]], dtype=float32, device='cpu')
    """
    return xp.take_along_axis(x, _wide(xp, indices), axis=axis)


@primitive
def add_along_axis(xp: Namespace, x: ArrayLike, indices: ArrayLike, /, *, axis: int, length: int) -> Tensor:
    """Return zeros, `length` along the axis, with `x` added at indices: the transpose of `take_along_axis`."""
    rows = xp.moveaxis(x, axis, -1)
    outer = rows.shape[:-1]
    places = nonnegative_indices(xp, xp.broadcast_to(xp.moveaxis(indices, axis, -1), rows.shape), length)
    starts = xp.arange(prod(outer), device=device_of(x)) * length
    flat = xp.reshape(places, (prod(outer), rows.shape[-1])) + starts[:, None]
    total = _sums(xp, (prod(outer) * length,), xp.reshape(flat, (-1,)), xp.reshape(rows, (-1,)))
    return xp.moveaxis(xp.reshape(total, (*outer, length)), -1, axis)


take_along_axis.vjp(
    x=lambda g, xp, indices, axis, x_shape: op_for(add_along_axis, xp)(g, indices, axis=axis, length=x_shape[axis])
)
add_along_axis.vjp(x=lambda g, xp, indices, axis: op_for(take_along_axis, xp)(g, indices, axis=axis))


# At keys


@primitive
def index_get(xp: Namespace, x: ArrayLike, /, key: Key) -> Tensor:
    """Return ``x[key]``, as a view where the library has views."""
    return x[key]


@primitive
def index_add(xp: Namespace, x: ArrayLike, /, key: Key, shape: tuple[int, ...]) -> Tensor:
    """Return zeros of a shape with `x` added at a key: the transpose of `index_get`."""
    if has_arrays(key):
        places = xp.reshape(xp.arange(prod(shape), device=device_of(x)), shape)[key]
        total = _sums(xp, (prod(shape),), xp.reshape(places, (-1,)), xp.reshape(x, (-1,)))
        return xp.reshape(total, shape)
    backend, zeros = backends.of(x), _zeros(xp, shape, x)
    items = key if type(key) is tuple else (key,)
    if backend.native_keys == "standard" and None in items:
        key = without_new_axes(items)
        x = xp.reshape(x, zeros[key].shape)
    return backend.assign(zeros, key, x)


@primitive
def index_set(xp: Namespace, x: ArrayLike, value: ArrayLike, /, key: Key) -> Tensor:
    """Return a copy of `x` with `value` at a key, which holds neither None nor arrays."""
    backend = backends.of(x)
    return backend.assign(backend.copy(x), key, value)


def has_arrays(key: Key) -> bool:
    """Return whether a key holds arrays, so that it may name an element twice."""
    return any(hasattr(item, "dtype") for item in (key if isinstance(key, tuple) else (key,)))


def without_new_axes(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Drop None from a key."""
    return tuple(item for item in key if item is not None) or (...,)


index_get.vjp(x=lambda g, xp, key, x_shape: op_for(index_add, xp)(g, key=key, shape=x_shape))
index_add.vjp(x=lambda g, xp, key: op_for(index_get, xp)(g, key=key))
index_set.vjp(
    x=lambda g, xp, key: op_for(index_set, xp)(g, 0, key=key),
    value=lambda g, xp, key: op_for(index_get, xp)(g, key=key),
)


def nonnegative_indices(xp: Namespace, indices: Array, length: int) -> Array:
    """Count negative indices from the start instead of the end."""
    indices = _wide(xp, indices)
    return xp.where(indices < 0, indices + length, indices)


def _wide(xp: Namespace, indices: Array) -> Array:
    """Return indices in a dtype that holds every index; TypeError if they are not integers."""
    if not hasattr(indices, "dtype") or not from_native(indices.dtype).family.endswith("integer"):
        found = getattr(indices, "dtype", type(indices).__name__)
        raise TypeError(f"indices must be an array of integers, not {found}")
    if from_native(indices.dtype).name in ("int32", "int64"):
        return indices
    return xp.astype(indices, xp.int64)


def _sums(xp: Namespace, shape: tuple[int, ...], places: Array, rows: Array) -> Array:
    """Add rows to zeros of a shape at indices; 16-bit numbers are accumulated in float32."""
    return in_float32(xp, lambda rows: backends.of(rows).add_at(_zeros(xp, shape, rows), places, rows), rows)


def _zeros(xp: Namespace, shape: tuple[int, ...], like: Array) -> Array:
    return xp.zeros(shape, dtype=like.dtype, device=device_of(like))


def _axis(axis: int | None, shape: tuple[int, ...]) -> int:
    if axis is None:
        if len(shape) != 1:
            raise ValueError(f"take() along shape {tuple(shape)} needs an axis; write take(x, indices, axis=0)")
        return 0
    if not -len(shape) <= axis < len(shape):
        raise IndexError(f"there is no axis {axis} in shape {tuple(shape)}")
    return axis % len(shape)
