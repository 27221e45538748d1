"""Between a virtual device and the one below it: ways in and out, each of which is the other's transpose.

What runs under a transform such as `vmap` computes on a virtual device, which stands above a real one or another
virtual one. `enter` and `leave` are ops that leave Nodes on the tape, so gradients find their way in and out. A Tensor
from outside that meets one from inside is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final
from weakref import WeakValueDictionary

from . import errors, tape
from .device import Device
from .grad_mode import recording
from .tape import Node, entry_of
from .tensor import Tensor, wrap

__all__ = ["enter", "leave", "lift", "lifted", "meeting", "total"]


class _Passage:
    """The plan of a Node that stands for a way in or out."""

    sequence, saves_arrays, saves, arrays, tracked = False, False, ("xp",), ("x",), {0: "x"}

    def __init__(self, name: str) -> None:
        self.name = name

    def spread(self, edges: Sequence[Any], g: Any, saved: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError  # not a sequence

    def unpack(self, node: Node, saved: Sequence[Any]) -> list[Any]:
        return [tape.namespace]


_ENTER: Final = _Passage("enter")
_LEAVE: Final = _Passage("leave")


def _passed(x: Tensor, data: Any, device: Device, plan: _Passage, rule: Callable[[Any, Any], Any]) -> Tensor:
    node = None
    if x._node is not None and recording.get():
        node = Node(plan, ((entry_of(x, plan.name), rule),), (device.xp,), device, data)
    return wrap(data, device, node)


def enter(x: Any, device: Device, axis: int | None = None) -> Any:
    """Take an array or a Tensor of the device below in.

    Parameters
    ----------
    x : array or Tensor
    device : Device
        The virtual one.
    axis : int, optional
        What becomes the batch; without, `x` is the same for the whole batch.
    """
    if not isinstance(x, Tensor):
        return device.native.enter(x, axis)
    if x._device not in device.below.stack:  # a cotangent of a transform that was opened later
        device = _continued(device, x._device)
    x = lift(x, device.below)
    rule = (lambda g, saved: total(g, device)) if axis is None else (lambda g, saved: leave(g, device, axis))
    return _passed(x, device.native.enter(x._data, axis), device, _ENTER, rule)


def leave(x: Any, device: Device, axis: int) -> Any:
    """Take an array or a Tensor of a virtual device out, with the batch as an axis of it."""
    if not isinstance(x, Tensor):
        return device.native.leave(x, axis)
    x = lift(x, device)
    here = x._device
    return _passed(x, here.native.leave(x._data, axis), here.below, _LEAVE, lambda g, saved: enter(g, here, axis))


def total(x: Any, device: Device) -> Any:
    """Take the sum over the batch out."""
    if not isinstance(x, Tensor):
        return device.native.total(x)
    x = lift(x, device)
    here = x._device
    return _passed(x, here.native.total(x._data), here.below, _LEAVE, lambda g, saved: enter(g, here))


def lift(x: Tensor, device: Device) -> Tensor:
    """Return a Tensor on a device that knows its own, see `Device.knows`; one that is there as it is."""
    here = x._device
    if here is device or here.origin is device:
        return x
    if here is device.origin:
        rule = lambda g, saved: g if isinstance(g, Tensor) else device.lowered(g, here)
        return _passed(x, device.raised(x._data, here), device, _ENTER, rule)
    if not device.depth:
        raise errors.mixed_devices("vmap", [device.name, here.name])
    return enter(lift(x, device.below), device)


def meeting(devices: Iterable[Device]) -> Device | None:
    """Return the device on which Tensors can meet: the highest, if it stands above all others; None otherwise."""
    devices = list(devices)
    highest = max(devices, key=attrgetter("depth"))
    return highest if all([highest.knows(device) for device in devices]) else None


def lifted(what: str, arrays: Iterable[Any]) -> list[Any]:
    """Return arguments with all Tensors among them on one device; ValueError, which begins with `what`, if none is."""
    arrays = list(arrays)
    devices = [x._device for x in arrays if isinstance(x, Tensor)]
    device = meeting(devices)
    if device is None:
        raise errors.mixed_devices(what, [device.name for device in devices])
    return [lift(x, device) if isinstance(x, Tensor) else x for x in arrays]


# Devices that continue others, by these and by what they stand on.
_above: WeakValueDictionary[tuple[Device, Device], Device] = WeakValueDictionary()


def _continued(device: Device, onto: Device) -> Device:
    """Return a device that continues a virtual one above another: where cotangents of a later transform arrive."""
    if not device.depth or any([known.origin is device.origin for known in onto.stack]):
        return onto
    below = _continued(device.below, onto)
    made = _above.get((device, below))
    made = made or Device.above(below, device.native.onto(below.backend, below.xp, below.native), device.origin)
    _above[device, below] = made
    return made
