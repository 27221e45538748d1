"""Exchange: the state while a function is recorded, and what becomes of it afterwards."""

from __future__ import annotations

from operator import is_
from typing import Any

from ..backends import UnknownValueError
from ..core.tape import wrote
from ..core.tensor import Tensor
from ..transforms.pytrees import flatten
from ..virtual.traced.numbers import TracedNumber
from ..virtual.traced.recording import Trace, Variable
from .state import State

__all__ = ["Exchange", "Slot"]


class Slot:
    """A Tensor of the state while a function is recorded, with a traced array in place of the real one.

    Attributes
    ----------
    name : str
    tensor : Tensor
    array : array
        The real array.
    node : object
        The Tensor's node on the tape.
    traced : TracedArray
        The traced array that replaced the real one at the start.
    """

    def __init__(self, name: str, tensor: Tensor, trace: Trace) -> None:
        self.name, self.tensor = name, tensor
        self.array, self.device, self.node = tensor._data, tensor._device, tensor._node
        self._hooks = None if tensor._hooks is None else dict(tensor._hooks)
        self.traced = trace.input(self.array, name)
        tensor._data, tensor._device = self.traced, trace.device

    def restore(self) -> None:
        """Put back the real array."""
        self.tensor._data, self.tensor._device, self.tensor._node = self.array, self.device, self.node

    def undo(self) -> None:
        """Put back the real array, and the hooks of the start."""
        self.restore()
        if self._hooks is None:
            self.tensor._hooks = None
        elif self.tensor._hooks is not None:
            self.tensor._hooks.clear()
            self.tensor._hooks.update(self._hooks)

    def finish(self) -> None:
        """Put back the real array, with the values of the traced one."""
        last = self.tensor._data
        self.restore()
        if last is not self.traced:
            self.tensor._data = self.device.backend.fill(self.array, last.value)
            wrote(self.tensor)


class Exchange:
    """The state while a function is recorded: traced arrays and numbers in place of the real ones.

    Attributes
    ----------
    slots : list of Slot
        Those of the Tensors, and of the gradients that they have.
    grads : list of (str, Tensor, Tensor or None)
        The Tensors, each with its ``.grad`` at the start.
    traced : list of TracedNumber
        The traced numbers that replaced the real ones.
    """

    def __init__(self, state: State, trace: Trace) -> None:
        self.state, self.trace = state, trace
        self.grads = [(name, x, x._grad) for name, x in state.tensors.items()]
        self.slots = [Slot(name, x, trace) for name, x in state.tensors.items()]
        self.slots += [Slot(f"{name}_grad", grad, trace) for name, _, grad in self.grads if grad is not None]
        self._values = [number.read() for number in state.numbers]
        self.traced = [
            TracedNumber(Variable(value, number.name, number=True), trace)
            for number, value in zip(state.numbers, self._values, strict=True)
        ]
        self._flags = {name: group[key] for name, group, key in state.settings()}
        for number, stand_in in zip(state.numbers, self.traced, strict=True):
            number.write(stand_in)
        self._groups = [(name, optimizer, list(optimizer.param_groups)) for name, optimizer in state.optimizers]
        self._dicts = [(held, dict(held)) for held in _dicts_of_optimizers(state)]
        self._lists = [(held, list(held)) for held in _lists_of_optimizers(state)]
        trace.optimizers = [optimizer for _, optimizer in state.optimizers]
        for _, optimizer in state.optimizers:
            for group in optimizer.param_groups:  # so that traced numbers are not checked
                optimizer._checked[id(group)] = list(group.values())

    def last_numbers(self) -> list[Variable]:
        """Return the final variable of each number.

        Raises
        ------
        UnknownValueError
            If a number or a setting was set to a constant, or the groups of an optimizer were changed.
        """
        for name, optimizer, groups in self._groups:
            if not _same(optimizer.param_groups, groups):
                raise UnknownValueError(
                    f"the groups of {name} were changed under agrad.compile; call add_param_group outside"
                )
        found = [number.container.get(number.key) for number in self.state.numbers]
        for name, group, key in self.state.settings():
            if group[key] is not self._flags[name]:
                raise UnknownValueError(f"{name} was set to {group[key]!r} under agrad.compile; set it outside")
        for number, entry in zip(self.state.numbers, found, strict=True):
            value: Any = entry if number.place is None or entry is None else entry[number.place]
            if type(value) is not TracedNumber:
                raise UnknownValueError(
                    f"{number.name} was set to {value!r} under agrad.compile, whose program would set it to the same "
                    "value at each call; set it outside of the function"
                )
        return [number.read().variable for number in self.state.numbers]

    def finish(self) -> None:
        """Put back the real arrays and numbers, with the values that the function gave them."""
        for slot in self.slots:
            slot.finish()
        for number, value, before in zip(self.state.numbers, self.last_numbers(), self._values, strict=True):
            number.write(before if value.name is not None else value.value)
        now = State(self.state.items)  # with the modules and Tensors that the function added
        for x in {*self.state.tensors.values(), *now.tensors.values()}:
            self._make_real(x)
            if x._grad is not None:
                self._make_real(x._grad)
        for held in (*(vars(module) for _, module in now.modules), *_dicts_of_optimizers(now)):
            for key, value in held.items():
                if type(value) is TracedNumber:
                    held[key] = value.variable.value
                for x in flatten(value):
                    if isinstance(x, Tensor):
                        self._make_real(x)
        self._forget_checks()

    def _make_real(self, x: Tensor) -> None:
        if x._device is self.trace.device:
            x._data, x._device = x._data.value, self.trace.device.memory

    def _forget_checks(self) -> None:
        for _, optimizer in self.state.optimizers:
            optimizer._checked.clear()

    def undo(self) -> None:
        """Restore everything as it was at the start."""
        for slot in self.slots:
            slot.undo()
        for _, x, grad in self.grads:
            x._grad = grad
        for held, before in (*self.state.attributes, *self._dicts):
            held.clear()
            held.update(before)
        for entries, start in self._lists:
            entries[:] = start
        for number, value in zip(self.state.numbers, self._values, strict=True):
            number.write(value)
        self._forget_checks()


def _dicts_of_optimizers(state: State) -> list[dict[Any, Any]]:
    """Return all dicts of the optimizers: their attributes, their states, the entries of each parameter, the groups."""
    found: list[dict[Any, Any]] = []
    for _, optimizer in state.optimizers:
        found += [vars(optimizer), optimizer.state, *optimizer.state.values(), *optimizer.param_groups]
    return found


def _lists_of_optimizers(state: State) -> list[list[Any]]:
    """Return the lists of the optimizers' groups, and those of each group's parameters."""
    found: list[list[Any]] = []
    for _, optimizer in state.optimizers:
        found += [optimizer.param_groups, *(group["params"] for group in optimizer.param_groups)]
    return found


def _same(one: list[Any], other: list[Any]) -> bool:
    """Return whether two lists hold the same objects."""
    return len(one) == len(other) and all(map(is_, one, other))
