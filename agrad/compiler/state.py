"""State: the Tensors and numbers that a function under `agrad.compile` reads and changes besides its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..core.tensor import Tensor
from ..nn.module import Module
from ..optim.optimizer import Optimizer

__all__ = ["Number", "State", "identifier", "is_plain_number"]


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
    settings_of_modules : list of (list or dict)
        Lists and dicts of constants among their attributes, which may change in place.
    items : sequence of (str, Module, Optimizer or Tensor)
        What it was made of.

    Raises
    ------
    TypeError
        If an item is something else, or a setting of an optimizer is a Tensor.
    """

    def __init__(self, items: Sequence[tuple[str, Any]], used: Iterable[Any] = ()) -> None:
        self.items = items
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
        self.settings_of_modules = [x for held in dicts for name, x in held.items() if name[:1] != "_" and _is_plain(x)]
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


def _is_plain(value: Any) -> bool:
    """Return whether a value is a list or dict of constants, and nothing else."""
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    return len(parts) > 0 and all(type(x) in (bool, int, float, complex, str, type(None)) for x in parts)


def is_plain_number(value: Any) -> bool:
    """Return whether a value is a Python int or float, and not True or False."""
    return type(value) in (int, float)
