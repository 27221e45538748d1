"""Buffers: arrays that are made once, into which a program computes what it does not return."""

from __future__ import annotations

from typing import Any

from ..backends.base import Backend
from ..virtual.traced.recording import Call, Variable
from .memory import Memory
from .names import Names

__all__ = ["Buffers"]


class Buffers:
    """The buffers of a program, which serve one result after another of the same shape, dtype and memory layout.

    Attributes
    ----------
    layouts : dict of str to object
        What is equal for buffers that may stand for each other, by their names.
    """

    def __init__(self, backend: Backend, memory: Memory, names: Names) -> None:
        self._backend, self._memory, self._names = backend, memory, names
        self._holders: dict[Variable, str] = {}  # the buffer of each memory that is still needed, by its root
        self._idle: dict[Any, list[str]] = {}
        self.layouts: dict[str, Any] = {}

    def take(self, call: Call, place: int, in_place: bool) -> str:
        """Return the name of a buffer for the result of a call.

        With `in_place` it is that of an operand which is not needed again, if there is one; else an idle or a new one.
        """
        out = call.outputs[0]
        layout = _layout(out.value)
        name = self._from_operand(call, place, layout) if in_place else None
        idle = self._idle.setdefault(layout, [])
        if name is None and idle:
            name = idle.pop()
        name = self._new(out.value, layout) if name is None else name
        self._holders[self._memory.root[out]] = name
        return name

    def passing(self, array: Any) -> str:
        """Return the name of a buffer like an array for a value that the next line reads, and no other."""
        layout = _layout(array)
        idle = self._idle.setdefault(layout, [])
        if not idle:
            idle.append(self._new(array, layout))
        return idle[-1]

    def _new(self, array: Any, layout: Any) -> str:
        name = self._names.unused("t0")
        self.layouts[name], self._names.known[name] = layout, self._backend.empty_as(array)
        return name

    def _from_operand(self, call: Call, place: int, layout: Any) -> str | None:
        roots = {x: self._memory.root[x] for x in call.inputs() if not x.is_number}
        for x, root in roots.items():
            alone = not any(other is root for y, other in roots.items() if y is not x)
            if alone and self.is_whole(x) and self._memory.dies_at(x, place) and _layout(x.value) == layout:
                return self._holders.pop(root)
        return None

    def is_whole(self, x: Variable) -> bool:
        """Return whether a variable is all of a buffer, and not a view of it."""
        name = self._holders.get(self._memory.root[x])
        return name is not None and self._names.of.get(x) == name

    def given_back(self, call: Call) -> str | None:
        """Return the name of the buffer, if a call returns all of it, of another view of it."""
        name = self._holders.get(self._memory.root[call.args[0]])
        return None if name is None or _layout(call.outputs[0].value) != self.layouts[name] else name

    def release(self, place: int) -> None:
        """Set those buffers free whose contents no call after a place needs."""
        for root, name in list(self._holders.items()):
            if self._memory.last[root] <= place:
                del self._holders[root]
                self._idle.setdefault(self.layouts[name], []).append(name)


def _layout(array: Any) -> Any:
    return tuple(array.shape), str(array.dtype), getattr(array, "strides", None)
