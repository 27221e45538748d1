"""The singular value decomposition, singular values and ranks."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..checks import check_flags
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.data_type import as_tensor, finfo
from ..ops.manipulation import expand_dims
from ..ops.searching import count_nonzero
from .parts import adjoint, completed, conj, divisors, identity, nan_if_free, skew

__all__ = ["SVDResult", "matrix_rank", "svd", "svdvals", "tolerance"]


class SVDResult(NamedTuple):
    """The result of `svd`."""

    U: Tensor
    S: Tensor
    Vh: Tensor


@primitive
def svd(xp: Namespace, x: ArrayLike, /, *, full_matrices: bool = True) -> SVDResult:
    """Return the singular value decomposition ``U @ diag(S) @ Vh`` of matrices, with unitary U and Vh.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, n).
    full_matrices : bool
        Whether the columns of U and the rows of Vh are complete bases, or only the k = min(m, n) vectors that belong to
        singular values.

    Returns
    -------
    SVDResult
        ``U`` of shape (..., m, m) or (..., m, k), ``S`` real of shape (..., k) in descending order, ``Vh`` of shape
        (..., n, n) or (..., k, n).

    Notes
    -----
    Gradients of U and Vh are finite only where all singular values differ, and none is 0 unless m = n. Complex vectors
    are determined up to a phase that U and Vh share: a result that depends on it gets a gradient of NaN, where PyTorch
    raises. So does a result that depends on the vectors that `full_matrices` adds, for which PyTorch has no gradient.

    The rule is that of J. Townsend, "Differentiating the singular value decomposition" (2016), and for complex
    matrices Z.-Q. Wan and S.-X. Zhang, "Automatic differentiation for complex valued SVD", arXiv:1909.02659.

    Examples
    --------
    >>> import agrad
    >>> u, s, vh = agrad.linalg.svd(agrad.asarray([[0.0, 3.0], [2.0, 0.0], [0.0, 0.0]]), full_matrices=False)
    >>> s
    Tensor([3., 2.], dtype=float32, device='cpu')
    """
    check_flags(full_matrices=full_matrices)
    return SVDResult(*xp.linalg.svd(x, full_matrices=full_matrices))


def _svd_x(g: Array, out: Array, xp: Namespace) -> Array:
    u, s, vh = out
    v = adjoint(xp, vh)
    gu, gs, gvh = g
    gu, gv = conj(xp, gu), adjoint(xp, conj(xp, gvh))
    (m, n), k = (u.shape[-2], v.shape[-2]), s.shape[-1]
    if u.shape[-1] > k:
        u, gu = completed(xp, u, gu, k)
    if v.shape[-1] > k:
        v, gv = completed(xp, v, gv, k)
    row, column = s[..., None, :], s[..., :, None]
    eye = identity(xp, s)
    # Rotations of the vectors within their span, and changes of the values
    in_u, in_v = skew(xp, adjoint(xp, u) @ gu), skew(xp, adjoint(xp, v) @ gv)
    gaps, sums = divisors(xp, row - column, gu, gv) + eye, divisors(xp, row + column, gu, gv)
    phases = (in_u + in_v) * eye
    sizes = divisors(xp, row, gu, gv)
    inner = (
        (in_u * (row / sums) + (column / sums) * in_v) * (1.0 - eye) / gaps
        + gs[..., None, :] * eye
        + nan_if_free(xp, phases, gu, gv)
    )
    if xp.isdtype(in_u.dtype, "complex floating"):
        inner = inner + in_u * eye / (2.0 * sizes)
    left = u @ inner
    # Rotations of the vectors out of their span
    if m > k:
        left = left + (gu - u @ (adjoint(xp, u) @ gu)) / sizes
    gx = left @ adjoint(xp, v)
    if n > k:
        gx = gx + (u / sizes) @ adjoint(xp, gv - v @ (adjoint(xp, v) @ gv))
    return conj(xp, gx)


svd.vjp(x=_svd_x)


@primitive
def svdvals(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the singular values of matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, n).

    Returns
    -------
    Tensor
        Real of shape (..., min(m, n)), in descending order.

    Notes
    -----
    The gradient exists where singular values are equal too; gradients of higher order do not. Where a singular value
    is 0, its gradient is one of several subgradients.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.svdvals(agrad.asarray([[0.0, 3.0], [2.0, 0.0]]))
    Tensor([3., 2.], dtype=float32, device='cpu')
    """
    return xp.linalg.svdvals(x)


def _svdvals_x(g: Array, x: Array, xp: Namespace) -> Array:
    u, _, vh = xp.linalg.svd(x, full_matrices=False)
    return conj(xp, (u * g[..., None, :]) @ vh)


svdvals.vjp(x=_svdvals_x)


def tolerance(x: Tensor, rtol: Any) -> Any:
    """Return up to which fraction of the largest a singular value counts as 0: `rtol`, by default rounding errors."""
    return max(x.shape[-2:]) * finfo(x.dtype).eps if rtol is None else rtol


def matrix_rank(x: ArrayLike, /, *, rtol: ArrayLike = None) -> Tensor:
    """Return the ranks of matrices: the number of singular values that are not 0.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, n).
    rtol : float or ArrayLike, optional
        Singular values up to `rtol` times the largest count as 0; an array has one for each matrix of the stack. By
        default it is max(m, n) times the dtype's ``eps``, as in `agrad.finfo`.

    Returns
    -------
    Tensor
        Integers, one for each matrix; no gradients.

    Raises
    ------
    ValueError
        If `x` has fewer than two axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.matrix_rank(agrad.asarray([[1.0, 2.0], [2.0, 4.0]]))
    Tensor(1, dtype=int64, device='cpu')
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"matrix_rank takes matrices, not shape {x.shape}; write x[None, :] for a matrix of one row")
    s = svdvals(x.detach())
    limit = tolerance(x, rtol)
    if hasattr(limit, "shape"):
        limit = expand_dims(as_tensor(limit), axis=-1)
    return count_nonzero(s > s[..., :1] * limit, axis=-1)
