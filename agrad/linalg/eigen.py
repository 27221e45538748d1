"""Eigenvalues and eigenvectors.

The rules are those of M. Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), section 3, extended to complex and normalised vectors.
"""

from __future__ import annotations

from typing import NamedTuple

from ..core.primitive import ArrayLike, primitive
from ..core.tensor import Tensor
from ..core.typing import Array, Namespace
from ..ops.advice import of_square_matrices
from ..ops.data_type import as_complex
from ..ops.gathering import op_for
from .inverses import solution
from .parts import adjoint, conj, divisors, identity, nan_if_free, skew

__all__ = ["EigResult", "EighResult", "eig", "eigh", "eigvals", "eigvalsh"]


class EigResult(NamedTuple):
    """The result of `eig`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class EighResult(NamedTuple):
    """The result of `eigh`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


# Hermitian matrices


@primitive
def eigh(xp: Namespace, x: ArrayLike, /) -> EighResult:
    """Return the eigenvalues and eigenvectors of symmetric or Hermitian matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n). Each matrix must equal its conjugate transpose, which is not checked.

    Returns
    -------
    EighResult
        ``eigenvalues`` in ascending order, real of shape (..., n), and ``eigenvectors`` of the shape and dtype of `x`:
        orthonormal columns.

    Notes
    -----
    The gradient is a Hermitian matrix. That of the eigenvectors is finite only where all eigenvalues differ. Complex
    eigenvectors are determined up to a phase: a result that depends on it gets a gradient of NaN, where PyTorch raises.

    Examples
    --------
    >>> import agrad
    >>> x = agrad.tensor([[2.0, 1.0], [1.0, 2.0]], requires_grad=True)
    >>> agrad.linalg.eigh(x).eigenvalues[1].backward()
    >>> agrad.round(x.grad * 100)
    Tensor([[50., 50.],
            [50., 50.]], dtype=float32, device='cpu')
    """
    return EighResult(*xp.linalg.eigh(x))


def _gaps(xp: Namespace, values: Array, g: Array) -> Array:
    """Return the differences of all pairs of eigenvalues, with 1 on the diagonal."""
    return divisors(xp, values[..., None, :] - values[..., :, None], g) + identity(xp, values)


def _eigh_x(g: Array, out: Array, xp: Namespace) -> Array:
    values, vectors = out
    g_values, g_vectors = g[0], conj(xp, g[1])
    turn = skew(xp, adjoint(xp, vectors) @ g_vectors) / 2
    phases = turn * identity(xp, values)
    inner = (turn - phases) / _gaps(xp, values, g_vectors) + nan_if_free(xp, phases, g_vectors)
    return conj(xp, (vectors * g_values[..., None, :] + vectors @ inner) @ adjoint(xp, vectors))


eigh.definition.advice = of_square_matrices
eigh.vjp(x=_eigh_x)


@primitive
def eigvalsh(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the eigenvalues of symmetric or Hermitian matrices.

    Parameters
    ----------
    x : ArrayLike
        As in `eigh`.

    Returns
    -------
    Tensor
        Real of shape (..., n), in ascending order.

    Notes
    -----
    The gradient is a Hermitian matrix. It exists where eigenvalues are equal too; gradients of higher order do not.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.eigvalsh(agrad.asarray([[0.0, 2.0], [2.0, 0.0]]))
    Tensor([-2.,  2.], dtype=float32, device='cpu')
    """
    return xp.linalg.eigvalsh(x)


def _eigvalsh_x(g: Array, x: Array, xp: Namespace) -> Array:
    _, vectors = xp.linalg.eigh(x)
    return conj(xp, (vectors * g[..., None, :]) @ adjoint(xp, vectors))


eigvalsh.definition.advice = of_square_matrices
eigvalsh.vjp(x=_eigvalsh_x)


# General matrices


@primitive
def eig(xp: Namespace, x: ArrayLike, /) -> EigResult:
    """Return the eigenvalues and eigenvectors of square matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    EigResult
        ``eigenvalues`` of shape (..., n) in no particular order, and ``eigenvectors`` of shape (..., n, n): columns of
        length 1. Both are complex.

    Raises
    ------
    NotImplementedError
        If the array library of the device cannot compute them.

    Notes
    -----
    Gradients are finite only where all eigenvalues differ. The eigenvectors are determined up to a phase: a result that
    depends on it gets a gradient of NaN, where PyTorch raises.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.eig(agrad.asarray([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    Tensor([0.+1.j, 0.-1.j], dtype=complex64, device='cpu')
    """
    return EigResult(*(as_complex(xp, part) for part in xp.linalg.eig(x)))


def _eig_x(g: Array, out: Array, xp: Namespace) -> Array:
    values, vectors = out
    g_values, g_vectors = conj(xp, g[0]), conj(xp, g[1])
    eye = identity(xp, values)
    dual = adjoint(xp, vectors)
    inner = dual @ g_vectors
    phases = skew(xp, inner * eye)
    inner = inner - dual @ (vectors @ (inner * eye - phases / 2))  # eigenvectors stay normalised
    inner = inner * (1.0 - eye) / conj(xp, _gaps(xp, values, g_vectors)) + nan_if_free(xp, phases, g_vectors)
    return conj(xp, op_for(solution, xp)(dual, (inner + g_values[..., None, :] * eye) @ dual))


eig.definition.advice = of_square_matrices
eig.vjp(x=_eig_x)


@primitive
def eigvals(xp: Namespace, x: ArrayLike, /) -> Tensor:
    """Return the eigenvalues of square matrices.

    Parameters
    ----------
    x : ArrayLike
        Floating, of shape (..., n, n).

    Returns
    -------
    Tensor
        Complex of shape (..., n), in no particular order.

    Raises
    ------
    NotImplementedError
        If the array library of the device cannot compute them.

    Notes
    -----
    The gradient exists if the eigenvectors are independent; gradients of higher order exist if all eigenvalues differ.

    Examples
    --------
    >>> import agrad
    >>> agrad.linalg.eigvals(agrad.asarray([[0.0, -4.0], [1.0, 0.0]]))
    Tensor([0.+2.j, 0.-2.j], dtype=complex64, device='cpu')
    """
    return as_complex(xp, xp.linalg.eigvals(x))


def _eigvals_x(g: Array, x: Array, xp: Namespace) -> Array:
    _, vectors = xp.linalg.eig(x)
    dual = adjoint(xp, vectors)
    return conj(xp, op_for(solution, xp)(dual, conj(xp, g)[..., :, None] * dual))


eigvals.definition.advice = of_square_matrices
eigvals.vjp(x=_eigvals_x)
