"""Journals: what Tensors and modules were before they change, so that the changes can be undone.

Whoever changes one says so first, by `writing`, `rebinding` or `assigning`. Where a journal is open in the running
context, it notes what was there before the first change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias
from weakref import ref

from ..core import errors, tape
from ..core.tensor import Tensor, wrap

__all__ = ["Before", "Journal", "Note", "assigning", "bring_back", "journaling", "rebinding", "writing"]

_open: ContextVar[Journal | None] = ContextVar("agrad journal", default=None)


def writing(x: Tensor) -> None:
    """Say that the memory of a Tensor is about to be written into."""
    journal = _open.get()
    if journal is not None and id(x) not in journal.notes:
        journal.notes[id(x)] = x, _Written(x)


def rebinding(x: Tensor) -> None:
    """Say that a Tensor is about to get another array, and another place on the tape."""
    journal = _open.get()
    if journal is not None and id(x) not in journal.notes:
        journal.notes[id(x)] = x, _Rebound(x)


def assigning(module: Any, name: str, buffer: bool) -> None:
    """Say that an attribute of a module is about to get another value, or to go."""
    journal = _open.get()
    if journal is not None and (id(module), name) not in journal.notes:
        journal.notes[id(module), name] = module, _Assigned(module, name, buffer)


class Note:
    """What was there: what `undo` puts back at the end, and `bring_back` later, for the time of another journal."""

    buffer: int | None = None  # whose memory was written into
    comes_back = True

    def undo(self, owner: Any, graph: bool) -> None:
        """Put back what was there."""
        raise NotImplementedError

    def bring_back(self, owner: Any) -> None:
        """Make it again what it was, so that an open journal can undo that."""
        raise NotImplementedError


class _Rebound(Note):
    """The array of a Tensor, and its place on the tape."""

    def __init__(self, x: Tensor) -> None:
        self.device, self.data, self.node = x._device, x._data, x._node

    def undo(self, x: Tensor, graph: bool) -> None:
        x._data, x._device, x._node = self.data, self.device, self.node

    def bring_back(self, x: Tensor) -> None:
        rebinding(x)
        x._data, x._device, x._node = self.data, self.device, self.node


class _Written(_Rebound):
    """The array of a Tensor whose memory is written into, and what was in it."""

    buffer: int

    def __init__(self, x: Tensor) -> None:
        super().__init__(x)
        self.backend = x._device.backend
        self.copy, self.buffer = self.backend.copy(x._data), self.backend.buffer_of(x._data)
        self.version = tape.written.get(self.buffer)

    def undo(self, x: Tensor, graph: bool) -> None:
        super().undo(x, graph)
        if self.copy is self.data:  # a library that never writes into an array, as JAX
            return
        self.backend.assign(self.data, (...,), self.copy)
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
        """Return another Tensor of the same memory."""
        return wrap(self.data, self.device)


class _Assigned(Note):
    """The value of an attribute of a module, if it has one: what comes into being stays.

    Only buffers come back: others may be what the first call set up.
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
    """Notes of what was there before the first change, each with its owner, in the order of the changes."""

    def __init__(self) -> None:
        self.notes: dict[Any, tuple[Any, Note]] = {}

    def undo(self, graph: bool) -> None:
        """Put everything back. Under `graph`, Nodes may need what is overwritten so: their gradients will raise."""
        for owner, note in reversed(self.notes.values()):
            note.undo(owner, graph)

    def copy_of(self, x: Any) -> Any:
        """Return what was in the memory of a Tensor before it was written into, as an array; None where it was not."""
        _, note = self.notes.get(id(x), (None, None))
        return note.copy if isinstance(note, _Written) else None

    def replaced(self) -> list[Any]:
        """Return the values of attributes that got others."""
        return [note.value for _, note in self.notes.values() if isinstance(note, _Assigned)]

    def close(self) -> Before:
        """Return what `bring_back` takes: notes about what is still there, and about views of it."""
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


Before: TypeAlias = list[tuple[Callable[[], Any], Note]]  # each note with what returns its owner, or None


@contextmanager
def journaling(journal: Journal) -> Iterator[None]:
    """Open a journal for a ``with`` block; one that is open around it is told of the changes, too."""
    outer = _open.get()
    token = _open.set(journal)
    try:
        yield
    finally:
        _open.reset(token)
        if outer is not None:
            outer.notes |= {key: note for key, note in journal.notes.items() if key not in outer.notes}


def bring_back(before: Before) -> None:
    """Make Tensors and buffers what they were when a journal noted them, and note what they were until now."""
    for owner, note in reversed(before):
        if (there := owner()) is not None:
            note.bring_back(there)
