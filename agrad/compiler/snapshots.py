"""Snapshots: what modules, optimizers and arrays of the state were like at the last call, to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, TypeAlias

from ..core.device import Device
from ..core.tensor import Tensor
from ..ops.journal import changes
from .state import is_plain_number

__all__ = ["Attributes", "Bound", "Settings", "View"]

View: TypeAlias = tuple[int, Callable[[Any], Any]]  # the index of an array of the state, and the function for its view


class Attributes:
    """The attributes of the modules when a function was recorded.

    Attributes
    ----------
    seen : int
        The count of changes to any module's attributes when these were last compared.
    """

    def __init__(self, attributes: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        self._attributes, self.seen = attributes, -1

    def still_hold(self) -> bool:
        """Return whether the modules still have the same attributes."""
        hold = all(
            len(held) == len(before) and all(map(is_, held.values(), before.values()))
            for held, before in self._attributes
        )
        self.seen = changes[0] if hold else -1
        return hold

    def difference(self) -> str:
        """Return which attribute is another one."""
        for held, before in self._attributes:
            for key in before | held:
                if key not in held or key not in before or held[key] is not before[key]:
                    is_hook = not isinstance(key, str)
                    return (
                        "the hooks of a module"
                        if is_hook
                        else f"the attribute {key} of a module{_was(before.get(key))}"
                    )
        return "the attributes of a module"


class Settings:
    """The settings of a group of an optimizer.

    Attributes
    ----------
    known : list
        Their values when they were last checked.
    """

    def __init__(self, name: str, optimizer: Any, group: dict[str, Any], changes: list[int]) -> None:
        self._name, self._changes = name, changes  # a counter, as its only entry
        self._optimizer, self._group = optimizer, group
        self.known = self._read()

    def _read(self) -> list[Any]:
        return [self._group[name] for name in self._optimizer.defaults]

    def still_hold(self) -> bool:
        """Validate changed settings, as a step does; return whether only numbers have changed."""
        self._optimizer._check_group(self._group)
        settings = self._read()
        alike = all(map(_alike, settings, self.known))
        if alike:
            self.known[:] = settings
            self._changes[0] += 1
        return alike

    def difference(self) -> str:
        """Return which setting is not only another number."""
        pairs = zip(self._optimizer.defaults, self._read(), self.known, strict=True)
        return next(
            (f"{key} of {self._name}{_was(before)}" for key, now, before in pairs if not _alike(now, before)), ""
        )


def _was(value: Any) -> str:
    """Return the end of a sentence on what has changed: the old value, if it is plain."""
    return f" was {value!r} before" if isinstance(value, (bool, int, float, str, tuple)) else ""


def _alike(one: Any, other: Any) -> bool:
    if type(one) is tuple and type(other) is tuple:
        return len(one) == len(other) and all(map(_alike, one, other))
    return type(one) is type(other) and (is_plain_number(one) or one == other)


class Bound:
    """The arrays of the state at the last call.

    Parameters
    ----------
    tensors : list of Tensor
    device : Device
    views : sequence of View
    written : sequence of int
        The indices of the arrays that the program writes to.

    Attributes
    ----------
    arrays : list of array
    views : list of array
        Views of them.
    buffers : list of int
        Their buffer numbers, see `Backend.buffer_of`.
    held : list of set of int
        The set of these numbers, as the only entry.
    """

    def __init__(self, tensors: list[Tensor], device: Device, views: Sequence[View], written: Sequence[int]) -> None:
        self._tensors, self._device, self._views, self._written = tensors, device, views, written
        self.arrays: list[Any] = [x._data for x in tensors]
        self.views = self._viewed()
        self._kinds = list(map(_kind, self.arrays))
        self.buffers = list(map(device.backend.buffer_of, self.arrays))
        self.held: list[set[int]] = [set(self.buffers)]
        self._distinct = len(self.held[0])

    def again(self) -> bool:
        """Read the arrays again; return whether they are like the old ones: then the program can use them."""
        backend, arrays = self._device.backend, [x._data for x in self._tensors]
        if any(x._device is not self._device for x in self._tensors):
            return False
        if any(_kind(x) != kind for x, kind in zip(arrays, self._kinds, strict=True)):
            return False
        buffers = list(map(backend.buffer_of, arrays))
        if len(set(buffers)) != self._distinct or not all(backend.is_writable(arrays[i]) for i in self._written):
            return False
        self.arrays[:], self.buffers[:], self.held[0] = arrays, buffers, set(buffers)
        self.views[:] = self._viewed()
        return True

    def _viewed(self) -> list[Any]:
        return [make(self.arrays[place]) for place, make in self._views]


def _kind(x: Any) -> Any:
    """Return the shape, the dtype and, if the library shows them, the strides of an array."""
    return tuple(x.shape), x.dtype, getattr(x, "strides", None)
