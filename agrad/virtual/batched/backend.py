"""The backend of batched arrays: conversion, writing in place, and other functions that the standard lacks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from operator import iadd
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ... import backends
from ...backends.base import Backend
from ...backends.typing import Array, Namespace, NativeDevice, NativeDtype
from ..base import namespace_over
from . import axes, elementwise, gathering, linalg, losses, products, shapes
from .arrays import NUMBERS, BatchedArray, aligned, boxed, leading, ranked, spread_out
from .gathering import joined
from .windows import WindowsBackend

if TYPE_CHECKING:
    from ...backends.mpi import World

__all__ = ["BatchedBackend", "over"]

FUNCTIONS: Final[dict[str, Any]] = {
    name: function
    for module in (elementwise, axes, shapes, gathering, products, linalg)
    for name, function in module.FUNCTIONS.items()
}


class BatchedBackend(WindowsBackend):
    """Backend of batched arrays that hold arrays of another library."""

    kind: ClassVar[str] = "batched"
    array_type = BatchedArray

    def __init__(self, below: Backend | None = None, xp: Namespace = None) -> None:
        self.xp: ModuleType | None = None if xp is None else namespace_over(xp, "batched", FUNCTIONS, BatchedArray)
        self.below = below
        if below is not None and below.native_keys != "standard":
            self.native_keys = "basic"  # type: ignore[misc]

    def over(self, backend: Any, xp: Namespace) -> BatchedBackend:
        """Return the backend of batched arrays that hold arrays of another library."""
        return over(backend, xp)

    def without_warnings(self) -> Any:
        return Backend.without_warnings(self) if self.below is None else self.below.without_warnings()

    def during_backward(self) -> AbstractContextManager[Any]:
        return Backend.during_backward(self) if self.below is None else self.below.during_backward()

    def device_name_of(self, array: Array) -> Any:
        device = array.level.device()
        return array.read("asarray()") if device is None else device

    # Arrays

    def asarray(self, data: Array, dtype: NativeDtype, native: NativeDevice, copy: bool | None = None) -> Any:
        if type(data) is not BatchedArray:
            return BatchedArray(native.backend.asarray(data, dtype, native.native, copy), 0, native)
        return data.like(native.backend.asarray(data.level.backend.box(data.value), dtype, native.native, copy))

    def box(self, value: Array) -> Any:
        return value

    def to_numpy(self, array: Array) -> Any:
        return array.level.backend.to_numpy(array.read("`if`, float(), item(), tolist() or numpy()"))

    def format_array(self, array: Array, name: str) -> str:
        if not array.lead:
            return array.level.backend.format_array(array.value, name)
        return f"one of {array.level.size} under vmap, shape={array.shape}"

    def underlying_array(self, array: Array) -> Any:
        return array.level.backend.underlying_array(array.level.backend.box(array.value))

    def bounds(self, array: Array) -> tuple[Any, Any]:
        return array.level.backend.bounds(array.value)

    def within(self, array: Array, least: float, most: float) -> bool:
        is_empty = 0 in array.value.shape  # also if only the batch is
        return is_empty or bool(array.level.backend.within(array.value, least, most))

    def is_view(self, array: Array) -> bool:
        return array.level.backend.is_view(array.value)

    def buffer_of(self, array: Array) -> int:
        return array.level.backend.buffer_of(array.value)

    def own(self, value: Array, shared: bool) -> Any:
        return value.like(value.level.backend.own(value.value, shared))

    def is_writable(self, array: Array) -> bool:
        return array.level.backend.is_writable(array.value)

    def copy(self, array: Array) -> Any:
        return array.like(array.level.backend.copy(array.level.backend.box(array.value)))

    # Writing in place. If only the value has the batch axis, the array is first copied for each example.

    def assign(self, array: Array, key: Any, value: Array) -> Any:
        level, items = array.level, key if type(key) is tuple else (key,)
        value = value if type(value) in NUMBERS else boxed(value, level)
        if type(value) in NUMBERS or not value.lead:
            items = (slice(None), *items) if array.lead else items
            value = value if type(value) in NUMBERS else value.value
            return array.like(level.backend.assign(level.backend.box(array.value), items, value))
        room = self._room(array)
        value = ranked(value, room[key].ndim)
        return BatchedArray(level.backend.assign(room.value, (slice(None), *items), value), 1, level)

    def _room(self, array: BatchedArray) -> BatchedArray:
        """Return the array with the batch axis, copied for each example if it has none."""
        if array.lead:
            return array
        return BatchedArray(array.level.backend.copy(spread_out(array)), 1, array.level)

    def update(self, array: Array, operator: Callable[[Any, Any], Any], other: Array) -> Any:
        (value, other), lead, level = aligned((array, other))
        if lead > array.lead:
            value = self._room(array).value
        return BatchedArray(level.backend.update(level.backend.box(value), operator, other), lead, level)

    def add_scaled(self, array: Array, other: Array, scale: float) -> Any:
        return self.update(array, iadd, other * scale)

    def add_product(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return self.update(array, iadd, x1 * x2 * scale)

    def add_quotient(self, array: Array, x1: Array, x2: Array, scale: float) -> Any:
        return self.update(array, iadd, x1 / x2 * scale)

    def put(self, array: Array, index: Array, values: Array) -> Any:
        return self._into_rows("put", array, index, values)

    def add_at(self, array: Array, index: Array, values: Array) -> Any:
        return self._into_rows("add_at", array, index, values)

    def _into_rows(self, hook: str, array: Array, index: Array, values: Array) -> Any:
        """Write rows at indices, with the batch axis merged into the axis of the rows."""
        (into, places, rows), lead, level = leading((array, index, values))
        write, xp = getattr(level.backend, hook), level.xp
        if not lead:
            return BatchedArray(write(level.backend.box(into), places, rows), 0, level)
        into = into if array.lead else level.backend.copy(into)
        flat = xp.reshape(into, (into.shape[0] * into.shape[1], *into.shape[2:]))
        rows = xp.reshape(rows, (rows.shape[0] * rows.shape[1], *rows.shape[2:]))
        written = write(flat, joined(places, into.shape[1], level), rows)
        return BatchedArray(xp.reshape(written, into.shape), 1, level)

    # Losses and layers, most by the generic formulas

    def softmax(self, x: Array, axis: Any, logarithm: bool) -> Any:
        return Backend.softmax(x.level.library, x, axis, logarithm)

    def softmax_input(self, g: Array, out: Array, axis: Any, logarithm: bool) -> Any:
        return Backend.softmax_input(g.level.library, g, out, axis, logarithm)

    def where_nonzero(self, x: Array, condition: Array) -> Any:
        return Backend.where_nonzero(x.level.library, x, condition)

    def bias_relu(self, x: Array, bias: Array, axis: int) -> Any:
        return Backend.bias_relu(x.level.library, x, bias, axis)

    def bias_relu_inputs(self, g: Array, out: Array, axis: int) -> tuple[Any, Any]:
        return Backend.bias_relu_inputs(g.level.library, g, out, axis)

    def standardize(self, x: Array, axis: tuple[int, ...], eps: float) -> tuple[Any, Any]:
        return Backend.standardize(x.level.library, x, axis, eps)

    def standardize_input(self, g: Array, out: Array, deviation: Array, axis: tuple[int, ...]) -> Any:
        return Backend.standardize_input(g.level.library, g, out, deviation, axis)

    def softmax_nll(self, input: Array, *args: Any) -> tuple[Any, tuple[Any, Any]]:
        return losses.softmax_nll(input, *args)

    def softmax_nll_input(self, g: Array, input: Array, *args: Any) -> Any:
        return losses.softmax_nll_input(g, input, *args)

    def moments(self, x: Array, axis: tuple[int, ...]) -> tuple[Any, Any]:
        return Backend.moments(x.level.library, x, axis)

    # Collectives: each process exchanges the whole batch

    def all_reduce(self, array: Array, op: str, world: World) -> Any:
        return array.like(array.level.backend.all_reduce(array.value, op, world))

    def all_gather(self, array: Array, axis: int, world: World) -> Any:
        return array.like(array.level.backend.all_gather(array.value, axis + array.lead, world))

    def reduce_scatter(self, array: Array, op: str, axis: int, world: World) -> Any:
        return array.like(array.level.backend.reduce_scatter(array.value, op, axis + array.lead, world))

    def broadcast(self, array: Array, root: int, world: World) -> Any:
        return array.like(array.level.backend.broadcast(array.value, root, world))

    # Mathematics beyond the standard

    def solve_triangular(self, x1: Array, x2: Array, upper: bool) -> Any:
        (matrices, columns), lead, level = linalg.system(x1, x2)
        return BatchedArray(level.backend.solve_triangular(matrices, columns, upper), lead, level)

    def special(self, name: str) -> Callable[..., Any]:
        def special(*arrays: Any) -> BatchedArray:
            values, lead, level = aligned(arrays)
            return BatchedArray(level.backend.special(name)(*values), lead, level)

        return special


backends.add_type(BatchedBackend())
_known: dict[int, BatchedBackend] = {}


def over(backend: Any, xp: Namespace) -> BatchedBackend:
    """Return the backend of batched arrays that hold arrays of a library, for one of its namespaces."""
    if id(xp) not in _known:
        _known[id(xp)] = BatchedBackend(backend, xp)
    return _known[id(xp)]
