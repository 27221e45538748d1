"""Determinants."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..ops.gathering import bare
from .parts import conj

__all__ = ["SlogdetResult", "det", "slogdet"]


@primitive
def det(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the determinants of square matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    Tensor
        Of shape (...) and the dtype of `x`.

    Notes
    -----
    The gradient is the matrix of cofactors, for matrices without inverse too, where PyTorch's is 0; gradients of higher
    order need an inverse.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> agrad.linalg.det(x).backward()
    >>> agrad.round(x.grad)
    Tensor([[ 4., -2.],
            [-2.,  1.]], dtype=float32, device='cpu')
    """
    return xp.linalg.det(x)


@primitive
def cofactors(xp: Any, x: ArrayLike, /) -> Tensor:
    """Return the determinant of `x` without the row and the column of each element, with signs.

    They follow from those of a diagonal matrix, the products of its other elements, by the singular value
    decomposition.
    """
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    others = _before(xp, s) * xp.flip(_before(xp, xp.flip(s, axis=-1)), axis=-1)
    sign = xp.linalg.det(u) * xp.linalg.det(vh)
    return conj(xp, (u * others[..., None, :]) @ vh) * sign[..., None, None]


def _before(xp: Any, x: Any) -> Any:
    return xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]


def _cofactors_x(g: Any, x: Any, out: Any, xp: Any) -> Any:
    dual = xp.matrix_transpose(xp.linalg.inv(x))
    trace = xp.sum(g * out, axis=(-2, -1), keepdims=True)
    return trace * dual - out @ xp.matrix_transpose(g) @ dual


det.vjp(x=lambda g, x, xp: g[..., None, None] * bare(cofactors, xp)(x))
cofactors.vjp(x=_cofactors_x)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


@primitive
def slogdet(xp: Any, x: ArrayLike, /) -> SlogdetResult:
    """Return the signs of determinants, and the logarithms of their absolute values: they neither over- nor underflow.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    SlogdetResult
        ``sign`` of the dtype of `x`, for complex numbers the determinant divided by its absolute value, and
        ``logabsdet``, real; both of shape (...). They are 0 and minus infinity for a matrix without inverse, which has
        no gradient.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.slogdet(agrad.asarray([[0.0, 1.0], [1.0, 0.0]]))
    SlogdetResult(sign=Tensor(-1., dtype=float32, device='cpu'), logabsdet=Tensor(0., dtype=float32, device='cpu'))
    """
    return SlogdetResult(*xp.linalg.slogdet(x))


def _slogdet_x(g: Any, x: Any, out: Any, xp: Any) -> Any:
    g_sign, g_log = g
    turn = g_sign * out[0]  # of which only the imaginary part turns the sign, and a real sign not at all
    g = g_log + (turn - conj(xp, turn)) / 2
    return g[..., None, None] * xp.matrix_transpose(xp.linalg.inv(x))


slogdet.vjp(x=_slogdet_x)
