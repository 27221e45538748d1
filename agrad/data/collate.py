"""Collating items into a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import backends
from ..core.tensor import SCALARS
from ..ops.creation import asarray
from ..ops.manipulation import stack

__all__ = ["default_collate"]


def default_collate(items: Sequence[Any]) -> Any:
    """Collate items into a batch: stack arrays and numbers along a new first axis.

    Tuples, lists and dicts are collated element by element. NumPy scalars keep their dtype, Python scalars get the
    default one. Other values, such as strings, are put in a list.

    Parameters
    ----------
    items : sequence
        Tensors, arrays, numbers, or tuples, lists and dicts of them, all of the same structure.

    Returns
    -------
    Any
        The batch, with the structure of one item: tuples give a tuple, where PyTorch gives a list, and any mapping
        gives a dict.

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
        raise ValueError("a batch needs at least one item; items is empty")
    first = items[0]
    if isinstance(first, (str, bytes)):
        return list(items)
    if isinstance(first, Mapping):
        _check_equal([sorted(map(str, item)) for item in items], "keys")
        return {key: default_collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        _check_equal([len(item) for item in items], "lengths")
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
    _check_equal([x.shape for x in tensors], "shapes")
    return stack(tensors)


def _check_equal(traits: list[Any], what: str) -> None:
    for trait in traits:
        if trait != traits[0]:
            raise ValueError(
                f"the items of a batch must have the same {what}, not {traits[0]} and {trait}; make them equal in the "
                "data set, or write batch_size=1"
            )
