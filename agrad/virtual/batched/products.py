"""Products of vectors, matrices and tensors, computed as products of stacks of matrices."""

from __future__ import annotations

from math import prod
from typing import Any, Final

from ...backends.typing import Array, Namespace
from .arrays import BatchedArray, aligned, boxed, ranked
from .axes import shifted

__all__ = ["FUNCTIONS", "matmul"]


def _both(x1: Array, x2: Array) -> tuple[BatchedArray, BatchedArray, Any]:
    if type(x1) is type(x2):
        return x1, x2, x1.level
    level = x1.level if type(x1) is BatchedArray else x2.level
    return boxed(x1, level), boxed(x2, level), level


def matmul(x1: Array, x2: Array, /) -> BatchedArray:
    """Multiply matrices: in one large product if possible, otherwise as stacks."""
    x1, x2, level = _both(x1, x2)
    xp, lead, ndim1, ndim2 = level.xp, x1.lead or x2.lead, x1.ndim, x2.ndim
    if x1.diagonal is not None and ndim2 == 2 and not x2.lead and x2.shape[0] == x1.shape[0]:
        return BatchedArray(x1.diagonal[:, None] * x2.value, 1, level)  # the rows of the matrix, scaled
    if x1.lead == x2.lead and (not lead or ndim1 == ndim2 > 1):
        return BatchedArray(xp.matmul(x1.value, x2.value), lead, level)
    product = _one_product(xp, x1, x2)
    if product is None:
        product = xp.matmul(_rows(x1, ndim2), _columns(x2, ndim1))
        product = product[..., 0, :] if ndim1 == 1 else product
        product = product[..., 0] if ndim2 == 1 else product
    return BatchedArray(product, lead, level)


def _one_product(xp: Namespace, x1: BatchedArray, x2: BatchedArray) -> Array:
    """Return the product if one side has no batch axis or both are vectors; None if it needs stacks."""
    (v1, ndim1), (v2, ndim2) = (x1.value, x1.ndim), (x2.value, x2.ndim)
    if not x2.lead and (ndim2 == 1 or (ndim1 == 1 and ndim2 == 2)):
        return xp.matmul(v1, v2)
    if not x2.lead and ndim1 == ndim2 == 2:
        rows = xp.matmul(xp.reshape(v1, (v1.shape[0] * v1.shape[1], v1.shape[2])), v2)
        return xp.reshape(rows, (v1.shape[0], v1.shape[1], v2.shape[1]))
    if not x1.lead and ndim1 <= 2 and ndim2 == 1:
        return xp.matmul(v2, v1 if ndim1 == 1 else xp.matrix_transpose(v1))
    if ndim1 == ndim2 == 1:
        return xp.vecdot(xp.conj(v1) if xp.isdtype(v1.dtype, "complex floating") else v1, v2)
    return None


def _rows(x: BatchedArray, other: int) -> Any:
    """Return the left operand as a stack of matrices, for a right one with `other` axes; a vector is a row."""
    if x.ndim > 1:
        return ranked(x, other)
    shape = (x.value.shape[0], *(1,) * max(1, other - 1)) if x.lead else (1,)
    return x.level.xp.reshape(x.value, (*shape, x.value.shape[-1]))


def _columns(x: BatchedArray, other: int) -> Any:
    """Return the right operand as a stack of matrices, for a left one with `other` axes; a vector is a column."""
    if x.ndim > 1:
        return ranked(x, other)
    shape = (x.value.shape[0], *(1,) * max(0, other - 2)) if x.lead else ()
    return x.level.xp.reshape(x.value, (*shape, x.value.shape[-1], 1))


def _vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> BatchedArray:
    rank = max(x1.ndim, x2.ndim)
    (v1, v2), lead, level = aligned((x1, x2))
    return BatchedArray(level.xp.vecdot(v1, v2, axis=shifted(axis, rank) - 1 - rank), lead, level)


def _tensordot(x1: Array, x2: Array, /, *, axes: Any = 2) -> BatchedArray:
    x1, x2, level = _both(x1, x2)
    if isinstance(axes, int):
        axes = range(x1.ndim - axes, x1.ndim), range(axes)
    contracted1, contracted2 = ([a % x.ndim for a in side] for side, x in zip(axes, (x1, x2), strict=True))
    if x1.lead and x2.lead:
        return BatchedArray(_tensordot_of_each(x1, x2, contracted1, contracted2), 1, level)
    sides = tuple(a + x1.lead for a in contracted1), tuple(a + x2.lead for a in contracted2)
    product = level.xp.tensordot(x1.value, x2.value, axes=sides)
    if x2.lead:
        product = level.xp.moveaxis(product, x1.ndim - len(contracted1), 0)
    return BatchedArray(product, x1.lead or x2.lead, level)


def _tensordot_of_each(x1: BatchedArray, x2: BatchedArray, contracted1: list[int], contracted2: list[int]) -> Any:
    """Return `tensordot` of each example as a stack of matrix products, of free and contracted axes."""
    xp, batch = x1.level.xp, x1.value.shape[0]
    free1, free2 = ([a for a in range(x.ndim) if a not in met] for x, met in ((x1, contracted1), (x2, contracted2)))
    lengths1, lengths2 = [x1.shape[a] for a in free1], [x2.shape[a] for a in free2]
    count = prod(x1.shape[a] for a in contracted1)
    v1 = xp.permute_dims(x1.value, (0, *[a + 1 for a in (*free1, *contracted1)]))
    v2 = xp.permute_dims(x2.value, (0, *[a + 1 for a in (*contracted2, *free2)]))
    v1 = xp.reshape(v1, (batch, prod(lengths1), count))
    v2 = xp.reshape(v2, (batch, count, prod(lengths2)))
    return xp.reshape(xp.matmul(v1, v2), (batch, *lengths1, *lengths2))


FUNCTIONS: Final[dict[str, Any]] = {
    f"{space}{name}": function
    for name, function in {"matmul": matmul, "tensordot": _tensordot, "vecdot": _vecdot}.items()
    for space in ("", "linalg.")
}
BatchedArray.__matmul__ = matmul
BatchedArray.__rmatmul__ = lambda self, other: matmul(other, self)
