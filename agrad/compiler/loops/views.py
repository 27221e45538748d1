"""Calls that return views: other indices into the same array."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Final

from ...virtual.traced.recording import Call
from .access import Access, whole
from .values import Values

__all__ = ["VIEWS", "at_key"]


def _view(values: Values, call: Call, change: Callable[[Access], Access | None], place: int = 0) -> None:
    """Add a view of the first argument, given the function that changes its access."""
    x, out = call.args[0], call.outputs[place]
    if x in values.singles and prod(out.value.shape) == 1:
        values.singles[out] = values.singles[x]
        return
    ready, access = values.access(x)
    found = change(access)
    if found is None:
        values.refuse(" with such arguments")
    values.stored[out] = ready, found


def _matrix_transpose(values: Values, call: Call) -> None:
    _view(values, call, lambda a: a.permuted([*range(len(a.shape) - 2), -1, -2]))


def _permute_dims(values: Values, call: Call) -> None:
    axes = call.args[1] if len(call.args) > 1 else call.kwargs["axes"]
    _view(values, call, lambda a: a.permuted(axes))


def _moveaxis(values: Values, call: Call) -> None:
    source, destination = call.args[1:]
    if type(source) is not int or type(destination) is not int:
        values.refuse(" of several axes")
    count = len(call.args[0].value.shape)
    axes = [i for i in range(count) if i != source % count]
    axes.insert(destination % count, source % count)
    _view(values, call, lambda a: a.permuted(axes))


def _broadcast_to(values: Values, call: Call) -> None:
    x, out = call.args[0], call.outputs[0]
    if x in values.singles:
        values.singles[out] = values.singles[x]
    else:
        _view(values, call, lambda a: a.broadcast(tuple(out.value.shape)))


def _flip(values: Values, call: Call) -> None:
    axis, count = call.kwargs.get("axis"), len(call.args[0].value.shape)
    axes = range(count) if axis is None else [axis] if type(axis) is int else axis

    def flipped(access: Access) -> Access:
        for k in axes:
            length = access.shape[k % count]
            access = access.sliced(k % count, length - 1, -1, length)
        return access

    _view(values, call, flipped)


def _getitem(values: Values, call: Call) -> None:
    _view(values, call, lambda a: at_key(a, call.args[1]))


def _unstack(values: Values, call: Call) -> None:
    axis = call.kwargs.get("axis", 0) % len(call.args[0].value.shape)
    for place in range(len(call.outputs)):
        _view(values, call, lambda a, place=place: a.fixed(axis, place), place)  # type: ignore[misc]


def _reshape(values: Values, call: Call) -> None:
    """Add a reshape: a view if only axes of length 1 are inserted or removed; otherwise of a contiguous array."""
    x, out = call.args[0], call.outputs[0]
    shape = tuple(out.value.shape)
    if (x in values.singles and prod(shape) == 1) or values.access(x)[1].reshaped(shape) is not None:
        _view(values, call, lambda a: a.reshaped(shape))
        return
    if values.contiguous(x).endswith(".T"):
        values.copy(x)
    text, name = values.contiguous(x), values.names.unused("v0")
    values.stored[out] = values.block([f"{name} = {text}.reshape({shape!r})"], text), whole(name, shape)


def at_key(access: Access, key: Any) -> Access | None:
    """Return the view at a basic key; None if the key is not basic."""
    parts = key if type(key) is tuple else (key,)
    if not all(part is None or part is ... or type(part) in (int, slice) for part in parts):
        return None
    if ... not in parts:
        parts = (*parts, ...)
    axis = 0
    for part in parts:
        if part is ...:
            axis = len(access.shape) - sum(type(x) in (int, slice) for x in parts[parts.index(...) :])
        elif part is None:
            shape = (*access.shape[:axis], 1, *access.shape[axis:])
            access = access.renumbered(shape, [k + (k >= axis) for k in range(len(access.shape))])
            axis += 1
        elif type(part) is slice:
            start, stop, step = part.indices(access.shape[axis])
            access = access.sliced(axis, start, step, len(range(start, stop, step)))
            axis += 1
        else:
            access = access.fixed(axis, part % access.shape[axis])
    return access


VIEWS: Final[dict[str, Callable[[Values, Call], None]]] = {
    "broadcast_to": _broadcast_to, "expand_dims": _reshape, "flip": _flip, "getitem": _getitem,
    "matrix_transpose": _matrix_transpose, "moveaxis": _moveaxis, "permute_dims": _permute_dims, "reshape": _reshape,
    "squeeze": _reshape, "unstack": _unstack,
}  # fmt: skip
