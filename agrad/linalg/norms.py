"""Norms of vectors and matrices."""

from __future__ import annotations

from math import inf, isinf
from typing import Any, Literal

from ..checks import as_integer, check_number
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.data_type import as_tensor, in_float32, promote_half
from ..ops.elementwise import abs
from ..ops.manipulation import expand_dims
from ..ops.statistical import Axis, axes_of, max, min, restore, sum
from .parts import conj, nonzero
from .singular import svdvals

__all__ = ["matrix_norm", "vector_norm"]


@primitive
def vector_norm(xp: Namespace, x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Return the norms of vectors.

    Parameters
    ----------
    x : ArrayLike
        Floating, of any shape.
    axis : int or tuple of int, optional
        The axis or axes along which norms are computed; by default all of `x` is one vector.
    keepdims : bool
        Whether the reduced axes are kept, with length 1.
    ord : float
        The order p: the p-th root of the sum of the p-th powers of the absolute values. The default 2 is the Euclidean
        norm; inf and -inf are the largest and the smallest absolute value, 0 is the number of nonzero elements.

    Returns
    -------
    Tensor
        Real, of the shape of `x` without `axis`.

    Notes
    -----
    Where the norm is 0, its gradient is 0, and so is that of elements that are 0; if `ord` is negative, one element
    that is 0 makes the norm 0. Equal largest or smallest elements share the gradient evenly. Such subgradients count as
    constants: the second derivative of ``vector_norm(x) ** 2`` at 0 is 0, and not 2; write ``agrad.square(x).sum()``,
    which is smooth.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.vector_norm(agrad.asarray([3.0, 4.0]))
    Tensor(5., dtype=float32, device='cpu')
    """
    if ord is not None:
        check_number("ord", ord, infinite=True)
    if not isinstance(axis, (tuple, list, type(None))):
        axis = as_integer("axis", axis)
    settings: dict[str, Any] = {"axis": axes_of(x, axis), "keepdims": keepdims, "ord": ord}
    return in_float32(xp, lambda x: xp.linalg.vector_norm(x, **settings), x)


def _vector_norm_x(g: Array, x: Array, out: Array, xp: Namespace, axis: Axis, keepdims: bool, ord: float) -> Array:
    g, x = promote_half(xp, g), promote_half(xp, x)
    out = promote_half(xp, out)
    g, out = (restore(xp, reduced, x.shape, axis, keepdims) for reduced in (g, out))
    divisor = xp.where(out == 0, inf, out)  # 0 also where the powers of small numbers are
    if ord == 2:
        return g * conj(xp, x) / divisor
    size, phase = xp.abs(x), conj(xp, xp.sign(x))
    if ord == 0:
        return xp.zeros_like(x)
    if ord == 1:
        return g * phase
    if isinf(ord):
        reached = xp.astype(size == out, g.dtype)
        return g * phase * (reached / xp.sum(reached, axis=axes_of(x, axis), keepdims=True))
    if ord < 0:  # an element that is 0 makes the norm 0, and the gradient of all others
        return g * phase * (out / nonzero(xp, size)) ** (1 - ord)
    return g * phase * (nonzero(xp, size) / (divisor if ord > 1 else nonzero(xp, out))) ** (ord - 1)


vector_norm.vjp(x=_vector_norm_x)


def matrix_norm(
    x: ArrayLike, /, *, keepdims: bool = False, ord: float | Literal["fro", "nuc"] | None = "fro"
) -> Tensor:
    """Return the norms of matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, n).
    keepdims : bool
        Whether the result has shape (..., 1, 1).
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}
        ``"fro"`` or None is the Frobenius norm, ``"nuc"`` the nuclear norm, the sum of the singular values; 1 and inf
        are the largest sum of absolute values in a column and in a row, 2 is the largest singular value; -1, -inf and
        -2 are the smallest of these.

    Returns
    -------
    Tensor
        Real of shape (...).

    Raises
    ------
    ValueError
        If `ord` is something else, or `x` has fewer than two axes.

    Notes
    -----
    Gradients are those of `vector_norm` and `svdvals`; equal largest or smallest sums share them evenly.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.matrix_norm(agrad.asarray([[1.0, 2.0], [2.0, 4.0]]))
    Tensor(5., dtype=float32, device='cpu')
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"matrix_norm takes matrices, not shape {x.shape}; write vector_norm for vectors")
    if ord is None or ord == "fro":
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord == "nuc":
        norm = sum(svdvals(x), axis=-1)
    elif ord in (1, -1, 2, -2, inf, -inf):
        extreme = max if ord > 0 else min
        sizes = svdvals(x) if ord in (2, -2) else sum(abs(x), axis=-2 if ord in (1, -1) else -1)
        norm = extreme(sizes, axis=-1)
    else:
        raise ValueError(f"ord must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, not {ord!r}")
    return expand_dims(norm, axis=(-2, -1)) if keepdims else norm
