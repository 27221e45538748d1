"""Ops that move Tensors between a virtual device and the device below it; each is the transpose of another.

A function under a transform such as `vmap` computes on a virtual device, which is above a real device or another
virtual one. `enter`, `leave` and `total` record Nodes on the tape, so gradients flow through them. A Tensor from
outside that is combined with one from inside is lifted to the virtual device first.
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

__all__ = ["common_device", "enter", "leave", "lift", "lifted", "total"]


class _Passage:
    """The plan of a Node recorded by `enter`, `leave` or `total`."""

    sequence, saves_arrays, portable, saves, arrays, tracked = False, False, False, ("xp",), ("x",), {0: "x"}

    def __init__(self, name: str) -> None:
        self.name = name

    def run_sequence_rule(self, edges: Sequence[Any], g: Any, saved: Sequence[Any]) -> Sequence[Any]:
        raise NotImplementedError  # never called, since `sequence` is False

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
    """Return an array or Tensor of the device below as one of a virtual device.

    Parameters
    ----------
    x : array or Tensor
    device : Device
        The virtual device.
    axis : int, optional
        The axis that becomes the batch axis; None if `x` is the same for the whole batch.

    Returns
    -------
    array or Tensor
        Without `axis`.
    """
    if not isinstance(x, Tensor):
        return device.native.enter(x, axis)[...]  # a view, so that a gradient made of it is copied
    if x._device is not device.below:  # a constant, or a cotangent of a transform that was opened later
        device = device if x._device in device.below.stack else _continued(device, x._device)
        x = lift(x, device.below)
    rule = (lambda g, saved: total(g, device)) if axis is None else (lambda g, saved: leave(g, device, axis))
    return _passed(x, device.native.enter(x._data, axis), device, _ENTER, rule)


def leave(x: Any, device: Device, axis: int) -> Any:
    """Return an array or Tensor of a virtual device on the device below, with the batch axis at `axis`."""
    if not isinstance(x, Tensor):
        return device.native.leave(x, axis)[...]  # as in `enter`
    x = lift(x, device)
    here = x._device
    return _passed(x, here.native.leave(x._data, axis), here.below, _LEAVE, lambda g, saved: enter(g, here, axis))


def total(x: Any, device: Device) -> Any:
    """Return the sum over the batch, on the device below."""
    if not isinstance(x, Tensor):
        return device.native.total(x)
    x = lift(x, device)
    here = x._device
    return _passed(x, here.native.total(x._data), here.below, _LEAVE, lambda g, saved: enter(g, here))


def lift(x: Tensor, device: Device) -> Tensor:
    """Return a Tensor lifted to a device that knows its own, see `Device.knows`."""
    here = x._device
    if here is device or (here.shares_batch(device) and here.knows(device)):
        return x
    if here.shares_batch(device):
        return _passed(x, device.raised(x._data, here), device, _ENTER, lambda g, saved: _lowered(g, device, here))
    if not device.depth:
        raise errors.mixed_devices("vmap", [device.name, here.name])
    return enter(lift(x, device.below), device)


def _lowered(g: Any, device: Device, target: Device) -> Any:
    """Return an array or Tensor of a device summed over the batches that the target lacks: the transpose of `lift`."""
    if device is target:
        return g
    if device.shares_batch(target):
        return enter(_lowered(leave(g, device, 0), device.below, target.below), target, 0)
    return _lowered(total(g, device), device.below, target)


def common_device(devices: Iterable[Device]) -> Device | None:
    """Return the device to which Tensors of all devices can be lifted; None if there is none."""
    devices = [*dict.fromkeys(devices)]
    highest = max(devices, key=attrgetter("depth"))
    return highest if all([highest.knows(device) for device in devices]) else None


def lifted(what: str, arrays: Iterable[Any]) -> list[Any]:
    """Return arguments with all Tensors lifted to one device; ValueError naming `what` if that is impossible."""
    arrays = list(arrays)
    devices = [x._device for x in arrays if isinstance(x, Tensor)]
    device = common_device(devices)
    if device is None:
        raise errors.mixed_devices(what, [device.name for device in devices])
    return [lift(x, device) if isinstance(x, Tensor) else x for x in arrays]


# Devices made by `_continued`, by the device whose batch they share and the device below them.
_above: WeakValueDictionary[tuple[Device, Device], Device] = WeakValueDictionary()


def _continued(device: Device, onto: Device) -> Device:
    """Return the same batch as a virtual device above `onto`, for cotangents of a transform that was opened later."""
    if not device.depth or any([known.shares_batch(device) for known in onto.stack]):
        return onto
    origin, below = device.origin or device, _continued(device.below, onto)
    made = _above.get((origin, below))
    made = made or Device.above(below, device.native.onto(below.backend, below.xp, below.native), origin)
    _above[origin, below] = made
    return made
