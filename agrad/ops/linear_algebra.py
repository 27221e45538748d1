"""Linear algebra: the standard's chapter, `mm` and `einsum`."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor


@primitive
def matmul(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Matrix product.

    Parameters
    ----------
    x1 : ArrayLike
        Of shape (..., m, k), or (k,): then a row that is dropped from the result.
    x2 : ArrayLike
        Of shape (..., k, n), or (k,): then a column that is dropped from the result.

    Returns
    -------
    Tensor
        Of shape (..., m, n); the leading axes broadcast.

    Raises
    ------
    ValueError
        If k differs, the leading shapes do not broadcast, or one of the arrays is 0-d.

    Examples
    --------
    >>> import agrad
    >>> agrad.matmul(agrad.asarray([[1.0, 2.0], [3.0, 4.0]]), agrad.asarray([1.0, 10.0]))
    Tensor([21., 43.], dtype=float32, device='cpu')
    """
    return xp.matmul(x1, x2)


def _matmul_x1(g: Any, x2: Any, xp: Any, x1_shape: tuple[int, ...]) -> Any:
    if x2.ndim == 1:
        return xp.expand_dims(g, axis=-1) * x2
    if len(x1_shape) == 1:
        g = xp.expand_dims(g, axis=-2)
    return xp.matmul(g, _transposed(xp, x2))


def _matmul_x2(g: Any, x1: Any, xp: Any, x2_shape: tuple[int, ...]) -> Any:
    if x1.ndim == 1:
        return xp.expand_dims(x1, axis=-1) * xp.expand_dims(g, axis=-2) if len(x2_shape) > 1 else x1 * g
    if len(x2_shape) == 1:
        g = xp.expand_dims(g, axis=-1)
        return xp.squeeze(xp.matmul(_transposed(xp, x1), g), axis=-1)
    if len(x2_shape) == 2 and x1.ndim > 2:  # one product of long matrices, not a sum of many products
        x1, g = xp.reshape(x1, (-1, x1.shape[-1])), xp.reshape(g, (-1, g.shape[-1]))
    return xp.matmul(_transposed(xp, x1), g)


def _transposed(xp: Any, x: Any) -> Any:
    return x.T if x.ndim == 2 else xp.matrix_transpose(x)


matmul.vjp(x1=_matmul_x1, x2=_matmul_x2)
