"""Inverses, and solutions of linear systems."""

from __future__ import annotations

from typing import Any

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.advice import of_equations, of_square_matrices
from ..ops.data_type import as_tensor
from ..ops.gathering import op_for
from ..ops.manipulation import broadcast_shapes
from .parts import adjoint, conj, each_matrix
from .singular import tolerance

__all__ = ["broadcast", "inv", "inverse", "pinv", "pseudo_inverse", "solution", "solve"]


@primitive
def inv(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverses of matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`.

    Raises
    ------
    RuntimeError or ValueError
        If a matrix is singular; JAX and CuPy return infinity or NaN instead.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.inv(agrad.asarray([[2.0, 0.0], [0.0, 4.0]]))
    Tensor([[0.5 , 0.  ],
            [0.  , 0.25]], dtype=float32, device='cpu')
    """
    return xp.linalg.inv(x)


def _inv_x(g: Array, out: Array, xp: Namespace) -> Array:
    transposed = xp.matrix_transpose(out)
    return -(transposed @ g @ transposed)


inv.definition.advice = of_square_matrices
inv.vjp(x=_inv_x)


@primitive
def inverse(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the inverses of matrices, for use in rules: NaN for singular ones."""
    return each_matrix(xp, xp.linalg.inv, x)


inverse.vjp(x=_inv_x)


@primitive
def solve(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the solution y of ``x1 @ y = x2``.

    Parameters
    ----------
    x1 : ArrayLike
        Floating, of shape (..., n, n).
    x2 : ArrayLike
        Floating, of shape (n,) for one right-hand side, or (..., n, k) for k of them; the leading axes broadcast.

    Returns
    -------
    Tensor
        Of shape (..., n) or (..., n, k), and the promoted dtype.

    Raises
    ------
    RuntimeError or ValueError
        If a matrix is singular (JAX and CuPy return infinity or NaN instead), or the shapes do not match.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.solve(agrad.asarray([[2.0, 0.0], [0.0, 4.0]]), agrad.asarray([1.0, 1.0]))
    Tensor([0.5 , 0.25], dtype=float32, device='cpu')
    """
    if x2.ndim == 1:
        return xp.linalg.solve(*broadcast(xp, x1, x2[:, None]))[..., 0]
    return xp.linalg.solve(*broadcast(xp, x1, x2))


def broadcast(xp: Namespace, x1: Array, x2: Array) -> tuple[Any, Any]:
    """Broadcast two stacks of matrices against each other, since not every library does."""
    if x1.shape[:-2] != x2.shape[:-2]:
        stack = broadcast_shapes(tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
        x1, x2 = (xp.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (x1, x2))
    return x1, x2


@primitive
def solution(xp: Namespace, x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """Return the solutions of linear systems, for use in rules: NaN for singular ones; `x2` holds columns."""
    return each_matrix(xp, xp.linalg.solve, *broadcast(xp, x1, x2))


def _solve_x1(g: Array, x1: Array, out: Array, xp: Namespace, x2_shape: tuple[int, ...]) -> Array:
    g = _solve_x2(g, x1, xp, x2_shape)
    if len(x2_shape) == 1:
        return -(g[..., :, None] * out[..., None, :])
    return -(g @ xp.matrix_transpose(out))


def _solve_x2(g: Array, x1: Array, xp: Namespace, x2_shape: tuple[int, ...]) -> Array:
    transposed = xp.matrix_transpose(x1)
    if len(x2_shape) == 1:
        return op_for(solution, xp)(transposed, g[..., :, None])[..., 0]
    return op_for(solution, xp)(transposed, g)


solve.definition.advice = of_equations
solve.vjp(x1=_solve_x1, x2=_solve_x2)
solution.vjp(x1=_solve_x1, x2=_solve_x2)


@primitive
def pseudo_inverse(xp: Namespace, x: ArrayLike, rtol: ArrayLike, /) -> Tensor:
    """Return the pseudo-inverses of matrices: `pinv` with a given `rtol`."""
    return xp.linalg.pinv(x, rtol=rtol)


def _pseudo_inverse_x(g: Array, x: Array, out: Array, xp: Namespace) -> Array:
    # G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).
    g, dual = conj(xp, g), adjoint(xp, out)
    g_adjoint = adjoint(xp, g)
    left, right = g_adjoint @ out @ dual, dual @ out @ g_adjoint
    gx = left - x @ (out @ left) + right - (right @ out) @ x - dual @ g @ dual
    return conj(xp, gx)


pseudo_inverse.vjp(x=_pseudo_inverse_x)


def pinv(x: ArrayLike, /, *, rtol: ArrayLike = None) -> Tensor:
    """Return the Moore-Penrose pseudo-inverses of matrices.

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
        Of shape (..., n, m) and the dtype of `x`.

    Notes
    -----
    The pseudo-inverse is discontinuous where the rank changes; the gradient is that for changes that keep the rank.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.pinv(agrad.asarray([[2.0], [0.0]]))
    Tensor([[0.5, 0. ]], dtype=float32, device='cpu')
    """
    x = as_tensor(x)
    return pseudo_inverse(x, tolerance(x, rtol))
