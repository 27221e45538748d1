"""The methods of ufuncs: ``np.add.reduce(x)``, ``np.multiply.outer(x, y)`` and the like."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from itertools import accumulate
from typing import Any

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import Array, DTypeLike
from ...ops.extra import at
from .arguments import Unsupported, axis_of, integers, tensor, tensors
from .reductions import REDUCTIONS, TABLE

__all__ = ["method_of"]

_CUMULATIVE = {"add": TABLE["cumsum"], "multiply": TABLE["cumprod"]}


def method_of(name: str, op: Callable[..., Any], method: str) -> Callable[..., Any]:
    """Return a method of the ufunc with the given name, computed with `op`.

    Raises
    ------
    Unsupported
        If agrad does not support the method.
    """
    if method == "reduce":
        return partial(_reduce, _reduction(name, op))
    if method not in _METHODS:
        raise Unsupported(f"its method {method}")
    return partial(_METHODS[method], name, op)


def _reduction(name: str, op: Callable[..., Any]) -> Callable[..., Tensor]:
    return REDUCTIONS.get(name) or partial(_fold, op)


def _reduce(op: Callable[..., Tensor], array: Array, axis: Any = 0, dtype: DTypeLike = None, **settings: Any) -> Tensor:
    array = tensor(array) if dtype is None else ops.astype(tensor(array), dtype)
    return op(array, axis=None if axis is None else integers(axis), **settings)


def _fold(op: Callable[..., Any], array: Tensor, axis: Any, keepdims: bool = False) -> Tensor:
    """Reduce along an axis by repeated application of a function of two arguments."""
    if not isinstance(axis, int):
        raise Unsupported(f"axis={axis!r}")
    result = reduce(op, ops.unstack(array, axis=axis))
    return ops.expand_dims(result, axis=axis_of(axis, array.ndim)) if keepdims else result


def _accumulate(name: str, op: Callable[..., Any], array: Array, axis: int = 0, dtype: DTypeLike = None) -> Tensor:
    array = tensor(array) if dtype is None else ops.astype(tensor(array), dtype)
    if name in _CUMULATIVE:
        return _CUMULATIVE[name](array, axis)
    return ops.stack(list(accumulate(ops.unstack(array, axis=axis), op)), axis=axis_of(axis, array.ndim))


def _outer(name: str, op: Callable[..., Any], a: Any, b: Any, /) -> Any:
    a, b = tensors(a, b)
    return op(ops.reshape(a, a.shape + (1,) * b.ndim), b)


def _reduceat(
    name: str, op: Callable[..., Any], array: Array, indices: Any, axis: int = 0, dtype: DTypeLike = None
) -> Tensor:
    rows = ops.moveaxis(tensor(array), axis, 0)
    starts = integers(indices)
    parts = []
    for start, stop in zip(starts, (*starts[1:], rows.shape[0]), strict=True):
        part = rows[start : stop if stop > start else start + 1]
        parts.append(_reduce(_reduction(name, op), part, 0, dtype))
    return ops.moveaxis(ops.stack(parts), 0, axis)


def _at(name: str, op: Callable[..., Any], a: Any, indices: Any, b: Any = None, /) -> None:
    """Add to or subtract from `a` in place at indices; repeated indices accumulate."""
    if not isinstance(a, Tensor) or name not in ("add", "subtract"):
        raise Unsupported("its method at")
    target = at(a)[indices]
    a[...] = target.add(b) if name == "add" else target.subtract(b)


_METHODS: dict[str, Callable[..., Any]] = {
    "accumulate": _accumulate,
    "at": _at,
    "outer": _outer,
    "reduceat": _reduceat,
}
