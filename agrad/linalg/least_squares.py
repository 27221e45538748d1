"""Linear least squares."""

from __future__ import annotations

from typing import NamedTuple

from ..core.primitive import ArrayLike
from ..core.tensor import Tensor
from ..ops.data_type import as_tensor
from ..ops.elementwise import abs, square, subtract
from ..ops.linear_algebra import matmul
from ..ops.manipulation import expand_dims
from ..ops.statistical import sum
from .inverses import pinv
from .singular import matrix_rank, svdvals

__all__ = ["LstsqResult", "lstsq"]


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    x: Tensor
    residuals: Tensor
    rank: Tensor
    s: Tensor


def lstsq(x1: ArrayLike, x2: ArrayLike, /, rcond: ArrayLike = None) -> LstsqResult:
    """Return the y for which ``x1 @ y`` is closest to `x2`; of several, the one of least length.

    Parameters
    ----------
    x1 : ArrayLike
        Floating, of shape (..., m, n).
    x2 : ArrayLike
        Floating, of shape (m,) for one vector, or (..., m, k) for k columns.
    rcond : float or ArrayLike, optional
        As `rtol` in `pinv`; named as in NumPy, PyTorch and JAX.

    Returns
    -------
    LstsqResult
        ``x`` of shape (..., n) or (..., n, k); ``residuals``, the squares of ``x2 - x1 @ x`` summed over each column;
        the ``rank`` of `x1`, and its singular values ``s``.

    Notes
    -----
    It is computed as the product with the pseudo-inverse, whose gradient it has: along matrices of the same rank.

    Examples
    --------
    >>> import agrad
    >>> times, heights = agrad.asarray([0.0, 1.0, 2.0]), agrad.asarray([1.0, 3.0, 5.0])
    >>> lines = agrad.stack([agrad.ones(3), times], axis=1)
    >>> agrad.round(100 * agrad.linalg.lstsq(lines, heights).x)
    Tensor([100., 200.], dtype=float32, device='cpu')
    """
    x1 = as_tensor(x1)
    x2 = as_tensor(x2, x1)
    columns = expand_dims(x2, axis=-1) if x2.ndim == 1 else x2
    found = matmul(pinv(x1, rtol=rcond), columns)
    residuals = sum(square(abs(subtract(columns, matmul(x1, found)))), axis=-2)
    if x2.ndim == 1:
        found, residuals = found[..., 0], residuals[..., 0]
    return LstsqResult(found, residuals, matrix_rank(x1.detach(), rtol=rcond), svdvals(x1))
