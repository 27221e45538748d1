"""The batch axes of `vmap`: an axis for each leaf of the arguments, and the size of the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

from ..core.tensor import Tensor
from . import pytrees

__all__ = ["leaves_with_axes", "not_mapped", "size_of_batch"]


def leaves_with_axes(axes: Any, tree: Any, name: str) -> list[tuple[Any, int | None]]:
    """Return the leaves of a pytree, each with its axis; `axes` is one axis or a prefix of the pytree's structure."""
    if axes is None or type(axes) is int:
        return [(x, axes) for x in pytrees.flatten(tree)]
    if hasattr(axes, "__index__") and not isinstance(axes, (bool, Tensor)):
        return leaves_with_axes(index(axes), tree, name)
    if isinstance(axes, (list, tuple)) and isinstance(tree, (list, tuple)) and len(axes) == len(tree):
        return [pair for part, inner in zip(axes, tree, strict=True) for pair in leaves_with_axes(part, inner, name)]
    if isinstance(axes, Mapping) and isinstance(tree, Mapping) and axes.keys() == tree.keys():
        return [pair for key in tree for pair in leaves_with_axes(axes[key], tree[key], name)]
    raise _wrong_axes(axes, tree, name)


def _wrong_axes(axes: Any, tree: Any, name: str) -> ValueError:
    nested = isinstance(tree, (list, tuple, Mapping))
    shown = f"a {type(tree).__name__}" + (f" of length {len(tree)}" if nested else "")
    return ValueError(f"{name} must be an integer, None, or a pytree of the same structure, here {shown}; not {axes!r}")


def size_of_batch(
    given: Sequence[Any], axes: Sequence[int | None], axis_size: int | None, args: Any, kwargs: Mapping[str, Any]
) -> int:
    """Return the size of the batch; ValueError if the batch axes are missing or differ in length."""
    sizes: dict[int, int | None] = {} if axis_size is None else {axis_size: None}  # size -> index of a leaf
    for i, (x, axis) in enumerate(zip(given, axes, strict=True)):
        if axis is None:
            continue
        shape = x.shape
        if not -len(shape) <= axis < len(shape):
            place = _places(args, kwargs)[i]
            raise ValueError(
                f"the batch axis of argument {place} is {axis}, but its shape is {shape}; {_remedy(place, kwargs)}"
            )
        sizes.setdefault(shape[axis], i)
    if len(sizes) > 1:
        raise _unequal(sizes, given, axes, _places(args, kwargs))
    if not sizes:
        raise ValueError("no argument has a batch axis; give an axis in in_axes, or axis_size=n")
    return next(iter(sizes))


def not_mapped(i: int, args: Sequence[Any], kwargs: Mapping[str, Any], error: TypeError) -> TypeError:
    """Return the error for a leaf of the arguments that has no axes, such as a string."""
    place = _places(args, kwargs)[i]
    return TypeError(f"argument {place} has no batch axis: {error}; {_remedy(place, kwargs)}")


def _remedy(place: str, kwargs: Mapping[str, Any]) -> str:
    if place not in kwargs:
        return "write None for it in in_axes"
    return f"keyword arguments are mapped, so write functools.partial(f, {place}=...)"


def _unequal(
    sizes: dict[int, int | None], given: Sequence[Any], axes: Sequence[int | None], places: Sequence[str]
) -> ValueError:
    def source(i: int | None) -> str:
        return "axis_size" if i is None else f"axis {axes[i]} of argument {places[i]}, of shape {given[i].shape}"

    of = [f"{size} from {source(i)}" for size, i in sizes.items()]
    return ValueError(f"vmap needs batch axes of equal length, not {'; '.join(of)}")


def _places(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Return the names of the leaves of the arguments in errors: ``0``, ``1['weight']``, ``scale``."""

    def within(tree: Any, place: str) -> list[str]:
        if not isinstance(tree, (list, tuple, Mapping)):
            return [] if tree is None else [place]
        keys = tree if isinstance(tree, Mapping) else range(len(tree))
        return [name for key in keys for name in within(tree[key], f"{place}[{key!r}]")]

    arguments = [*enumerate(args), *kwargs.items()]
    return [name for place, tree in arguments for name in within(tree, str(place))]
