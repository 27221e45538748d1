"""Devices: a `Device` is an array library and one of that library's own devices.

``"cpu"`` is NumPy, ``"cuda"`` is CuPy; ``"torch"``, ``"jax"``, ``"mlx"``, ``"dpnp"`` and ``"strict"``
(array-api-strict) work the same way.
Under a transform such as `vmap`, Tensors are on a virtual device above one of these; it has the same name.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from .. import backends
from .typing import Array

__all__ = ["Device", "get_device", "innermost", "opened", "set_device", "traced"]

_known: dict[str, Device] = {}
_process_wide: Device | None = None
# The devices of the `with` blocks around the running code, innermost last, each with the context managers to exit.
_entered: ContextVar[tuple[tuple[Device, AbstractContextManager[Any]], ...]] = ContextVar("agrad devices", default=())
# The virtual devices of the running transforms, innermost last.
opened: ContextVar[tuple[Device, ...]] = ContextVar("agrad virtual devices", default=())
# While a step is recorded for `agrad.compile`: the device of its traced arrays, which replaces a real one.
traced: ContextVar[Device | None] = ContextVar("agrad traced device", default=None)


class Device:
    """An array library and one of its devices; as a context manager, the device of new arrays.

    There is one object per device, so devices are compared with ``==`` or ``is``.

    Parameters
    ----------
    spec : str or Device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"strict"``, ``"strict:device1"``, ``"torch"``, ``"torch:cuda"``,
        ``"jax"``, ``"mlx"``, ``"dpnp"``, or the kind of a backend that was registered.

    Raises
    ------
    ValueError
        If the string names no kind of device.
    RuntimeError
        If this machine lacks the device: the message says what is missing and how to install it.

    Examples
    --------
    >>> import agrad
    >>> with agrad.Device("cpu"):
    ...     x = agrad.ones(3)
    >>> x.device
    agrad.Device('cpu')
    """

    __slots__ = (
        "__weakref__", "array_type", "backend", "below", "depth", "kind", "memory", "name", "native", "origin", "real",
        "xp",
    )  # fmt: skip

    if TYPE_CHECKING:
        name: str
        kind: str
        backend: backends.Backend
        native: Any
        xp: Any
        array_type: type
        below: Device  # the device below a virtual one; a real one itself
        depth: int  # the number of devices below
        real: Device  # the lowest device, which is not virtual
        origin: Device | None  # the virtual device whose batch this one shares
        memory: Any  # the device that a device of traced arrays replaces; otherwise None

    def __new__(cls, spec: str | Device) -> Device:
        """Return the device of this name: always the same object."""
        if isinstance(spec, Device):
            return _replaced(spec)
        if not isinstance(spec, str):
            raise TypeError(f"a device is named by a string such as 'cpu' or 'cuda:0', not {spec!r}")
        if spec not in _known:
            kind, _, place = spec.partition(":")
            _known[spec] = cls._of(backends.load(kind), place)
        return _replaced(_known[spec])

    @classmethod
    def _of(cls, backend: backends.Backend, place: str) -> Device:
        place, native = backend.find_device(place)
        name = f"{backend.kind}:{place}" if place else backend.kind
        if name not in _known:
            device = super().__new__(cls)
            device.name, device.kind, device.backend, device.native = name, backend.kind, backend, native
            device.xp, device.array_type = backend.namespace(native), backend.array_type
            device.below, device.depth, device.real = device, 0, device
            device.origin, device.memory, _known[name] = None, None, device
        return _known[name]

    @classmethod
    def above(cls, below: Device, level: Any, origin: Device | None = None) -> Device:
        """Return a new virtual device, whose arrays hold arrays of the device below."""
        device = super().__new__(cls)
        device.name, device.kind, device.backend, device.native = below.name, below.kind, level.library, level
        device.xp, device.array_type = level.library.xp, level.library.array_type
        device.below, device.depth, device.real = below, below.depth + 1, below.real
        device.origin, device.memory, level.device = origin, None, ref(device)  # no reference cycles
        return device

    @classmethod
    def replacing(cls, memory: Device, level: Any) -> Device:
        """Return a device of the same name, whose arrays are traced: see `traced`."""
        device = cls.above(memory, level)
        device.below, device.depth, device.real, device.memory = device, 0, device, memory
        return device

    @classmethod
    def of(cls, array: Array) -> Device:
        """Return the device of an array library's array; TypeError for any other object."""
        backend = backends.of(array)
        place = backend.device_name_of(array)
        return place if isinstance(place, Device) else cls._of(backend, place)

    @property
    def stack(self) -> list[Device]:
        """The device itself and all below it."""
        return [self, *self.below.stack] if self.depth else [self]

    def shares_batch(self, other: Device) -> bool:
        """Return whether another device is this one, or of the same batch above other devices."""
        return (self.origin or self) is (other.origin or other)

    def knows(self, other: Device) -> bool:
        """Return whether Tensors of another device can be lifted to this one: the stack has its batches, in order."""
        near = other is self or other is self.below
        return near or (self.depth > 0 and self.below.knows(other.below if self.shares_batch(other) else other))

    def raised(self, data: Any, source: Device) -> Any:
        """Return an array of a device that this one knows as an array of this device."""
        if source is self:
            return data
        if self.shares_batch(source):
            return self.native.carried(data, lambda value: self.below.raised(value, source.below))
        return self.native.enter(self.below.raised(data, source), None)

    def synchronize(self) -> None:
        """Wait until all work queued on this device is done; call it before you read a clock."""
        self.backend.synchronize(self.native)

    def __repr__(self) -> str:
        return f"agrad.Device({self.name!r})"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return Device, (self.name,)

    def __enter__(self) -> Device:
        inside = self.backend.activate(self.native)
        inside.__enter__()
        _entered.set((*_entered.get(), (self, inside)))
        return self

    def __exit__(self, *exc: object) -> None:
        *outer, (_, inside) = _entered.get()
        _entered.set(tuple(outer))
        inside.__exit__(*exc)  # type: ignore[arg-type]


def _replaced(device: Device) -> Device:
    replacement = traced.get()
    return device if replacement is None or replacement.memory is not device else replacement


def innermost(device: Device) -> Device:
    """Return the innermost open virtual device above a device; `device` itself if there is none."""
    above = next((found for found in reversed(opened.get()) if found.real is device.real), device)
    return above if above.knows(device) else device


def get_device() -> Device:
    """Return the device on which numbers, lists and NumPy arrays become Tensors.

    It is that of the innermost ``with Device(...)`` block, else the one `set_device` chose, else that of the
    environment variable ``AGRAD_DEVICE``, else ``"cpu"``.

    Returns
    -------
    Device
        The current default.

    Examples
    --------
    >>> import agrad
    >>> with agrad.Device("cpu"):
    ...     agrad.get_device()
    agrad.Device('cpu')
    """
    entered = _entered.get()
    found = entered[-1][0] if entered else _process_wide or Device(os.environ.get("AGRAD_DEVICE") or "cpu")
    return _replaced(found)


def set_device(device: str | Device) -> None:
    """Choose the device of new Tensors for the whole process.

    Parameters
    ----------
    device : str or Device
        See `Device`.

    Raises
    ------
    ValueError, RuntimeError
        As `Device`; the current device then stays what it was.

    Examples
    --------
    >>> import agrad
    >>> agrad.set_device("cpu")
    >>> agrad.zeros(3).device
    agrad.Device('cpu')
    """
    global _process_wide
    _process_wide = Device(device)
