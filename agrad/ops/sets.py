"""Set functions: unique elements, and membership.

The gradient of a unique element goes to its first occurrence.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from ..checks import check_flags
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from .gathering import add_at, op_for

__all__ = [
    "UniqueAll", "UniqueCounts", "UniqueInverse", "isin", "unique_all", "unique_counts", "unique_inverse",
    "unique_values",
]  # fmt: skip


class UniqueAll(NamedTuple):
    """The result of `unique_all`."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """The result of `unique_counts`."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """The result of `unique_inverse`."""

    values: Tensor
    inverse_indices: Tensor


@primitive
def unique_all(xp: Namespace, x: ArrayLike, /) -> UniqueAll:
    """Return the unique elements, their first indices, the indices that restore `x`, and their counts.

    Parameters
    ----------
    x : ArrayLike
        Flattened first.

    Returns
    -------
    UniqueAll
        With the attributes values, indices, inverse_indices (of the shape of `x`) and counts.

    Examples
    --------
    >>> import agrad
    >>> agrad.unique_all(agrad.asarray([3, 1, 3])).indices
    Tensor([1, 0], dtype=int64, device='cpu')
    """
    return UniqueAll(*xp.unique_all(x))


def _to_first(g: Array, xp: Namespace, out: Array, x_shape: tuple[int, ...]) -> Array:
    return xp.reshape(op_for(add_at, xp)(g[0], out[1], axis=0, shape=(prod(x_shape),)), x_shape)


unique_all.vjp(x=_to_first)


def unique_counts(x: ArrayLike, /) -> UniqueCounts:
    """Return the unique elements and their counts.

    Parameters
    ----------
    x : ArrayLike
        Flattened first.

    Returns
    -------
    UniqueCounts
        With the attributes values and counts.

    Examples
    --------
    >>> import agrad
    >>> agrad.unique_counts(agrad.asarray([3, 1, 3])).counts
    Tensor([1, 2], dtype=int64, device='cpu')
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverse:
    """Return the unique elements, and the indices that restore `x` from them.

    Parameters
    ----------
    x : ArrayLike
        Flattened first.

    Returns
    -------
    UniqueInverse
        With the attributes values and inverse_indices (of the shape of `x`).

    Examples
    --------
    >>> import agrad
    >>> agrad.unique_inverse(agrad.asarray([3, 1, 3])).inverse_indices
    Tensor([1, 0, 1], dtype=int64, device='cpu')
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: ArrayLike, /) -> Tensor:
    """Return the unique elements.

    Parameters
    ----------
    x : ArrayLike
        Flattened first.

    Returns
    -------
    Tensor
        One-dimensional.

    Examples
    --------
    >>> import agrad
    >>> agrad.unique_values(agrad.asarray([3, 1, 3]))
    Tensor([1, 3], dtype=int64, device='cpu')
    """
    return unique_all(x).values


@primitive
def isin(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, invert: bool = False) -> Tensor:
    """Return whether each element of `x1` is in `x2`.

    Parameters
    ----------
    x1, x2 : ArrayLike
    invert : bool
        Whether to return the opposite: True where it is not.

    Returns
    -------
    Tensor
        Boolean, of the shape of `x1`.

    Examples
    --------
    >>> import agrad
    >>> agrad.isin(agrad.asarray([1, 2, 3]), agrad.asarray([3, 1]))
    Tensor([ True, False,  True], dtype=bool, device='cpu')
    """
    check_flags(invert=invert)
    found = xp.isin(x1, x2)  # array-api-strict ignores `invert`
    return xp.logical_not(found) if invert else found
