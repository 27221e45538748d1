"""The inputs of an exported model: their names, and which of their axes are dynamic."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ..core.tensor import Tensor
from ..nn.module import Module
from ..ops import asarray
from ..transforms import pytrees

__all__ = ["Axis", "Inputs", "named_leaves", "unique"]

Axis: TypeAlias = tuple[str, int]  # an input's name, and one of its axes
_SETTINGS = (bool, int, float, complex, str)


class Inputs:
    """The example inputs of a model.

    Attributes
    ----------
    arguments : dict or tuple
        The arguments of the model, with all arrays as Tensors.
    named : dict of str to Tensor
        The Tensors by their names in the graph.
    """

    def __init__(self, model: Module, example_inputs: Any) -> None:
        keywords = isinstance(example_inputs, Mapping)
        given = example_inputs if keywords or isinstance(example_inputs, (tuple, list)) else (example_inputs,)
        leaves = [x if isinstance(x, _SETTINGS) else asarray(x) for x in pytrees.flatten(given)]
        self.arguments: Any = pytrees.unflatten(given, leaves)
        pairs = self.arguments.items() if keywords else zip(_names(model), self.arguments, strict=False)
        found = unique(pair for name, value in pairs for pair in named_leaves(name, value))
        self.named: dict[str, Tensor] = {name: x for name, x in found.items() if isinstance(x, Tensor)}
        if not self.named:
            raise ValueError("example_inputs hold no array; give the Tensors that the model is called with")

    def call(self, model: Module) -> Any:
        """Call the model with the example inputs."""
        return self.called(model, self.named)

    def called(self, function: Any, named: Mapping[str, Tensor]) -> Any:
        """Call a function with the model's arguments, with their Tensors replaced by those in `named`."""
        replaced = iter(named.values())
        leaves = [next(replaced) if isinstance(x, Tensor) else x for x in pytrees.flatten(self.arguments)]
        arguments = pytrees.unflatten(self.arguments, leaves)
        return function(**arguments) if isinstance(arguments, Mapping) else function(*arguments)

    def dynamic(self, axes: Mapping[Any, Any] | None) -> dict[str, list[Axis]]:
        """Return the axes that share each named length, by its name."""
        found: dict[str, list[Axis]] = {}
        for name, axis, length in self._entries(axes or {}):
            if not isinstance(length, str) or not length.isidentifier():
                raise ValueError(
                    f"dynamic_axes has {length!r} for axis {axis} of {name!r}; write a name such as 'batch'"
                )
            found.setdefault(length, []).append((name, axis))
        for length, places in found.items():
            sizes = [self.named[name].shape[axis] for name, axis in places]
            if len(set(sizes)) > 1:
                shown = ", ".join(f"{name!r} has {n}" for (name, _), n in zip(places, sizes, strict=True))
                raise ValueError(f"axes called {length!r} must have one length: {shown}")
        return found

    def _entries(self, axes: Mapping[Any, Any]) -> Iterator[tuple[str, int, Any]]:
        if not isinstance(axes, Mapping):
            raise TypeError(f'dynamic_axes is a dict such as {{0: "batch"}}, not {axes!r}')
        for key, value in axes.items():
            names = [key] if isinstance(key, str) else list(self.named)
            for name in names:
                if name not in self.named:
                    raise ValueError(f"dynamic_axes names {name!r}, but the inputs are {list(self.named)}")
                own = value if isinstance(key, str) else {key: value}
                if not isinstance(own, Mapping):
                    raise TypeError(f'dynamic_axes[{key!r}] must be a dict such as {{0: "batch"}}, not {own!r}')
                for axis, length in own.items():
                    yield name, self._axis(name, axis), length

    def _axis(self, name: str, axis: Any) -> int:
        shape = self.named[name].shape
        if type(axis) is not int or not -len(shape) <= axis < len(shape):
            raise ValueError(f"dynamic_axes names axis {axis!r} of {name!r}, which has shape {shape}")
        return axis % len(shape)


def _names(model: Module) -> Iterator[str]:
    """Yield the names of positional arguments of a model's forward, numbered for ``*args``."""
    for name, parameter in inspect.signature(model.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            count = 0
            while True:
                yield f"{name}_{count}"
                count += 1
        yield name


def named_leaves(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a pytree with names: `name`, with the keys of dicts and the indices of tuples appended."""
    if isinstance(tree, Mapping):
        for key, part in tree.items():
            yield from named_leaves(f"{name}_{key}", part)
    elif isinstance(tree, (list, tuple)) and len(tree) == 1:
        yield from named_leaves(name, tree[0])
    elif isinstance(tree, (list, tuple)):
        for i, part in enumerate(tree):
            yield from named_leaves(f"{name}_{i}", part)
    elif tree is not None:
        yield name, tree


def unique(pairs: Iterable[tuple[str, Any]], taken: Collection[str] = ()) -> dict[str, Any]:
    """Return pairs of a name and a value as a dict, with underscores appended to names that are taken."""
    found: dict[str, Any] = dict.fromkeys(taken)
    for name, value in pairs:
        while name in found:
            name += "_"
        found[name] = value
    return {name: value for name, value in found.items() if name not in taken}
