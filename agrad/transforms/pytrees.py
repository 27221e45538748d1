"""Pytrees: nested lists, tuples and dicts, which are flattened to their leaves and unflattened from others.

A leaf is anything but a list, tuple or dict: a Tensor, an array, a number. None is a pytree without leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any, Final

from ..core.tensor import Tensor

__all__ = ["flatten", "flatten_like", "unflatten"]

_SEQUENCES: Final = frozenset({list, tuple})  # types are compared first, since isinstance takes several times as long


def flatten(tree: Any) -> list[Any]:
    """Return the leaves of a pytree in order; those of a dict in the order of its keys.

    Examples
    --------
    >>> from agrad.transforms.pytrees import flatten
    >>> flatten({"a": 1, "b": [2, (3, None)]})
    [1, 2, 3]
    """
    found: list[Any] = []
    _gather(tree, found)
    return found


def _gather(tree: Any, found: list[Any]) -> None:
    kind = type(tree)
    if kind in _SEQUENCES or isinstance(tree, (list, tuple)):
        for part in tree:
            if type(part) is Tensor:
                found.append(part)
            else:
                _gather(part, found)
    elif kind is dict or (not isinstance(tree, Tensor) and isinstance(tree, Mapping)):  # a slow check
        for part in tree.values():
            _gather(part, found)
    elif tree is not None:
        found.append(tree)


def unflatten(tree: Any, values: Iterable[Any]) -> Any:
    """Return a pytree of the same structure with `values` for its leaves.

    Examples
    --------
    >>> from agrad.transforms.pytrees import unflatten
    >>> unflatten({"a": 1, "b": [2, (3, None)]}, "xyz")
    {'a': 'x', 'b': ['y', ('z', None)]}
    """
    return _unflatten(tree, iter(values))


def _unflatten(tree: Any, values: Iterator[Any]) -> Any:
    kind = type(tree)
    if kind in _SEQUENCES or isinstance(tree, (list, tuple)):
        parts = [next(values) if type(part) is Tensor else _unflatten(part, values) for part in tree]
        if kind is list:
            return parts
        return kind(*parts) if kind is not tuple and hasattr(tree, "_fields") else kind(parts)
    if kind is dict:
        return {key: _unflatten(part, values) for key, part in tree.items()}
    if not isinstance(tree, Tensor) and isinstance(tree, Mapping):
        filled: Any = copy(tree)  # keeps the class
        for key in tree:
            filled[key] = _unflatten(tree[key], values)
        return filled
    return None if tree is None else next(values)


def flatten_like(tree: Any, like: Any, what: str) -> list[Any]:
    """Return the leaves of `tree` in the order of those of `like`, a pytree of the same structure.

    Raises
    ------
    ValueError
        If their structures differ; the message begins with `what`.

    Examples
    --------
    >>> from agrad.transforms.pytrees import flatten_like
    >>> flatten_like({"b": 2, "a": [1]}, {"a": [0], "b": 0}, "the tangents")
    [1, 2]
    """
    found: list[Any] = []
    _match(tree, like, what, "", found)
    return found


def _match(tree: Any, like: Any, what: str, path: str, found: list[Any]) -> None:
    kind = next((kind for kind in (Mapping, tuple, list, type(None)) if isinstance(like, kind)), None)
    alike = not isinstance(tree, (Mapping, tuple, list, type(None))) if kind is None else isinstance(tree, kind)
    if not alike or (isinstance(like, Mapping) and tree.keys() != like.keys()) or _length(tree) != _length(like):
        raise ValueError(f"{what} must have the expected structure; at {path or 'the top'} {_told(tree, like)}")
    if isinstance(like, (list, tuple, Mapping)):
        for key in like if isinstance(like, Mapping) else range(len(like)):
            _match(tree[key], like[key], what, f"{path}[{key!r}]", found)
    elif like is not None:
        found.append(tree)


def _length(tree: Any) -> int:
    return len(tree) if isinstance(tree, (list, tuple, Mapping)) else -1


def _told(tree: Any, like: Any) -> str:
    return f"there is {_described(tree)} where {_described(like)} is expected"


def _described(tree: Any) -> str:
    if isinstance(tree, Mapping):
        return f"a {type(tree).__name__} of {sorted(map(str, tree))}"
    return f"a {type(tree).__name__}" + (f" of length {len(tree)}" if isinstance(tree, (list, tuple)) else "")
