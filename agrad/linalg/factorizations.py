"""Factorizations into triangular and unitary matrices: `cholesky` and `qr`.

The rules are those of I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, and of F. Walter
and L. Lehmann, "Algorithmic differentiation of linear algebra functions", arXiv:1009.6112.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..checks import check_flags
from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.advice import of_square_matrices
from ..ops.gathering import op_for
from .inverses import inverse, solution
from .parts import adjoint, completed, conj, upper_half

__all__ = ["QRResult", "cholesky", "qr"]


@primitive
def cholesky(xp: Namespace, x: ArrayLike, /, *, upper: bool = False) -> Tensor:
    """Return the Cholesky factor L of positive definite matrices ``L @ Lᴴ``, where L is lower triangular.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n). Each matrix must be symmetric or Hermitian, which is not checked.
    upper : bool
        Whether to return the upper triangular Lᴴ instead of L.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`, with a positive diagonal.

    Raises
    ------
    RuntimeError or ValueError
        If a matrix is not positive definite; JAX returns NaN instead, and CuPy does not check.

    Notes
    -----
    The gradient is a Hermitian matrix.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.cholesky(agrad.asarray([[4.0, 2.0], [2.0, 5.0]]))
    Tensor([[2., 0.],
            [1., 2.]], dtype=float32, device='cpu')
    """
    check_flags(upper=upper)
    return xp.linalg.cholesky(x, upper=upper)


def _cholesky_x(g: Array, out: Array, xp: Namespace, upper: bool) -> Array:
    g = conj(xp, g)
    right, g_right = (out, g) if upper else (adjoint(xp, out), adjoint(xp, g))
    half, dual = upper_half(xp, g_right @ adjoint(xp, right)), op_for(inverse, xp)(right)
    return conj(xp, dual @ (half + adjoint(xp, half)) @ adjoint(xp, dual)) / 2


cholesky.definition.advice = of_square_matrices
cholesky.vjp(x=_cholesky_x)


class QRResult(NamedTuple):
    """The result of `qr`."""

    Q: Tensor
    R: Tensor


@primitive
def qr(xp: Namespace, x: ArrayLike, /, *, mode: Literal["reduced", "complete"] = "reduced") -> QRResult:
    """Return the QR factorization ``Q @ R`` of matrices: Q has orthonormal columns, R is upper triangular.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., m, n).
    mode : {"reduced", "complete"}
        Whether Q has k = min(m, n) columns or m.

    Returns
    -------
    QRResult
        ``Q`` of shape (..., m, k) and ``R`` of shape (..., k, n), with m in place of k for ``"complete"``.

    Notes
    -----
    Gradients exist where the first k columns of `x` are independent. A result that depends on the columns that
    ``"complete"`` adds beyond k gets a gradient of NaN; PyTorch raises for all gradients of that mode where m > n.

    Examples
    --------
    >>> import agrad
    >>> q, r = agrad.linalg.qr(agrad.asarray([[3.0, 1.0], [4.0, 2.0]]))
    >>> agrad.round(q @ r)
    Tensor([[3., 1.],
            [4., 2.]], dtype=float32, device='cpu')
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode must be 'reduced' or 'complete', not {mode!r}")
    return QRResult(*xp.linalg.qr(x, mode=mode))


def _qr_x(g: Array, out: Array, xp: Namespace) -> Array:
    (q, r), (gq, gr) = out, (conj(xp, part) for part in g)
    m, n = q.shape[-2], r.shape[-1]
    k = min(m, n)
    if q.shape[-1] > k:
        q, gq = completed(xp, q, gq, k)
    square, g_square = r[..., :k, :k], gr[..., :k, :k]
    if n > k:  # the columns beyond k are Q @ rest
        rest, g_rest = r[..., :k, k:], gr[..., :k, k:]
        gq = gq + q @ (rest @ adjoint(xp, g_rest))
    half = upper_half(xp, g_square @ adjoint(xp, square) - adjoint(xp, q) @ gq)
    turned = gq + q @ (half + adjoint(xp, half))
    gx = adjoint(xp, op_for(solution, xp)(square, adjoint(xp, turned)))
    return conj(xp, xp.concat([gx, q @ g_rest], axis=-1) if n > k else gx)


qr.vjp(x=_qr_x)
