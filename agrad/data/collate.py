"""Making one batch of many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import backends
from ..core.tensor import SCALARS
from ..ops.creation import asarray
from ..ops.manipulation import stack

__all__ = ["default_collate"]


def default_collate(items: Sequence[Any]) -> Any:
    """Stack items that are alike: arrays and numbers along a new first axis, the parts of tuples and dicts apart.

    Numbers of NumPy keep their dtype, Python's get the default one. What is no number, text for instance, becomes a
    list.

    Parameters
    ----------
    items : sequence
        Tensors, arrays, numbers, or tuples, lists and dicts of them, all alike.

    Returns
    -------
    Any
        Of the same structure as one item: a tuple for tuples, where PyTorch makes a list, and a list for lists; any
        mapping becomes a dict.

    Raises
    ------
    ValueError
        If there are no items, or if they differ in length, keys or shape.

    Examples
    --------
    >>> from agrad.data import default_collate
    >>> default_collate([(1, "a"), (2, "b")])
    (Tensor([1, 2], dtype=int64, device='cpu'), ['a', 'b'])
    """
    if not len(items):
        raise ValueError("a batch needs at least one item to be made of")
    first = items[0]
    if isinstance(first, (str, bytes)):
        return list(items)
    if isinstance(first, Mapping):
        _alike(items, [sorted(map(str, item)) for item in items], "keys")
        return {key: default_collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        _alike(items, [len(item) for item in items], "lengths")
        parts = [default_collate(part) for part in zip(*items, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if backends.is_number(first):
        return asarray(backends.read(list(items)))
    if type(first) in SCALARS:
        return asarray(list(items))
    try:
        tensors = [asarray(item) for item in items]
    except TypeError:
        return list(items)
    _alike(items, [x.shape for x in tensors], "shapes")
    return stack(tensors)


def _alike(items: Sequence[Any], traits: list[Any], what: str) -> None:
    for trait in traits:
        if trait != traits[0]:
            raise ValueError(
                f"the items of a batch need the same {what} to be stacked, here are {traits[0]} and {trait}; "
                "make them alike in the data set, or take batch_size=1"
            )
