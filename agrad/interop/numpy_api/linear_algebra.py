"""Products of arrays, diagonals, and the functions of numpy.linalg."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any, Final, NamedTuple

from ... import linalg, ops
from ...core.tensor import Tensor
from ...core.typing import DTypeLike
from ...linalg.parts import adjoint
from .arguments import Unsupported, axes_of, axis_of, floats, integers, tensor, tensors

__all__ = ["TABLE"]

# Products


def _dot(a: Any, b: Any) -> Tensor:
    a, b = tensors(a, b)
    if not a.ndim or not b.ndim:
        return ops.multiply(a, b)
    return ops.matmul(a, b) if b.ndim == 1 else ops.tensordot(a, b, axes=([a.ndim - 1], [b.ndim - 2]))


def _vdot(a: Any, b: Any, /) -> Tensor:
    a, b = tensors(a, b)
    return ops.sum(ops.multiply(ops.conj(ops.reshape(a, (-1,))), ops.reshape(b, (-1,))))


def _inner(a: Any, b: Any, /) -> Tensor:
    a, b = tensors(a, b)
    return ops.multiply(a, b) if not a.ndim or not b.ndim else ops.tensordot(a, b, axes=([a.ndim - 1], [b.ndim - 1]))


def _outer(a: Any, b: Any, /) -> Tensor:
    a, b = tensors(a, b)
    return ops.multiply(ops.reshape(a, (-1, 1)), ops.reshape(b, (1, -1)))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    a, b = tensors(a, b)
    axes = integers(axes)
    if isinstance(axes, tuple):
        axes = tuple((i,) if isinstance(i, int) else i for i in axes)
    return ops.tensordot(a, b, axes=axes)


def _einsum(*operands: Any) -> Tensor:
    like = next(x for x in operands if isinstance(x, Tensor))
    subscripts, *arrays = operands
    if isinstance(subscripts, str):
        return ops.einsum(subscripts, *[tensor(x, like) for x in arrays])
    pairs = [tensor(x, like) if i % 2 == 0 and i + 1 < len(operands) else x for i, x in enumerate(operands)]
    return ops.einsum(*pairs)


def _kron(a: Any, b: Any) -> Tensor:
    from array_api_extra import kron

    a, b = tensors(a, b)
    return kron(a, b, xp=a.__array_namespace__())


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    a, b = tensors(a, b)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = ops.moveaxis(a, axisa, -1), ops.moveaxis(b, axisb, -1)
    return ops.moveaxis(linalg.cross(a, b, axis=-1), -1, axisc)


def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    return linalg.cross(*tensors(x1, x2), axis=axis)


def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Tensor:
    return _tensordot(x1, x2, axes)


def _linalg_outer(x1: Any, x2: Any, /) -> Tensor:
    return linalg.outer(*tensors(x1, x2))


def _matmul(x1: Any, x2: Any, /) -> Tensor:
    return ops.matmul(*tensors(x1, x2))


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    return ops.vecdot(*tensors(x1, x2), axis=axis)


def _multi_dot(arrays: Any) -> Tensor:
    return reduce(ops.matmul, tensors(*arrays))


# Diagonals and triangles


def _planes(a: Any, axis1: int, axis2: int) -> Tensor:
    return ops.moveaxis(tensor(a), (axis1, axis2), (-2, -1))


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return linalg.diagonal(_planes(a, axis1, axis2), offset=offset)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None) -> Tensor:
    return linalg.trace(_planes(a, axis1, axis2), offset=offset, dtype=dtype)


def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    return linalg.diagonal(tensor(x), offset=offset)


def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: DTypeLike = None) -> Tensor:
    return linalg.trace(tensor(x), offset=offset, dtype=dtype)


def _diag(v: Any, k: int = 0) -> Tensor:
    v = tensor(v)
    if v.ndim == 2:
        return linalg.diagonal(v, offset=k)
    if v.ndim != 1:
        raise ValueError(f"diag takes an array with one or two axes, not shape {v.shape}")
    return _diagflat(v, k)


def _diagflat(v: Any, k: int = 0) -> Tensor:
    from array_api_extra import create_diagonal

    v = ops.reshape(tensor(v), (-1,))
    return create_diagonal(v, offset=k, xp=v.__array_namespace__())


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    x = tensor(x)
    count = x.shape[0] if N is None else N
    powers = [ops.ones_like(x)]
    for _ in range(count - 1):
        powers.append(ops.multiply(powers[-1], x))
    powers = powers[:count]
    return ops.stack(powers if increasing else powers[::-1], axis=-1)


# Norms


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    x = floats(x)
    if axis is None and ord is not None and x.ndim == 2:
        return linalg.matrix_norm(x, ord=ord, keepdims=keepdims)
    if axis is None and (ord is None or x.ndim == 1):
        norm = linalg.vector_norm(ops.reshape(x, (-1,)), ord=2 if ord is None else ord)
        return ops.reshape(norm, (1,) * x.ndim) if keepdims else norm
    if axis is None:
        raise ValueError(f"norm with ord={ord!r} takes one or two axes, not shape {x.shape}; give axis=")
    axes = axes_of(integers(axis), x.ndim)
    if len(axes) == 1 or (ord is None and len(axes) == 2):
        return linalg.vector_norm(x, axis=axes, ord=2 if ord is None else ord, keepdims=keepdims)
    return _matrix_norm_along(x, axes, ord, keepdims)


def _matrix_norm_along(x: Tensor, axes: tuple[int, ...], ord: Any, keepdims: bool) -> Tensor:
    norm = linalg.matrix_norm(ops.moveaxis(x, axes, (-2, -1)), ord=ord)
    if not keepdims:
        return norm
    return ops.reshape(norm, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    return linalg.matrix_norm(floats(x), keepdims=keepdims, ord=ord)


def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    return linalg.vector_norm(floats(x), axis=None if axis is None else integers(axis), keepdims=keepdims, ord=ord)


def _cond(x: Any, p: Any = None) -> Tensor:
    x = floats(x)
    if p is None or p in (2, -2):
        values = linalg.svdvals(x)
        largest, smallest = values[..., 0], values[..., -1]
        return ops.divide(smallest, largest) if p == -2 else ops.divide(largest, smallest)
    return ops.multiply(linalg.matrix_norm(x, ord=p), linalg.matrix_norm(linalg.inv(x), ord=p))


# Factorizations


class _SVDResult(NamedTuple):
    U: Any
    S: Any
    Vh: Any


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    a = floats(a)
    return _SVDResult(*linalg.svd(a, full_matrices=full_matrices)) if compute_uv else linalg.svdvals(a)


def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise Unsupported(f"mode={mode!r}")
    result = linalg.qr(floats(a), mode="complete" if mode == "complete" else "reduced")
    return result.R if mode == "r" else result


def _lower_half(a: Any, UPLO: str) -> Tensor:
    """Return the matrix, transposed if UPLO is 'U', so that its lower triangle is the one to use."""
    a = floats(a)
    return a if UPLO.upper() == "L" else adjoint(ops, a)


def _eigh(a: Any, UPLO: str = "L") -> Any:
    return linalg.eigh(_lower_half(a, UPLO))


def _eigvalsh(a: Any, UPLO: str = "L") -> Tensor:
    return linalg.eigvalsh(_lower_half(a, UPLO))


def _cholesky(a: Any, /, *, upper: bool = False) -> Tensor:
    return linalg.cholesky(floats(a), upper=upper)


# Equations


def _of_floats(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a: op(floats(a))


def _solve(a: Any, b: Any) -> Tensor:
    a, b = tensors(a, b)
    return linalg.solve(floats(a), floats(b, a))


class _LstsqResult(NamedTuple):
    x: Any
    residuals: Any
    rank: Any
    s: Any


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = tensors(a, b)
    x, residuals, rank, s = linalg.lstsq(floats(a), floats(b, a), rcond=None if rcond == -1 else rcond)
    residuals = ops.reshape(residuals, (-1,))
    determined = a.shape[0] > a.shape[1] == int(rank)
    return _LstsqResult(x, residuals if determined else residuals[:0], rank, s)


def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Tensor:
    return linalg.pinv(floats(a), rtol=rcond if rtol is None else rtol)


def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Tensor:
    if tol is not None:
        return ops.count_nonzero(ops.greater(linalg.svdvals(floats(A)), tol), axis=-1)
    return linalg.matrix_rank(floats(A), rtol=rtol)


def _matrix_power(a: Any, n: int) -> Tensor:
    return linalg.matrix_power(tensor(a), n)


def _tensorinv(a: Any, ind: int = 2) -> Tensor:
    a = floats(a)
    rows = math.prod(a.shape[:ind])
    return ops.reshape(linalg.inv(ops.reshape(a, (rows, -1))), a.shape[ind:] + a.shape[:ind])


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Tensor:
    a, b = tensors(a, b)
    if axes is not None:
        axes = [axis_of(axis, a.ndim) for axis in axes]
        a = ops.permute_dims(a, (*[i for i in range(a.ndim) if i not in axes], *axes))
    shape = a.shape[b.ndim :]
    return ops.reshape(linalg.solve(ops.reshape(floats(a), (b.size, -1)), ops.reshape(b, (-1,))), shape)


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "cross": _cross,
    "diag": _diag,
    "diagflat": _diagflat,
    "diagonal": _diagonal,
    "dot": _dot,
    "einsum": _einsum,
    "inner": _inner,
    "kron": _kron,
    "linalg.cholesky": _cholesky,
    "linalg.cond": _cond,
    "linalg.cross": _linalg_cross,
    "linalg.det": _of_floats(linalg.det),
    "linalg.diagonal": _linalg_diagonal,
    "linalg.eig": _of_floats(linalg.eig),
    "linalg.eigh": _eigh,
    "linalg.eigvals": _of_floats(linalg.eigvals),
    "linalg.eigvalsh": _eigvalsh,
    "linalg.inv": _of_floats(linalg.inv),
    "linalg.lstsq": _lstsq,
    "linalg.matmul": _matmul,
    "linalg.matrix_norm": _matrix_norm,
    "linalg.matrix_power": _matrix_power,
    "linalg.matrix_rank": _matrix_rank,
    "linalg.multi_dot": _multi_dot,
    "linalg.norm": _norm,
    "linalg.outer": _linalg_outer,
    "linalg.pinv": _pinv,
    "linalg.qr": _qr,
    "linalg.slogdet": _of_floats(linalg.slogdet),
    "linalg.solve": _solve,
    "linalg.svd": _svd,
    "linalg.svdvals": lambda x, /: linalg.svdvals(floats(x)),
    "linalg.tensordot": _linalg_tensordot,
    "linalg.tensorinv": _tensorinv,
    "linalg.tensorsolve": _tensorsolve,
    "linalg.trace": _linalg_trace,
    "linalg.vecdot": _vecdot,
    "linalg.vector_norm": _vector_norm,
    "outer": _outer,
    "tensordot": _tensordot,
    "trace": _trace,
    "tril": lambda m, k=0: ops.tril(tensor(m), k=k),
    "triu": lambda m, k=0: ops.triu(tensor(m), k=k),
    "vander": _vander,
    "vdot": _vdot,
}
