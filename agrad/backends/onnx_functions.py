"""Functions of the array API standard that become one operator of ONNX each, where ndonnx writes many."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v21 as op

from . import rational
from .typing import Array, NativeDtype

__all__ = ["FUNCTIONS", "LINALG", "OPERATORS", "SPECIAL", "array_of", "op", "variable"]


def variable(x: Array) -> Any:
    """Return the variable of the graph that an array stands for."""
    return x.unwrap_spox()


def array_of(variable: Any) -> Any:
    """Return the array that stands for a variable of the graph."""
    return ndx.asarray(variable)


def _promoted(*arrays: Array) -> list[Any]:
    dtype = ndx.result_type(*arrays)
    return [variable(ndx.astype(x, dtype, copy=False)) for x in arrays]


def _matmul(x1: Array, x2: Array, /) -> Any:
    return array_of(op.matmul(*_promoted(x1, x2)))


def _maximum(x1: Array, x2: Any, /) -> Any:
    if isinstance(x1, ndx.Array) and type(x2) in (int, float) and x2 == 0 and ndx.isdtype(x1.dtype, "real floating"):
        return array_of(op.relu(variable(x1)))
    return ndx.maximum(x1, x2)


def _reduction(operator: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Array, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
        if axis == ():
            return x.copy()
        axes = None if axis is None else op.const(np.atleast_1d(np.asarray(axis, np.int64)))
        return array_of(operator(variable(x), axes, keepdims=int(keepdims)))

    return reduce


_mean = _reduction(op.reduce_mean)


def _of_truth(operator: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reduction of what is true: onnxruntime reduces numbers only."""

    def reduce(x: Array, /, **settings: Any) -> Any:
        true = ndx.astype(ndx.astype(x, ndx.bool, copy=False), ndx.int32)
        return ndx.astype(_reduction(operator)(true, **settings), ndx.bool)

    return reduce


def _var(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    centered = x - _mean(x, axis=axis, keepdims=True)
    variance = _mean(centered * centered, axis=axis, keepdims=keepdims)
    if not correction:
        return variance
    lengths = x.shape if axis is None else [x.shape[i] for i in np.atleast_1d(axis)]
    count = float(np.prod(lengths))
    return variance * (count / (count - correction))


def _std(x: Array, /, **settings: Any) -> Any:
    return ndx.sqrt(_var(x, **settings))


def _unstack(x: Array, /, *, axis: int = 0) -> tuple[Any, ...]:
    parts = op.split(variable(x), num_outputs=x.shape[axis], axis=axis)
    return tuple(array_of(op.squeeze(part, op.const([axis], np.int64))) for part in parts)


def _reshape(x: Array, /, shape: tuple[int, ...], **settings: Any) -> Any:
    if prod(shape) != prod(x.shape) and -1 not in shape:  # which the graph would tell only when it runs
        raise ValueError(f"cannot reshape an array of shape {tuple(x.shape)} into shape {shape}")
    return ndx.reshape(x, shape, **settings)


def _logaddexp(x1: Array, x2: Array, /) -> Any:
    return ndx.maximum(x1, x2) + ndx.log1p(ndx.exp(-ndx.abs(x1 - x2)))


def _arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: NativeDtype = None, device: Any = None) -> Any:
    start, stop = (0, start) if stop is None else (start, stop)
    if dtype is None:
        dtype = ndx.int64 if all(isinstance(n, int) for n in (start, stop, step)) else ndx.float64
    kind = np.int64 if ndx.isdtype(dtype, "integral") else np.float64
    return ndx.astype(array_of(op.range(*[op.const(kind(n)) for n in (start, stop, step)])), dtype, copy=False)


def _erf(x: Array) -> Any:
    if x.dtype == ndx.float32:
        return array_of(op.erf(variable(x)))
    return rational.erf(ndx, x)  # onnxruntime has the operator in 32 bits only


def _erfc(x: Array) -> Any:
    return 1.0 - _erf(x) if x.dtype == ndx.float32 else rational.erfc(ndx, x)


def _vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    if ord == 2:
        return _reduction(op.reduce_l2)(x, axis=axis, keepdims=keepdims)
    sizes = ndx.abs(x)
    if ord in (inf, -inf):
        return FUNCTIONS["max" if ord > 0 else "min"](sizes, axis=axis, keepdims=keepdims)
    if ord == 0:
        return ndx.astype(ndx.count_nonzero(x, axis=axis, keepdims=keepdims), x.dtype)
    return ndx.sum(sizes**ord, axis=axis, keepdims=keepdims) ** (1 / ord)


# What ops compute by one operator, whatever their forward is.
OPERATORS: dict[str, Callable[[Any], Any]] = {"sigmoid": op.sigmoid, "softplus": op.softplus}
SPECIAL: dict[str, Callable[[Array], Any]] = {"erf": _erf, "erfc": _erfc}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "all": _of_truth(op.reduce_min),
    "any": _of_truth(op.reduce_max),
    "arange": _arange,
    "logaddexp": _logaddexp,
    "matmul": _matmul,
    "max": _reduction(op.reduce_max),
    "maximum": _maximum,
    "mean": _mean,
    "min": _reduction(op.reduce_min),
    "reshape": _reshape,
    "std": _std,
    "unstack": _unstack,
    "var": _var,
}
LINALG: dict[str, Callable[..., Any]] = {
    "matmul": _matmul,
    "matrix_transpose": ndx.matrix_transpose,
    "tensordot": ndx.tensordot,
    "vecdot": ndx.vecdot,
    "vector_norm": _vector_norm,
}
