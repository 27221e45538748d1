"""Matrix products: small ones as loops, others by BLAS."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Final

from ...virtual.traced.recording import Call, Variable
from .access import whole
from .elements import literal
from .reductions import accumulate
from .values import Values, empty

__all__ = ["PRODUCTS"]

_MAX_WRITTEN_OUT: Final = 4  # terms of a product that are written out
_ROWS: Final = 32  # rows up to which a product by a transposed matrix is faster as that of the transposes
_SMALL: Final = 512  # multiplications of a matrix product up to which loops are faster than BLAS


def _matmul(values: Values, call: Call) -> None:
    (x1, x2), out = call.args, call.outputs[0]
    shape1, shape2 = tuple(x1.value.shape), tuple(x2.value.shape)
    dtype, both_matrices = values.dtype_of(out), len(shape1) == len(shape2) == 2
    if any(str(x.value.dtype) != dtype for x in (x1, x2)) or not dtype.startswith("float"):
        values.refuse(" of such dtypes")
    columns = shape2[-1] if len(shape2) > 1 else 1
    if prod(shape1[-2:]) * columns <= _SMALL:
        if both_matrices and shape1[1] <= _MAX_WRITTEN_OUT:
            _written_out(values, x1, x2, out)
        else:
            _in_loops(values, x1, x2, out)
    elif both_matrices:
        _by_blas(values, x1, x2, out)
    elif len(shape1) > 2 and (len(shape2) == 2 or shape1[:-2] == shape2[:-2]):
        _stacks_by_blas(values, x1, x2, out)
    else:
        values.refuse(" of such shapes")


def _written_out(values: Values, x1: Variable, x2: Variable, out: Variable) -> None:
    """Multiply matrices like an elementwise function, with all terms of an element in a line."""
    (from1, a), (from2, b) = values.access(x1), values.access(x2)
    i = values.nests.place(tuple(out.value.shape), max(from1, from2))
    rows, columns = values.nests.nest(i).loops
    for access in (a, b):
        values.read(access, i)
    texts = [f"{a.element([rows, str(k)])} * {b.element([str(k), columns])}" for k in range(a.shape[1])]
    values.define(out, i, " + ".join(texts) or literal(0, str(out.value.dtype)))


def _in_loops(values: Values, x1: Variable, x2: Variable, out: Variable) -> None:
    """Multiply matrices, stacks of matrices or vectors in loops over stacks, rows, columns and terms."""
    (from1, a), (from2, b) = values.access(x1), values.access(x2)
    *before, rows, terms = (1, *a.shape) if len(a.shape) == 1 else a.shape
    b = b.permuted([*range(len(b.shape) - 2), -1, -2]) if len(b.shape) > 1 else b
    columns = b.shape[-2] if len(b.shape) > 1 else 1
    shape = (*max(tuple(before), b.shape[:-2], key=len), rows, columns, terms)
    i = values.nests.place(shape, max(from1, from2))
    left, right = a.reshaped((*before, rows, 1, terms)), b.reshaped((*b.shape[:-2], 1, columns, terms))
    assert left is not None
    assert right is not None
    accumulate(values, "sum", out, f"{values.at(left, i)} * {values.at(right, i)}", i, [len(shape) - 1])


def _by_blas(values: Values, x1: Variable, x2: Variable, out: Variable) -> None:
    a, b = values.contiguous(x1), values.contiguous(x2)
    if _has_few_rows(a, b, *out.value.shape):
        transposed, shape = values.names.unused("t0"), tuple(out.value.shape)[::-1]
        made = f"{transposed} = np.empty({shape!r}, np.{values.dtype_of(out)})"
        ready = values.block([made, f"np.dot({b.removesuffix('.T')}, {a}.T, {transposed})"], a, b)
        values.stored[out] = ready, whole(transposed, shape).permuted((1, 0))
        return
    lines, name = [], values.homes.pop(out, None)
    if name is None:
        name = values.names.unused("t0")
        lines = [f"{name} = {empty(out)}"]
    ready = values.block([*lines, f"np.dot({a}, {b}, {name})"], a, b)
    values.stored[out] = ready, whole(name, out.value.shape)


def _has_few_rows(a: str, b: str, rows: int, columns: int) -> bool:
    """Return whether a few rows are multiplied by a transposed matrix: OpenBLAS takes long to prepare that."""
    return rows <= _ROWS and 4 * rows <= columns and b.endswith(".T") and not a.endswith(".T")


def _stacks_by_blas(values: Values, x1: Variable, x2: Variable, out: Variable) -> None:
    """Multiply the matrices of stacks one by one, or a stack by one matrix in a single product."""
    a, b = values.contiguous(x1), values.contiguous(x2)
    *stack, rows, terms = x1.value.shape
    columns, count = x2.value.shape[-1], prod(stack)
    name = values.names.unused("t0")
    lines = [f"{name} = {empty(out)}"]
    if len(x2.value.shape) == 2:
        first, result = (count * rows, terms), (count * rows, columns)
        lines.append(f"np.dot({a}.reshape({first!r}), {b}, {name}.reshape({result!r}))")
    else:
        parts = [values.names.unused("v0") for _ in range(3)]
        shapes = (count, rows, terms), (count, terms, columns), (count, rows, columns)
        lines += [f"{p} = {x}.reshape({shape!r})" for p, x, shape in zip(parts, (a, b, name), shapes, strict=True)]
        lines += [f"for i0 in range({count}):", f"    np.dot({', '.join(f'{part}[i0]' for part in parts)})"]
    values.stored[out] = values.block(lines, a, b), whole(name, out.value.shape)


PRODUCTS: Final[dict[str, Callable[[Values, Call], None]]] = {"matmul": _matmul}
