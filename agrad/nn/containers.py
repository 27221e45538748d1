"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import index
from typing import Any, Self, overload

from .module import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules in a row: the output of each is the input of the next.

    Parameters
    ----------
    *modules : Module, or one mapping of str to Module
        A mapping, such as an OrderedDict, names them; otherwise they are called ``"0"``, ``"1"`` ...

    Raises
    ------
    TypeError
        If one of them is no Module.

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
        for name, module in named:
            self._add(str(name), module)

    def _add(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(
                f"Sequential takes modules, not {module!r} (entry {name!r}); write nn.ReLU() for a layer of a function"
            )
        self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Call the modules one after the other."""
        for module in self:
            input = module(input)
        return input

    def append(self, module: Module) -> Self:
        """Add a module at the end, and return self."""
        self._add(str(len(self)), module)
        return self

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
        return self._named()[self._place(key)][1]

    def __setitem__(self, key: int, module: Module) -> None:
        setattr(self, self._named()[self._place(key)][0], module)

    def _named(self) -> list[tuple[str, Module]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def _place(self, key: int) -> int:
        place, length = index(key), len(self)
        if not -length <= place < length:
            raise IndexError(f"index {place} in a Sequential of {length} modules")
        return place
