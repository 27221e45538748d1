"""Sharded: an optimizer whose state is divided among the processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import accumulate
from math import prod
from typing import Any

from ..checks import check_flags_of
from ..core.device import Device
from ..core.tape import wrote
from ..core.tensor import Tensor, wrap
from ..distributed.gradients import buckets
from ..distributed.world import current, get_rank, get_world_size
from .optimizer import Optimizer

__all__ = ["Sharded"]


class Sharded(Optimizer):
    """An optimizer that divides its state among the processes.

    Each process updates its part of each parameter, and receives the other parts. With N processes, each
    holds one N-th of the state: of Adam's two running means, for instance.

    Parameters
    ----------
    optimizer : Optimizer
        An optimizer whose `update` is elementwise: any of `agrad.optim` but `LBFGS`. Do not call its `step` afterwards.
        Its parameter groups and state become those of this one, so that a scheduler made for either serves both.

    Raises
    ------
    TypeError
        If `optimizer` is no optimizer, or one that updates the parameters together, as `LBFGS` does.

    Notes
    -----
    The gradients must be the same in all processes, as after `agrad.distributed.average_gradients`, and all processes
    call `step`, `state_dict` and `load_state_dict` together. The result is that of the wrapped optimizer. This is the
    first stage of S. Rajbhandari et al., "ZeRO: memory optimizations toward training trillion parameter models",
    arXiv:1910.02054. A step sends each parameter once.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.Sharded(optim.Adam(model.parameters(), lr=0.01))
    """

    optimizer: Optimizer

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer) or type(optimizer).step is not Optimizer.step:
            raise TypeError(
                "Sharded takes an optimizer with an elementwise update, such as optim.Adam(model.parameters()), not "
                f"{type(optimizer).__name__}"
            )
        vars(self).update(vars(optimizer))
        self.optimizer = optimizer
        self._divide()
        self._updated: dict[Tensor, Any] = {}  # in a step: the new array of this process's part of each parameter

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_flags_of(type(self.optimizer).__init__, settings)
        self.optimizer.check(settings)

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        return self.optimizer.update(x, g, state, group, device)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; see `Optimizer.step`."""
        self._updated.clear()
        loss = super().step(closure)
        self.optimizer.has_stepped = True  # which a scheduler asks that was made for it
        if (world := current()) is not None:
            for bucket in buckets(self._updated):
                _gather(bucket, [self._updated[p] for p in bucket], world)
        self._updated.clear()
        return loss

    def _step(self, p: Tensor, group: dict[str, Any], device: Device) -> None:
        """Update this process's part of a parameter."""
        if current() is None:
            super()._step(p, group, device)
            return
        whole, gradient = p._data, p._grad
        p._data = device.backend.copy(_part_of_array(whole, device))
        p._grad = wrap(_part_of_array(gradient._data, device), device)  # type: ignore[union-attr]
        try:
            super()._step(p, group, device)
            self._updated[p] = p._data
        finally:
            p._data, p._grad = whole, gradient

    def _special_update(self, p: Tensor) -> Any:
        return self.optimizer._special_update(p)

    def _shapes(self, p: Tensor) -> list[tuple[int, ...]]:
        return self.optimizer._shapes(p)

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state and the settings, in the format of the wrapped optimizer.

        So a checkpoint fits any number of processes, and the wrapped optimizer. All processes must call it, also where
        only one of them writes the file.

        Returns
        -------
        dict
            See `Optimizer.state_dict`.
        """
        found, parameters = super().state_dict(), self._parameters()
        for index, entry in found["state"].items():
            found["state"][index] = {name: _whole_state(value, parameters[index]) for name, value in entry.items()}
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load this process's part of a `state_dict`; see `Optimizer.load_state_dict`."""
        super().load_state_dict(state_dict)
        self._divide()

    def _divide(self) -> None:
        """Keep this process's part of the whole state; the wrapped optimizer shares it, and the groups."""
        parts = {p: {name: _part_of_state(x, p) for name, x in entry.items()} for p, entry in self.state.items()}
        self.state = defaultdict(dict, parts)
        self.optimizer.state, self.optimizer.param_groups = self.state, self.param_groups

    def __repr__(self) -> str:
        return f"Sharded({self.optimizer!r})"


def _part_length(size: int) -> int:
    """Return the number of elements in each process's part of an array of `size`; the last parts may be shorter."""
    return -(-size // get_world_size())


def _slice(size: int) -> slice:
    """Return the slice of this process in a flat array of `size` elements."""
    length = _part_length(size)
    return slice(min(get_rank() * length, size), min((get_rank() + 1) * length, size))


def _part_of_array(x: Any, device: Device) -> Any:
    """Return this process's part of an array, flattened."""
    return device.xp.reshape(x, (-1,))[_slice(prod(x.shape))]


def _padded(part: Any, length: int, device: Device) -> Any:
    """Return a part padded with zeros, so that the parts of all processes have the same length."""
    missing = length - part.shape[0]
    if not missing:
        return part
    xp = device.xp
    zeros = xp.zeros((missing, *part.shape[1:]), dtype=part.dtype, device=device.native)
    return xp.concat([part, zeros])


def _gather(parameters: list[Tensor], parts: list[Any], world: Any) -> None:
    """Write the parts of all processes into the parameters; they are exchanged as one array."""
    device = parameters[0]._device
    xp, backend = device.xp, device.backend
    lengths = [_part_length(p.size) for p in parameters]
    mine = xp.concat([_padded(part, length, device) for part, length in zip(parts, lengths, strict=True)])
    everywhere = backend.all_gather(xp.reshape(mine, (1, -1)), 0, world)
    ends = [*accumulate(lengths)]
    flat = [xp.reshape(everywhere[:, end - n : end], (-1,)) for n, end in zip(lengths, ends, strict=True)]
    new = [xp.reshape(x[: p.size], p.shape) for p, x in zip(parameters, flat, strict=True)]
    for p, array in zip(parameters, new, strict=True):
        p._data = backend.assign(p._data, (...,), array)
        wrote(p)


def _part_of_state(value: Any, p: Tensor) -> Any:
    """Return this process's part of a whole array of a state entry; numbers are kept by all."""
    if current() is None or not isinstance(value, Tensor) or value.shape[: p.ndim] != p.shape:
        return value
    device = value._device
    flat = device.xp.reshape(value._data, (p.size, *value.shape[p.ndim :]))  # the parts of complex numbers have an axis
    return wrap(device.backend.copy(flat[_slice(p.size), ...]), device)


def _whole_state(value: Any, p: Tensor) -> Any:
    """Return the whole array of a state entry, gathered from the parts of all processes."""
    world = current()
    if world is None or not isinstance(value, Tensor) or not value.ndim:
        return value
    device, shape = value._device, (*p.shape, *value.shape[1:])
    parts = device.backend.all_gather(_padded(value._data, _part_length(p.size), device), 0, world)
    return wrap(device.xp.reshape(parts[: p.size, ...], shape), device)
