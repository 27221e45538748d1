"""Solutions of linear systems with a triangular matrix."""

from __future__ import annotations

from .. import backends
from ..checks import check_flags
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.data_type import as_tensor
from ..ops.gathering import op_for
from ..ops.manipulation import expand_dims
from .inverses import broadcast

__all__ = ["solve_columns", "solve_triangular"]


@primitive
def solve_columns(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /, *, upper: bool) -> Tensor:
    """Return the solution of triangular systems whose right-hand sides are columns."""
    x1, x2 = broadcast(xp, x1, x2)
    return backends.of(x1).solve_triangular(x1, x2, upper)


def _x1(g: Array, x1: Array, out: Array, xp: Namespace, upper: bool) -> Array:
    product = -(_x2(g, x1, xp, upper) @ xp.matrix_transpose(out))
    return xp.triu(product) if upper else xp.tril(product)


def _x2(g: Array, x1: Array, xp: Namespace, upper: bool) -> Array:
    return op_for(solve_columns, xp)(xp.matrix_transpose(x1), g, upper=not upper)


solve_columns.vjp(x1=_x1, x2=_x2)


def solve_triangular(x1: ArrayLike, x2: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """Return the solution y of ``x1 @ y = x2``, where `x1` is triangular.

    Parameters
    ----------
    x1 : ArrayLike
        Floating, of shape (..., n, n). Only the lower or the upper triangle is used; the rest is taken as 0.
    x2 : ArrayLike
        Floating, of shape (n,) for one right-hand side, or (..., n, k) for k of them; the leading axes broadcast.
    upper : bool
        Whether `x1` is upper instead of lower triangular.

    Returns
    -------
    Tensor
        Of shape (..., n) or (..., n, k).

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> factor = agrad.linalg.cholesky(agrad.asarray([[4.0, 2.0], [2.0, 5.0]]))
    >>> agrad.linalg.solve_triangular(factor, agrad.asarray([2.0, 5.0]))
    Tensor([1., 2.], dtype=float32, device='cpu')
    """
    check_flags(upper=upper)
    x1 = as_tensor(x1)
    x2 = as_tensor(x2, x1)
    if x2.ndim == 1:
        return solve_columns(x1, expand_dims(x2, axis=-1), upper=upper)[..., 0]
    return solve_columns(x1, x2, upper=upper)
