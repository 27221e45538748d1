"""Helpers of the gradient rules of linear algebra.

The engine conjugates complex cotangents on their way in and out; a rule that follows the literature, where gradients
are conjugated the other way, begins with `conj` and ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import nan
from operator import and_
from typing import Any

from ..backends import device_of
from ..core.typing import Array, Namespace

__all__ = [
    "adjoint", "completed", "conj", "divisors", "each_matrix", "identity", "nan_if_free", "nonzero", "skew",
    "upper_half",
]  # fmt: skip

_ROUNDING = 1e-3  # largest relative cotangent, along a free choice of a decomposition, that counts as a rounding error


def conj(xp: Namespace, x: Array) -> Array:
    """Return the complex conjugate; a real array itself."""
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def adjoint(xp: Namespace, x: Array) -> Array:
    """Return the conjugate transpose."""
    return conj(xp, xp.matrix_transpose(x))


def skew(xp: Namespace, x: Array) -> Array:
    """Return ``x - xᴴ``."""
    return x - adjoint(xp, x)


def upper_half(xp: Namespace, x: Array) -> Array:
    """Return the upper triangle with half of the diagonal."""
    return (xp.triu(x) + xp.triu(x, k=1)) / 2


def identity(xp: Namespace, like: Array) -> Array:
    """Return the identity matrix for a stack of vectors: of their length, dtype and device."""
    return xp.eye(like.shape[-1], dtype=like.dtype, device=device_of(like))


def nonzero(xp: Namespace, x: Array) -> Array:
    """Return `x` with 1 in place of 0."""
    return xp.where(x == 0, 1.0, x)


def divisors(xp: Namespace, x: Array, *cotangents: Any) -> Array:
    """Return `x` with 1 in place of 0 in matrices whose cotangents are all 0, so that 0 / 0 is 0 and not NaN."""
    if any(getattr(g, "requires_grad", False) for g in cotangents):
        return x  # a zero cotangent that is differentiated, as by `jvp`, is not a constant
    first, *others = [xp.all(g == 0, axis=(-2, -1), keepdims=True) for g in cotangents]
    unused = reduce(and_, others, first)
    return xp.where(unused, nonzero(xp, x), x)


def nan_if_free(xp: Namespace, turn: Any, *cotangents: Any) -> Array:
    """Return 0 for each matrix, or NaN if the result depends on a free choice: if `turn` exceeds rounding errors."""
    excess = _sum(xp, turn)
    for g in cotangents:
        excess = excess - _ROUNDING * _sum(xp, g)
    return xp.where(excess > 0, nan, xp.zeros_like(excess))


def each_matrix(xp: Namespace, function: Callable[..., Any], x: Array, *others: Any) -> Array:
    """Call a function on stacks of square matrices; the result is NaN for each matrix for which the library raises.

    NumPy and PyTorch raise for a whole stack if one matrix is singular or holds a NaN. The stacks have the same leading
    axes.
    """
    try:
        return function(x, *others)
    except (ArithmeticError, RuntimeError, ValueError):
        if x.shape[-1] != x.shape[-2]:
            raise
        if x.ndim == 2:
            result = function(xp.eye(x.shape[-1], dtype=x.dtype, device=device_of(x)), *others)
            return [nan * part for part in result] if isinstance(result, (list, tuple)) else nan * result
    parts = [each_matrix(xp, function, *(stack[i, ...] for stack in (x, *others))) for i in range(x.shape[0])]
    if isinstance(parts[0], (list, tuple)):
        return [xp.stack(part) for part in zip(*parts, strict=True)]
    return xp.stack(parts)


def _sum(xp: Namespace, x: Array) -> Array:
    return xp.sum(xp.abs(x), axis=(-2, -1), keepdims=True)


def completed(xp: Namespace, vectors: Any, g: Array, k: int) -> tuple[Any, Any]:
    """Return the first `k` columns of a complete basis, and a cotangent for them that includes that of the others.

    The others span the orthogonal complement of the first, so they rotate with them.
    """
    first, rest = vectors[..., :k], vectors[..., k:]
    g_first, g_rest = g[..., :k], g[..., k:]
    turn = nan_if_free(xp, skew(xp, adjoint(xp, rest) @ g_rest), g_rest)
    return first, g_first - rest @ (adjoint(xp, g_rest) @ first) + turn
