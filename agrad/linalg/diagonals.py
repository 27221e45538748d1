"""Diagonals of matrices."""

from __future__ import annotations

from ..checks import as_integer
from ..core.primitive import ArrayLike
from ..core.tensor import Tensor
from ..core.typing import DTypeLike
from ..ops.data_type import as_tensor
from ..ops.indexing import getitem
from ..ops.manipulation import reshape
from ..ops.statistical import sum

__all__ = ["diagonal", "trace"]


def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Tensor:
    """Return the diagonals of matrices.

    Parameters
    ----------
    x : ArrayLike
        Of shape (..., m, n) and any dtype.
    offset : int
        The offset from the main diagonal: positive above it, negative below.

    Returns
    -------
    Tensor
        Of shape (..., k), where k is the length of the diagonal.

    Raises
    ------
    ValueError
        If `x` has fewer than two axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.diagonal(agrad.asarray([[1, 2], [3, 4]]))
    Tensor([1, 4], dtype=int64, device='cpu')
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal takes matrices, of shape (..., m, n), not shape {x.shape}")
    *stack, m, n = x.shape
    row, column = max(-as_integer("offset", offset), 0), max(offset, 0)
    length = max(min(m - row, n - column), 0)
    start = row * n + column if length else 0
    stop = start + (length - 1) * (n + 1) + 1 if length else 0
    return getitem(reshape(x, (*stack, m * n)), (..., slice(start, stop, n + 1)))


def trace(x: ArrayLike, /, *, offset: int = 0, dtype: DTypeLike = None) -> Tensor:
    """Return the sums of the diagonals of matrices.

    Parameters
    ----------
    x : ArrayLike
        Numeric, of shape (..., m, n).
    offset : int
        As in `diagonal`.
    dtype : DType, optional
        As in `agrad.sum`.

    Returns
    -------
    Tensor
        Of shape (...).

    Raises
    ------
    ValueError
        If `x` has fewer than two axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.trace(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5., dtype=float32, device='cpu')
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"trace takes matrices, of shape (..., m, n), not shape {x.shape}")
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)
