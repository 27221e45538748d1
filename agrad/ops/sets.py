"""Set functions: distinct elements, and membership."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


@primitive
def unique_all(xp: Any, x: ArrayLike, /) -> UniqueAll:
    """Return the distinct elements, where each is found first, how to restore `x`, and how often each is there.

    Parameters
    ----------
    x : ArrayLike
        Taken as if it were flat.

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


@primitive
def unique_counts(xp: Any, x: ArrayLike, /) -> UniqueCounts:
    """Return the distinct elements, and how often each is there.

    Parameters
    ----------
    x : ArrayLike
        Taken as if it were flat.

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
    return UniqueCounts(*xp.unique_counts(x))


@primitive
def unique_inverse(xp: Any, x: ArrayLike, /) -> UniqueInverse:
    """Return the distinct elements, and for each element of `x` which of them it is.

    Parameters
    ----------
    x : ArrayLike
        Taken as if it were flat.

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
    return UniqueInverse(*xp.unique_inverse(x))


@primitive
def unique_values(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the distinct elements.

    Parameters
    ----------
    x : ArrayLike
        Taken as if it were flat.

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
    return xp.unique_values(x)


@primitive
def isin(xp: Any, x1: ArrayLike, x2: ArrayLike, /, *, invert: bool = False) -> Tensor:
    """Whether each element of one array is somewhere in the other.

    Parameters
    ----------
    x1, x2 : ArrayLike
    invert : bool
        Whether to tell the opposite.

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
    found = xp.isin(x1, x2)  # array-api-strict passes over `invert`
    return xp.logical_not(found) if invert else found
