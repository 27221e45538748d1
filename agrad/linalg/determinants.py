"""Determinants."""

from __future__ import annotations

from math import nan
from typing import Any, NamedTuple

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.advice import of_square_matrices
from ..ops.gathering import op_for
from ..ops.statistical import products_of_others
from .inverses import inverse
from .parts import adjoint, conj, each_matrix, identity

__all__ = ["SlogdetResult", "cofactors", "cofactors_along", "det", "slogdet"]


@primitive
def det(xp: Namespace, x: ArrayLike, /) -> Tensor:
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
    A determinant is a polynomial: its first and second derivatives are exact for singular matrices too, where
    PyTorch's gradient is 0. From the third order on, derivatives need an inverse, and are NaN for singular matrices.

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
def cofactors(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the cofactors of matrices: for each element the signed determinant without its row and column.

    They are computed by the singular value decomposition: the cofactors of a product are the product of the cofactors,
    and those of a diagonal matrix are the products of its other elements.
    """
    sign, u, s, vh = _decomposed(xp, x)
    return sign * conj(xp, (u * products_of_others(xp, s)[..., None, :]) @ vh)


@primitive
def cofactors_along(xp: Namespace, x: ArrayLike, direction: ArrayLike, /) -> Tensor:
    """Return the derivative of `cofactors` along a direction, also by the singular value decomposition.

    In a diagonal matrix, a change of a diagonal element changes all other diagonal cofactors, and a change of any other
    element changes the cofactor at the transposed position: each by the product of the elements in all other rows.
    """
    sign, u, s, vh = _decomposed(xp, x)
    eye = identity(xp, s)
    pairs = products_of_others(xp, xp.where(eye == 1, 1.0, s[..., None, :])) * (1.0 - eye)
    change = adjoint(xp, u) @ direction @ adjoint(xp, vh)
    diagonal = xp.matmul(pairs, xp.sum(change * eye, axis=-1, keepdims=True))
    return sign * conj(xp, u) @ (eye * diagonal - pairs * xp.matrix_transpose(change)) @ conj(xp, vh)


def _decomposed(xp: Namespace, x: Array) -> tuple[Any, Any, Any, Any]:
    """Return the sign of the determinants, and the singular value decompositions."""
    u, s, vh = each_matrix(xp, lambda x: xp.linalg.svd(x, full_matrices=False), x)
    return (xp.linalg.det(u) * xp.linalg.det(vh))[..., None, None], u, s, vh


def _cofactors_along_x(g: Array, x: Array, direction: Any, xp: Namespace) -> Array:
    # With D the transposed inverse: det(x) (<g, D> <h, D> - tr(gᵀ D hᵀ D)), differentiated.
    h, dual = direction, xp.matrix_transpose(op_for(inverse, xp)(x))
    along_g, along_h = _inner(xp, g, dual), _inner(xp, h, dual)
    g_dual, h_dual = xp.matrix_transpose(g) @ dual, xp.matrix_transpose(h) @ dual
    value = along_g * along_h - _inner(xp, g_dual, xp.matrix_transpose(h_dual))
    slope = g * along_h + h * along_g - g @ xp.matrix_transpose(h_dual) - h @ xp.matrix_transpose(g_dual)
    return xp.linalg.det(x)[..., None, None] * (value * dual - dual @ xp.matrix_transpose(slope) @ dual)


def _inner(xp: Namespace, x: Array, y: Array) -> Array:
    return xp.sum(x * y, axis=(-2, -1), keepdims=True)


det.definition.advice = of_square_matrices
det.vjp(x=lambda g, x, xp: g[..., None, None] * op_for(cofactors, xp)(x))
cofactors.vjp(x=lambda g, x, xp: op_for(cofactors_along, xp)(x, g))
cofactors_along.vjp(x=_cofactors_along_x, direction=lambda g, x, xp: op_for(cofactors_along, xp)(x, g))


class SlogdetResult(NamedTuple):
    """The result of `slogdet`."""

    sign: Tensor
    logabsdet: Tensor


@primitive
def slogdet(xp: Namespace, x: ArrayLike, /) -> SlogdetResult:
    """Return the signs of determinants, and the logarithms of their absolute values, which neither over- nor underflow.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    SlogdetResult
        ``sign`` of the dtype of `x`, for complex numbers the determinant divided by its absolute value, and
        ``logabsdet``, real; both of shape (...). They are 0 and minus infinity for a singular matrix, whose gradient is
        NaN.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.slogdet(agrad.asarray([[0.0, 1.0], [1.0, 0.0]]))
    SlogdetResult(sign=Tensor(-1., dtype=float32, device='cpu'), logabsdet=Tensor(0., dtype=float32, device='cpu'))
    """
    return SlogdetResult(*xp.linalg.slogdet(x))


def _slogdet_x(g: Array, x: Array, out: Array, xp: Namespace) -> Array:
    g_sign, g_log = g
    turn = g_sign * out[0]  # only its imaginary part changes a complex sign, and nothing a real one
    g = xp.where(xp.isinf(out[1]), nan, g_log + (turn - conj(xp, turn)) / 2)
    return g[..., None, None] * xp.matrix_transpose(op_for(inverse, xp)(x))


slogdet.definition.advice = of_square_matrices
slogdet.vjp(x=_slogdet_x)
