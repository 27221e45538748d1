"""State: the Tensors and numbers that a function under `agrad.compile` reads and changes besides its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..backends import UnknownValueError
from ..core.tape import wrote
from ..core.tensor import Tensor
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..transforms.pytrees import flatten
from ..virtual.traced.numbers import TracedNumber
from ..virtual.traced.recording import Trace, Variable

__all__ = ["Exchange", "Number", "Slot", "State", "identifier", "is_plain_number"]


def identifier(name: str) -> str:
    """Return a name as a Python identifier: "model.0.weight" becomes "model_0_weight"."""
    word = re.sub(r"\W", "_", name)
    return f"_{word}" if word[:1].isdigit() or not word else word


class Number:
    """A number in a dict of an optimizer: a setting of a group, or an entry of a parameter's state.

    Attributes
    ----------
    name : str
    container : dict
    key : str
        The key of the entry that holds it.
    place : int or None
        Its index in the entry if that is a tuple, as `betas` is.
    """

    def __init__(self, name: str, container: dict[str, Any], key: str, place: int | None = None) -> None:
        self.name, self.container, self.key, self.place = name, container, key, place

    def read(self) -> Any:
        """Return the number."""
        entry = self.container[self.key]
        return entry if self.place is None else entry[self.place]

    def write(self, number: Any) -> None:
        """Replace the number."""
        if self.place is not None:
            entry = list(self.container[self.key])
            entry[self.place] = number
            number = tuple(entry)
        self.container[self.key] = number


class State:
    """The Tensors and numbers in a list of modules, optimizers and Tensors.

    Attributes
    ----------
    tensors : dict of str to Tensor
        Each Tensor once, by its name.
    numbers : list of Number
    modules : list of (str, Module)
        All modules, submodules too.
    optimizers : list of (str, Optimizer)
    attributes : list of (dict, dict)
        The attributes of these modules, and of other modules that the function uses, each with a copy.

    Raises
    ------
    TypeError
        If an item is something else, or a setting of an optimizer is a Tensor.
    """

    def __init__(self, items: Sequence[tuple[str, Any]], used: Iterable[Any] = ()) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.numbers: list[Number] = []
        self.modules: list[tuple[str, Module]] = []
        self.optimizers: list[tuple[str, Optimizer]] = []
        self._names: dict[int, str] = {}
        for name, item in items:
            if isinstance(item, Module):
                self._add_module(name, item)
            elif isinstance(item, Tensor):
                self._add(name, item)
        others = {id(part): part for module in used if isinstance(module, Module) for part in module.modules()}
        modules = {id(part): part for _, part in self.modules} | others
        dicts = [vars(module) for module in modules.values()]
        dicts += [x for held in dicts for x in held.values() if type(x) is dict]
        self.attributes: list[tuple[dict[Any, Any], dict[Any, Any]]] = [(held, dict(held)) for held in dicts]
        for name, item in items:  # after the modules, which give the parameters better names
            if isinstance(item, Optimizer):
                self._add_optimizer(name, item)

    def _add(self, name: str, x: Tensor) -> str:
        """Add a Tensor if it is new, and return its name."""
        if id(x) not in self._names:
            self._names[id(x)] = name = self._unused(identifier(name))
            self.tensors[name] = x
        return self._names[id(x)]

    def _unused(self, name: str) -> str:
        taken = self.tensors.keys() | {number.name for number in self.numbers}
        return next(word for word in (name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))) if word not in taken)

    def _add_module(self, name: str, module: Module) -> None:
        known = {id(other) for _, other in self.modules}
        self.modules += [(path, part) for path, part in module.named_modules(name) if id(part) not in known]
        for path, x in (*module.named_parameters(name), *module.named_buffers(name)):
            self._add(path, x)

    def _add_optimizer(self, name: str, optimizer: Optimizer) -> None:
        self.optimizers.append((name, optimizer))
        for i, group in enumerate(optimizer.param_groups):
            prefix = f"{name}_{i}_" if len(optimizer.param_groups) > 1 else ""
            for key in optimizer.defaults:
                self._add_numbers(f"{prefix}{key}", group, key)
            for j, p in enumerate(group["params"]):
                owner = self._add(f"{name}_param_{i}_{j}", p)
                for key, value in optimizer.state.get(p, {}).items():
                    if isinstance(value, Tensor):
                        self._add(f"{owner}_{key}", value)
                    else:
                        self._add_numbers(f"{owner}_{key}", optimizer.state[p], key)

    def _add_numbers(self, name: str, container: dict[str, Any], key: str) -> None:
        value = container[key]
        if isinstance(value, Tensor):
            raise TypeError(f"agrad.compile takes numbers for the settings of an optimizer, but {key} is a Tensor")
        if is_plain_number(value):
            self.numbers.append(Number(self._unused(identifier(name)), container, key))
        elif isinstance(value, tuple):
            self.numbers += [
                Number(self._unused(f"{identifier(name)}_{i}"), container, key, i)
                for i, part in enumerate(value)
                if is_plain_number(part)
            ]

    def settings(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Yield the settings of optimizers that are not numbers: a name, the dict and the key."""
        for name, optimizer in self.optimizers:
            for i, group in enumerate(optimizer.param_groups):
                flags = [key for key in optimizer.defaults if isinstance(group[key], (bool, str, type(None)))]
                yield from ((f"{key} of group {i} of {name}", group, key) for key in flags)


def is_plain_number(value: Any) -> bool:
    """Return whether a value is a Python int or float, and not True or False."""
    return type(value) in (int, float)


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
        self.traced = trace.input(self.array, name)
        tensor._data, tensor._device = self.traced, trace.device

    def restore(self) -> None:
        """Put back the real array."""
        self.tensor._data, self.tensor._device, self.tensor._node = self.array, self.device, self.node

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
        self._dicts = [(held, dict(held)) for held in self._containers()]
        self._stepped = [(optimizer, optimizer.has_stepped) for _, optimizer in state.optimizers]
        trace.optimizers = [optimizer for _, optimizer in state.optimizers]
        for _, optimizer in state.optimizers:
            for group in optimizer.param_groups:  # so that traced numbers are not checked
                optimizer._checked[id(group)] = list(group.values())

    def _containers(self) -> list[dict[Any, Any]]:
        """Return all dicts that hold state: attributes of modules, states and groups of optimizers."""
        states = [optimizer.state for _, optimizer in self.state.optimizers]
        groups = [group for _, optimizer in self.state.optimizers for group in optimizer.param_groups]
        entries = [entry for held in states for entry in held.values()]
        return [*(vars(module) for _, module in self.state.modules), *states, *entries, *groups]

    def last_numbers(self) -> list[Variable]:
        """Return the final variable of each number.

        Raises
        ------
        UnknownValueError
            If a number or a setting was set to a constant.
        """
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
        for _, x, _ in self.grads:
            if x._grad is not None:
                self._make_real(x._grad)
        for held in self._containers():
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
            slot.restore()
        for _, x, grad in self.grads:
            x._grad = grad
        for held, before in self._dicts:
            held.clear()
            held.update(before)
        for number, value in zip(self.state.numbers, self._values, strict=True):
            number.write(value)
        for optimizer, stepped in self._stepped:
            optimizer.has_stepped = stepped
        self._forget_checks()
