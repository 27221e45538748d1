"""Containers: modules that hold other modules or parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import index
from typing import Any, Self, overload

from ..checks import as_list
from .errors import in_layer
from .fusion import steps_of
from .module import Module
from .parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterList", "Sequential"]


class Sequential(Module):
    """A chain of modules: the output of each is the input of the next.

    Parameters
    ----------
    *modules : Module, or one mapping of str to Module
        The modules in order. A mapping, such as an OrderedDict, gives their names, otherwise ``"0"``, ``"1"`` ...

    Raises
    ------
    TypeError
        If an argument is not a Module.

    Notes
    -----
    On CUDA, the bias of a `Linear` or a convolution and the `ReLU` behind it take one kernel, unless a hook or an
    observer such as `agrad.profile` sees the two apart.

    Examples
    --------
    >>> from agrad import nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    >>> model[-1], len(model[:2])
    (Linear(in_features=3, out_features=1, bias=True), 2)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        named: Any = enumerate(modules)
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named = modules[0].items()
        elif len(modules) == 1 and isinstance(modules[0], Iterable) and not isinstance(modules[0], Module):
            raise TypeError("Sequential takes modules one by one, not in a list; write nn.Sequential(*layers)")
        for name, module in named:
            self._add(str(name), module)

    def _add(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(
                f"Sequential takes modules, not {module!r} (entry {name!r}); write a module such as nn.ReLU() instead "
                "of a function"
            )
        self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Call the modules one after the other; an error names the module that raised it."""
        for name, step in steps_of(self._named(), input):
            try:
                input = step(input)
            except Exception as error:
                raise in_layer(error, self, name, vars(self)[name]) from error
        return input

    def append(self, module: Module) -> Self:
        """Add a module at the end, and return self."""
        taken = [int(name) for name, _ in self._named() if name.isdecimal()]  # seq[1:] has names from "1" on
        self._add(str(max(len(self), max(taken, default=-1) + 1)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end, and return self."""
        for module in list(modules):  # a copy: `modules` may be this container
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Insert a module before `index`, renumber all modules, and return self."""
        modules = list(self)
        modules.insert(index, module)
        self.append(module)  # raises for anything but a Module, before the others are removed
        return self._rebuild(modules)

    def pop(self, key: int) -> Module:
        """Remove and return the module at `key`, and renumber the others."""
        module = self[key]
        del self[key]
        return module

    def _rebuild(self, modules: list[Module]) -> Self:
        for name, _ in self._named():
            delattr(self, name)
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> Sequential:
        return Sequential(*self, *other)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Module]:
        return (value for value in vars(self).values() if isinstance(value, Module))

    @overload
    def __getitem__(self, key: int) -> Module: ...
    @overload
    def __getitem__(self, key: slice) -> Sequential: ...
    def __getitem__(self, key: int | slice) -> Module | Sequential:
        if isinstance(key, slice):
            return Sequential(dict(self._named()[key]))
        return self._named()[self._position(key)][1]

    def __setitem__(self, key: int, module: Module) -> None:
        setattr(self, self._named()[self._position(key)][0], module)

    def __delitem__(self, key: int | slice) -> None:
        modules = list(self)
        del modules[key if isinstance(key, slice) else self._position(key)]
        self._rebuild(modules)

    def _named(self) -> list[tuple[str, Module]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def _position(self, key: int) -> int:
        position, length = index(key), len(self)
        if not -length <= position < length:
            raise IndexError(f"index {position} is out of range for a Sequential of {length} modules")
        return position


class ModuleList(Module):
    """A list of modules that are registered as its children; it has no `forward`.

    Parameters
    ----------
    modules : iterable of Module, optional
        The modules to start with.

    Raises
    ------
    TypeError
        If one of them is not a Module.

    Examples
    --------
    >>> from agrad import nn
    >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (3, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end, and return self."""
        if not isinstance(module, Module):
            raise TypeError(f"a ModuleList holds modules, not {module!r}")
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end, and return self."""
        for module in as_list("the modules of a ModuleList", modules):  # a copy: `modules` may be this container
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Insert a module before `index`."""
        modules = list(self)
        modules.insert(index, module)
        self.append(module)
        self._replace(modules)

    def pop(self, key: int) -> Module:
        """Remove and return the module at `key`."""
        module = self[key]
        del self[key]
        return module

    def _replace(self, modules: list[Module]) -> None:
        for i, module in enumerate(modules):
            setattr(self, str(i), module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Module]:
        return (value for value in vars(self).values() if isinstance(value, Module))

    @overload
    def __getitem__(self, key: int) -> Module: ...
    @overload
    def __getitem__(self, key: slice) -> ModuleList: ...
    def __getitem__(self, key: int | slice) -> Module | ModuleList:
        return ModuleList(list(self)[key]) if isinstance(key, slice) else list(self)[key]

    def __setitem__(self, key: int, module: Module) -> None:
        modules = list(self)
        modules[key] = module
        self._replace(modules)

    def __delitem__(self, key: int | slice) -> None:
        modules = list(self)
        del modules[key]
        for i in range(len(modules), len(self)):
            delattr(self, str(i))
        self._replace(modules)

    def _lines_of_children(self) -> list[str]:
        """Return a line for each module, or one for neighbouring modules with the same repr."""
        lines, start = [], 0
        for text, equal in groupby(map(repr, self)):
            count = len(list(equal))
            lines.append(f"({start}): {text}" if count == 1 else f"({start}-{start + count - 1}): {count} x {text}")
            start += count
        return lines


class ModuleDict(Module):
    """A dict of modules that are registered as its children; it has no `forward`.

    Parameters
    ----------
    modules : mapping of str to Module, or iterable of (str, Module), optional
        The modules to start with, by name.

    Raises
    ------
    TypeError
        If one of them is not a Module.
    KeyError
        If a name is empty, contains a dot, or is an attribute of ModuleDict.

    Examples
    --------
    >>> from agrad import nn
    >>> heads = nn.ModuleDict({"digit": nn.Linear(8, 10), "parity": nn.Linear(8, 2)})
    >>> list(heads), heads["parity"]
    (['digit', 'parity'], Linear(in_features=8, out_features=2, bias=True))
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] = ()) -> None:
        super().__init__()
        self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules, or replace those of the same names."""
        pairs = modules if isinstance(modules, Mapping) else as_list("the names and modules of a ModuleDict", modules)
        for pair in pairs.items() if isinstance(pairs, Mapping) else pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise TypeError(f"a ModuleDict takes a dict, or pairs of a name and a module, not {pair!r} in a list")
            self[pair[0]] = pair[1]

    def keys(self) -> list[str]:
        """Return the names."""
        return [name for name, value in vars(self).items() if isinstance(value, Module)]

    def values(self) -> list[Module]:
        """Return the modules."""
        return [vars(self)[name] for name in self.keys()]

    def items(self) -> list[tuple[str, Module]]:
        """Return the names and the modules."""
        return list(zip(self.keys(), self.values(), strict=True))

    def pop(self, key: str) -> Module:
        """Remove and return the module at `key`."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Remove all modules."""
        for key in self.keys():
            del self[key]

    def __len__(self) -> int:
        return len(self.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __getitem__(self, key: str) -> Module:
        if key not in self:
            raise KeyError(key)
        return vars(self)[key]

    def __setitem__(self, key: str, module: Module) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"a ModuleDict holds modules, not {module!r} (entry {key!r})")
        if key in self:
            setattr(self, key, module)
        else:
            self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        delattr(self, key)


