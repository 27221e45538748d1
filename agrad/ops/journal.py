"""Journals: states of Tensors and modules, saved before they change, so that the changes can be undone.

Before code changes one of them, it calls `writing`, `rebinding` or `assigning`. If a journal is open in the current
context, it saves the state from before the first change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias
from weakref import ref

from ..core import errors, tape
from ..core.tensor import Tensor, wrap

__all__ = ["Before", "Journal", "Note", "assigning", "bring_back", "changes", "journaling", "rebinding", "writing"]

_open: ContextVar[Journal | None] = ContextVar("agrad journal", default=None)
changes: Final = [0]  # how often an attribute or a hook of any module was changed


def writing(x: Tensor) -> None:
    """Tell the open journal that the memory of a Tensor is about to be written in place."""
    journal = _open.get()
    if journal is not None and id(x) not in journal.notes:
        journal.notes[id(x)] = x, _Written(x)


def rebinding(x: Tensor) -> None:
    """Tell the open journal that a Tensor is about to get another array and another Node."""
    journal = _open.get()
    if journal is not None and id(x) not in journal.notes:
        journal.notes[id(x)] = x, _Rebound(x)


def assigning(module: Any, name: str, buffer: bool) -> None:
    """Tell the open journal that an attribute of a module is about to be assigned or deleted."""
    changes[0] += 1
    journal = _open.get()
    if journal is not None and (id(module), name) not in journal.notes:
        journal.notes[id(module), name] = module, _Assigned(module, name, buffer)


class Note:
    """A saved state. `undo` restores it at the end, `bring_back` later, while another journal is open."""

    buffer: int | None = None  # identifies the memory that was written in place
    comes_back = True

    def undo(self, owner: Any, graph: bool) -> None:
        """Restore the saved state."""
        raise NotImplementedError

    def bring_back(self, owner: Any) -> None:
        """Restore the saved state again, so that an open journal can undo it."""
        raise NotImplementedError


class _Rebound(Note):
    """A Tensor's array and its Node."""

    def __init__(self, x: Tensor) -> None:
        self.device, self.data, self.node = x._device, x._data, x._node

    def undo(self, x: Tensor, graph: bool) -> None:
        x._data, x._device, x._node = self.data, self.device, self.node

    def bring_back(self, x: Tensor) -> None:
        rebinding(x)
        x._data, x._device, x._node = self.data, self.device, self.node


class _Written(_Rebound):
    """A Tensor's array and Node, and a copy of the array from before it was written in place."""

    buffer: int

    def __init__(self, x: Tensor) -> None:
        super().__init__(x)
        self.backend = x._device.backend
        self.copy, self.buffer = self.backend.copy(x._data), self.backend.buffer_of(x._data)
        self.version = tape.written.get(self.buffer)

    def undo(self, x: Tensor, graph: bool) -> None:
        super().undo(x, graph)
        if self.copy is self.data:  # the library's arrays are immutable, as JAX's
            return
        x._data = self.backend.assign(self.data, (...,), self.copy)
        if graph:
            tape.wrote(x)
        elif self.version is None:
            tape.written.pop(self.buffer, None)
        else:
            tape.written[self.buffer] = self.version

    def bring_back(self, x: Tensor) -> None:
        if x._device is not self.device:
            raise errors.changed("checkpoint")
        writing(x)
        x._data, x._node = self.backend.assign(x._data, (...,), self.copy), self.node

    def stand_in(self) -> Tensor:
        """Return a new Tensor that shares the memory."""
        return wrap(self.data, self.device)


class _Assigned(Note):
    """The value of a module's attribute, if it had one: a new attribute is not removed.

    Only buffers are brought back: other attributes may be what the first call set up.
    """

    def __init__(self, module: Any, name: str, buffer: bool) -> None:
        self.name, self.value = name, vars(module).get(name, self)
        self.comes_back = buffer and isinstance(self.value, Tensor)

    def undo(self, module: Any, graph: bool) -> None:
        if self.value is not self:
            vars(module)[self.name] = self.value

    def bring_back(self, module: Any) -> None:
        if isinstance(vars(module).get(self.name), Tensor):
            assigning(module, self.name, True)
            vars(module)[self.name] = self.value


class Journal:
    """The states from before the first change of each object, in the order of the changes."""

    def __init__(self) -> None:
        self.notes: dict[Any, tuple[Any, Note]] = {}

    def undo(self, graph: bool) -> None:
        """Restore everything. With `graph`, Nodes that saved what this overwrites will raise at their backward pass."""
        for owner, note in reversed(self.notes.values()):
            note.undo(owner, graph)

    def copy_of(self, x: Any) -> Any:
        """Return a copy of a Tensor's array from before it was written in place; None if it was not."""
        _, note = self.notes.get(id(x), (None, None))
        return note.copy if isinstance(note, _Written) else None

    def replaced(self) -> list[Any]:
        """Return the old values of the attributes that were assigned."""
        return [note.value for _, note in self.notes.values() if isinstance(note, _Assigned)]

    def close(self) -> Before:
        """Empty the journal; return for `bring_back` the notes on objects that still exist, and on their views."""
        weak = [(ref(owner), note) for owner, note in self.notes.values() if note.comes_back]
        self.notes.clear()
        buffers = {note.buffer for owner, note in weak if owner() is not None}
        before: Before = []
        for owner, note in weak:
            if owner() is not None:
                before.append((owner, note))
            elif isinstance(note, _Written) and note.buffer in buffers:
                before.append((note.stand_in, note))
        return before


Before: TypeAlias = list[tuple[Callable[[], Any], Note]]  # each note with a callable that returns its owner, or None


@contextmanager
def journaling(journal: Journal) -> Iterator[None]:
    """Open a journal for a ``with`` block; an outer journal gets its notes at the end."""
    outer = _open.get()
    token = _open.set(journal)
    try:
        yield
    finally:
        _open.reset(token)
        if outer is not None:
            outer.notes |= {key: note for key, note in journal.notes.items() if key not in outer.notes}


def bring_back(before: Before) -> None:
    """Restore the states that a journal saved; an open journal saves the present ones first."""
    for owner, note in reversed(before):
        if (there := owner()) is not None:
            note.bring_back(there)
