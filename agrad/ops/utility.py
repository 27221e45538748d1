"""Utility functions: `all`, `any`, differences and one-hot vectors."""

from __future__ import annotations

from ..checks import as_integer
from ..core.dtypes import get_default_dtype
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import DTypeLike, Namespace
from .creation import arange
from .data_type import as_tensor, astype
from .elementwise import equal, not_equal, subtract
from .gathering import index_get
from .manipulation import concat, expand_dims, moveaxis
from .statistical import axes_of

__all__ = ["all", "any", "diff", "one_hot"]


@primitive
def all(xp: Namespace, x: ArrayLike, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
    """Return whether all elements along axes are true, or not zero.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int, optional
        The axis or axes to test along; all of them by default.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.

    Returns
    -------
    Tensor
        Boolean.

    Examples
    --------
    >>> import agrad
    >>> agrad.all(agrad.asarray([[True, False], [True, True]]), axis=1)
    Tensor([False,  True], dtype=bool, device='cpu')
    """
    return xp.all(x, axis=axes_of(x, axis), keepdims=keepdims)


@primitive
def any(xp: Namespace, x: ArrayLike, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
    """Return whether any element along axes is true, or not zero.

    Parameters
    ----------
    x, axis, keepdims
        As in `all`.

    Returns
    -------
    Tensor
        Boolean.

    Examples
    --------
    >>> import agrad
    >>> agrad.any(agrad.asarray([[True, False], [False, False]]), axis=1)
    Tensor([ True, False], dtype=bool, device='cpu')
    """
    return xp.any(x, axis=axes_of(x, axis), keepdims=keepdims)


def diff(
    x: ArrayLike,
    /,
    *,
    axis: int = -1,
    n: int = 1,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Tensor:
    """Return the differences between neighbours along an axis.

    Parameters
    ----------
    x : ArrayLike
    axis : int
        The axis along which the differences are taken.
    n : int
        How many times differences are taken; 0 returns `x` itself.
    prepend, append : ArrayLike, optional
        Arrays to join to `x` first, before and after it along the axis; of its shape but for the axis.

    Returns
    -------
    Tensor
        Shorter by `n` along the axis.

    Raises
    ------
    ValueError
        If `n` is negative, `x` is 0-d, or there is no such axis.

    Examples
    --------
    >>> import agrad
    >>> agrad.diff(agrad.asarray([1, 4, 9]), prepend=agrad.asarray([0]))
    Tensor([1, 3, 5], dtype=int64, device='cpu')
    """
    x = as_tensor(x)
    if x.ndim == 0:
        raise ValueError("diff needs an array of at least one axis")
    if as_integer("n", n, 0) == 0:
        return x
    as_integer("axis", axis, -x.ndim, x.ndim - 1)
    parts = [part for part in (prepend, x, append) if part is not None]
    x = moveaxis(concat(parts, axis=axis) if len(parts) > 1 else x, axis, 0)
    for _ in range(n):
        x = _differences(x)
    return moveaxis(x, 0, axis)


def _differences(x: Tensor) -> Tensor:
    """Return the differences between neighbours along the first axis."""
    length, others = x.shape[0], (slice(None),) * (x.ndim - 1)
    ahead = index_get(x, (slice(min(1, length), length), *others))
    behind = index_get(x, (slice(0, max(length - 1, 0)), *others))
    return not_equal(ahead, behind) if x.dtype.name == "bool" else subtract(ahead, behind)


def one_hot(x: ArrayLike, num_classes: int, /, *, dtype: DTypeLike = None, axis: int = -1) -> Tensor:
    """Return one-hot vectors: zeros, with a one at the index of each class.

    Parameters
    ----------
    x : ArrayLike
        Integers from 0 to ``num_classes - 1``; any other gives a vector of zeros.
    num_classes : int
        The length of the vectors.
    dtype : DType, optional
        The default dtype if left out.
    axis : int
        The position of the class axis in the result.

    Returns
    -------
    Tensor
        With one axis more than `x`.

    Raises
    ------
    TypeError
        If `x` does not hold integers.

    Examples
    --------
    >>> import agrad
    >>> agrad.one_hot(agrad.asarray([0, 2]), 3)
    Tensor([[1., 0., 0.],
            [0., 0., 1.]], dtype=float32, device='cpu')
    """
    x = as_tensor(x)
    if not x.dtype.family.endswith("integer"):
        raise TypeError(f"one_hot needs integers for classes, not {x.dtype!r}; write x.astype(agrad.int64)")
    hits = equal(expand_dims(x, axis=-1), arange(as_integer("num_classes", num_classes, 0), device=x.device))
    return moveaxis(astype(hits, get_default_dtype() if dtype is None else dtype), -1, axis)