class ParameterList(Module):
    """A list of parameters that are registered as its own; it has no `forward`.

    Parameters
    ----------
    values : iterable of Parameter or Tensor, optional
        The parameters to start with; a Tensor is copied into a new Parameter.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> weights = nn.ParameterList([agrad.ones(2), agrad.zeros(3)])
    >>> [(name, p.shape) for name, p in weights.named_parameters()]
    [('0', (2,)), ('1', (3,))]
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__()
        self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter at the end, and return self."""
        self.register_parameter(str(len(self)), value if isinstance(value, Parameter) else Parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters at the end, and return self."""
        for value in as_list("the parameters of a ParameterList", values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Parameter]:
        return (value for value in vars(self).values() if isinstance(value, Parameter))

    @overload
    def __getitem__(self, key: int) -> Parameter: ...
    @overload
    def __getitem__(self, key: slice) -> ParameterList: ...
    def __getitem__(self, key: int | slice) -> Parameter | ParameterList:
        return ParameterList(list(self)[key]) if isinstance(key, slice) else list(self)[key]

    def __setitem__(self, key: int, value: Any) -> None:
        position = range(len(self))[key]
        setattr(self, str(position), value if isinstance(value, Parameter) else Parameter(value))

    def extra_repr(self) -> str:
        """Return a line for each parameter."""
        return "\n".join(f"({i}): Parameter of shape {p.shape}, {p.dtype!r}" for i, p in enumerate(self))
