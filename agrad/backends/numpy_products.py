"""Matrix products of NumPy's arrays, by the call of BLAS that is the fastest for their shapes."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from .base import OUT, Into
from .typing import Array

__all__ = ["chosen_matmul", "matmul", "matmul_alone", "matmul_of_few_rows", "outer_products", "product_into"]

_ALONE: Final = 1 << 18  # multiply-adds of a product above which OpenBLAS uses its threads
_DOT: Final = 4096  # entries of a product up to which the method `dot` is faster; it fills larger ones with zeros first
_SMALL: Final = 1200  # entries of a product up to which OpenBLAS may have a kernel that prepares nothing
_ROWS: Final = 32  # rows up to which it pays to multiply in the other order
_TERMS: Final = 256  # terms of each entry from which on it does


def matmul(x1: Array, x2: Array, /) -> Any:  # 0.9 -> 0.4 µs for 8×16 and 16×8
    """Multiply matrices, or stacks of them."""
    if type(x1) is not np.ndarray or type(x2) is not np.ndarray or x1.ndim != 2 or x2.ndim != 2:
        return _of_stacks(x1, x2)
    entries = x1.shape[0] * x2.shape[1]
    if entries <= _SMALL:
        return x1.dot(x2)
    if _has_few_rows(x1, x2):
        return matmul_of_few_rows(x1, x2)
    return x1.dot(x2) if entries <= _DOT else np.matmul(x1, x2)


def _of_stacks(x1: Array, x2: Array) -> Any:
    return outer_products(x1, x2) if _are_columns_and_rows(x1, x2) else np.matmul(x1, x2)


def _are_columns_and_rows(x1: Array, x2: Array) -> bool:
    """Return whether large stacks of columns are multiplied by stacks of rows."""
    return bool(x1.ndim > 1 < x2.ndim and x1.shape[-1] == x2.shape[-2] == 1 and x1.size * x2.shape[-1] > _DOT)


def outer_products(x1: Array, x2: Array, out: Array | None = None) -> Any:  # 128 of (32, 1) and (1, 64): 357 -> 78 µs
    """Multiply stacks of columns and rows; without `out`, the longer of the two is contiguous in the result."""
    if out is not None or x1.shape[-2] <= x2.shape[-1] or x1.ndim != x2.ndim:
        return np.einsum("...ij,...jk->...ik", x1, x2, out=out)
    out = _empty_transposed(np.broadcast_shapes(x1.shape, x2.shape), np.result_type(x1, x2))
    np.einsum("...ij,...jk->...ki", x1, x2, out=out.mT)  # 128 of (64, 1) and (1, 10): 61 -> 43 µs
    return out


def _empty_transposed(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of matrices with contiguous columns, which owns its memory, unlike a transposed view."""
    return np.empty_like(np.empty((2,) * len(shape)).mT, dtype, shape=shape)


def _has_few_rows(x1: Any, x2: Any) -> bool:
    """Return whether a few rows are multiplied by a large transposed matrix, as in a `Linear` layer."""
    rows, terms = x1.shape
    return bool(
        rows <= _ROWS
        and 4 * rows <= x2.shape[1]
        and _TERMS <= terms == x2.shape[0]
        and x1.dtype == x2.dtype == np.float32
        and x2.flags.f_contiguous
        and x1.flags.c_contiguous
    )


def matmul_of_few_rows(x1: Array, x2: Array, out: Array | None = None) -> Any:  # 32×784, 784×128: 105 -> 73 µs
    """Multiply the transposes in the other order, since OpenBLAS takes long to prepare a second factor like `x2`."""
    product = np.matmul(x2.T, x1.T).T
    if out is None:
        return product.copy()
    out[...] = product
    return out


def matmul_alone(x1: Array, x2: Array, /) -> Any:
    """Multiply small matrices in pieces for which OpenBLAS does not use its threads.

    After a product its threads spin for 25 ms, on cores that numba's loops need: a step of LeNet takes 15 ms, not 23.
    """
    if type(x1) is not np.ndarray or type(x2) is not np.ndarray or x1.ndim != 2 or x2.ndim != 2:
        return _of_stacks(x1, x2)
    pieces = -(-x1.size * x2.shape[1] // _ALONE)
    if not 1 < pieces <= 8 or x1.shape[1] != x2.shape[0]:
        return matmul(x1, x2)
    product, step = np.empty((x1.shape[0], x2.shape[1]), np.result_type(x1, x2)), -(-x1.shape[0] // pieces)
    for start in range(0, x1.shape[0], step):
        np.matmul(x1[start : start + step], x2, product[start : start + step])
    return product


def _has_one_thread() -> bool:
    """Return whether OpenBLAS was told to use no threads: then products in pieces only take longer."""
    return (os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")) == "1"


def chosen_matmul() -> Callable[[Array, Array], Any]:
    """Return `matmul`, or one that uses no threads for small products, where numba's loops share the cores."""
    return matmul_alone if find_spec("numba") and not _has_one_thread() else matmul


def product_into(function: Callable[..., Any], x1: Any, x2: Any) -> Any:
    """Return how a product of variables is computed into an array: as `function`, `matmul` or the operator, would."""
    given = [getattr(x, "value", x) for x in (x1, x2)]
    if any(type(x) is not np.ndarray or x.ndim < 2 for x in given) or given[0].dtype != given[1].dtype:
        return None
    (rows, _), columns = given[0].shape[-2:], given[1].shape[-1]
    if function is operator.matmul:
        return Into(np.matmul, (x1, x2, OUT), False)
    if given[0].ndim > 2 or given[1].ndim > 2:
        return Into(outer_products if _are_columns_and_rows(*given) else np.matmul, (x1, x2, OUT), False)
    if function is matmul_alone and 1 < -(-given[0].size * columns // _ALONE) <= 8:
        return None
    if rows * columns > _SMALL and _has_few_rows(*given):
        return Into(matmul_of_few_rows, (x1, x2, OUT), False)
    # The method, which other array types cannot override, is faster than np.dot by 0.1 µs.
    return Into(np.ndarray.dot if rows * columns <= _DOT else np.matmul, (x1, x2, OUT), False)
