"""GMRES: solves linear equations from matrix-vector products only. A vector is a list of Tensors.

Under `vmap`, the equations of all examples are solved at once, until all are solved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..core.tensor import Tensor
from ..ops.creation import zeros_like
from ..ops.elementwise import conj, real
from ..ops.statistical import sum as total
from .numbers import Number, every, hypot, largest, number, quotient, some, sqrt

__all__ = ["add", "dot", "norm", "scale", "solve"]

Vector: TypeAlias = Sequence[Tensor]


def dot(x: Vector, y: Vector) -> Number:
    """Return the real inner product; a complex number counts as two real ones."""
    return sum(number(total(real(conj(a) * b))) for a, b in zip(x, y, strict=True))


def norm(x: Vector) -> Number:
    """Return the Euclidean norm."""
    return sqrt(dot(x, x))


def add(x: Vector, y: Vector, factor: Number = 1.0) -> list[Tensor]:
    """Return ``x + factor * y``."""
    return [a + factor * b for a, b in zip(x, y, strict=True)]


def scale(x: Vector, factor: Number) -> list[Tensor]:
    """Return ``factor * x``."""
    return [factor * a for a in x]


def solve(apply: Callable[[Vector], list[Tensor]], b: Vector, what: str) -> list[Tensor]:
    """Return the solution x of ``apply(x) = b``, by GMRES.

    Parameters
    ----------
    apply : callable
        Multiplies a vector by the matrix: linear over the real numbers, and invertible.
    b : sequence of Tensor
        The right-hand side.
    what : str
        The name of the matrix in errors.

    Returns
    -------
    list of Tensor
        The solution.

    Raises
    ------
    RuntimeError
        If it does not converge: the matrix is singular, or nearly so.

    Notes
    -----
    Y. Saad and M. H. Schultz, "GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear
    systems", 1986. It restarts after 40 steps, and stops when the residual is as small as rounding errors, or when a
    restart does not halve it.
    """
    size, eps = sum(x.size * (2 if x.dtype.is_complex else 1) for x in b), max((_eps(x) for x in b), default=0.0)
    x: list[Tensor] = [zeros_like(part) for part in b]
    residual, start = list(b), norm(b)
    remaining = start
    for _ in range(10):
        if every(remaining <= 10 * eps * start):
            return x
        x = add(x, _correction(apply, residual, min(size, 40), eps * start))
        residual = add(b, apply(x), -1.0)
        before, remaining = remaining, norm(residual)
        if not some(remaining < 0.5 * before):
            break
    if not every(remaining <= math.sqrt(eps) * start):
        relative = largest(quotient(remaining, start))
        raise RuntimeError(f"{what} is singular, or nearly so: GMRES stopped at a relative residual of {relative:.2g}")
    return x


def _correction(
    apply: Callable[[Vector], list[Tensor]], residual: Vector, steps: int, tolerance: Number
) -> list[Tensor]:
    """Return the correction that minimizes the residual over the Krylov space of the given number of steps."""
    goal = [norm(residual)]
    basis = [scale(residual, quotient(1.0, goal[0]))]
    columns: list[list[Number]] = []  # of the Hessenberg matrix, rotated to upper triangular form
    rotations: list[tuple[Number, Number]] = []
    for _ in range(steps):
        following = apply(basis[-1])
        column: list[Number] = [0.0] * len(basis)
        for _ in range(2):  # Gram-Schmidt, twice because of rounding errors
            for i, direction in enumerate(basis):
                part = dot(direction, following)
                column[i] = column[i] + part
                following = add(following, direction, -part)
        length = norm(following)
        for i, (c, s) in enumerate(rotations):
            column[i : i + 2] = _rotated(c, s, *column[i : i + 2])
        size = hypot(column[-1], length)
        if every(size == 0):
            break
        rotations.append((quotient(column[-1], size), quotient(length, size)))
        columns.append([*column[:-1], size])
        goal[-1:] = [goal[-1] * rotations[-1][0], -goal[-1] * rotations[-1][1]]
        remaining: Any = goal[-1]
        if every((abs(remaining) <= tolerance) | (length == 0)):
            break
        basis.append(scale(following, quotient(1.0, length)))
    found: list[Tensor] = [zeros_like(part) for part in residual]
    weights = _back_substituted(columns, goal)
    for direction, weight in zip(basis, weights, strict=False):
        found = add(found, direction, weight)
    return found


def _rotated(c: Number, s: Number, a: Number, b: Number) -> list[Number]:
    return [c * a + s * b, c * b - s * a]


def _back_substituted(columns: list[list[Number]], goal: list[Number]) -> list[Number]:
    """Solve an upper triangular system, given by its columns."""
    weights = goal[: len(columns)]
    for k in reversed(range(len(columns))):
        weights[k] = quotient(weights[k], columns[k][k])
        for i in range(k):
            weights[i] = weights[i] - columns[k][i] * weights[k]
    return weights


def _eps(x: Any) -> float:
    return {"float16": 1e-3, "bfloat16": 8e-3, "float32": 1.2e-7, "complex64": 1.2e-7}.get(x.dtype.name, 2.3e-16)
