"""Writes to parts of arrays, arrays filled with one value, and arrays joined from others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, Final

from ...virtual.traced.recording import Call, Variable
from ..memory import Memory
from .access import Access, whole
from .elements import literal
from .indices import checked_places
from .values import Values, empty, is_uniform
from .views import at_key

__all__ = ["MADE", "WRITES", "write_part"]


def _target(values: Values, memory: Memory, call: Call) -> Access:
    """Return where a call may write: to its first argument if that is not needed otherwise, or to a copy."""
    x, out = call.args[0], call.outputs[0]
    if call in memory.in_place and memory.root[x] in memory.allocated:
        return values.access(x)[1]
    i = values.place(x.value.shape, x)
    target = whole(values.new_array(out, i), x.value.shape)
    values.copy_to(target, x, i)
    return target


def write_part(values: Values, memory: Memory, call: Call) -> None:
    """Add a write at a basic key."""
    target = _target(values, memory, call)
    part = at_key(target, call.args[1])
    if part is None:
        values.refuse(" at such a key")
    given = _apart(values, call.args[2], target)
    values.stored[call.outputs[0]] = values.copy_to(part, given, new=True) + 1, target


def _apart(values: Values, x: Any, target: Access) -> Any:
    """Return the value to write, copied if it is in the memory that is written to."""
    if x in values.stored and values.stored[x][1].name == target.name:
        values.copy(x)
    return x


def _scatter(template: str, values: Values, memory: Memory, call: Call) -> None:
    """Add a write at indices along the first axis."""
    _, indices, given = call.args
    target = _target(values, memory, call)
    _, through = checked_places(values, indices, target.shape[0])
    part = target.gathered(0, through, indices.value.shape[0])
    if part is None:
        values.refuse(" of such a view")
    given = _apart(values, given, target)
    i = values.nests.new(part.shape)
    nest, dtype = values.nests.nest(i), values.dtype_of(call.outputs[0])
    nest.body.append(template.format(part.element(nest.loops), values.element(given, i, dtype)))
    values.stored[call.outputs[0]] = i + 1, target


WRITES: Final[dict[str, Callable[[Values, Memory, Call], None]]] = {
    "add_at": partial(_scatter, "{0} = {0} + {1}"),
    "put": partial(_scatter, "{0} = {1}"),
}


def _filled(values: Values, call: Call) -> None:
    out = call.outputs[0]
    if not call.name.startswith("empty") and not is_uniform(out.value):
        values.refuse()
    value = 0 if call.name.startswith("empty") or not prod(out.value.shape) else out.value.reshape(-1)[0]
    dtype = values.dtype_of(out)
    values.singles[out] = 0, literal(value, dtype), dtype


def _fresh(values: Values, out: Variable) -> Access:
    """Return a new array for a variable."""
    values.dtype_of(out)
    name = values.homes.pop(out, None)
    if name is None:
        name = values.names.unused("t0")
        values.block([f"{name} = {empty(out)}"])
    return whole(name, out.value.shape)


def _fill(values: Values, out: Variable, part: Access, x: Any) -> None:
    i = values.copy_to(part, x, new=True)
    values.stored[out] = i + 1, whole(part.name, out.value.shape)


def _stack(values: Values, call: Call) -> None:
    out = call.outputs[0]
    axis = call.kwargs.get("axis", 0) % len(out.value.shape)
    target = _fresh(values, out)
    for place, x in enumerate(call.args[0]):
        _fill(values, out, target.fixed(axis, place), x)


def _concat(values: Values, call: Call) -> None:
    out, axis = call.outputs[0], call.kwargs.get("axis", 0)
    if axis is None:
        values.refuse(" with axis=None")
    axis %= len(out.value.shape)
    target, start = _fresh(values, out), 0
    for x in call.args[0]:
        length = x.value.shape[axis]
        _fill(values, out, target.sliced(axis, start, 1, length), x)
        start += length


MADE: Final[dict[str, Callable[[Values, Call], None]]] = {
    **dict.fromkeys(("empty", "empty_like", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"), _filled),
    "concat": _concat, "stack": _stack,
}  # fmt: skip
