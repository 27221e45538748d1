"""Array creation (``*_like``, ``like=``, `linspace`), tests of dtypes, and comparison of arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import DTypeLike
from .arguments import Unsupported, floats, integers, tensor, tensors

__all__ = ["TABLE"]


def _shape(shape: Any) -> Any:
    shape = integers(shape)
    return shape if isinstance(shape, tuple) else (shape,)


def _of_shape(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def of_shape(shape: Any, dtype: DTypeLike = None) -> Tensor:
        return op(_shape(shape), dtype=dtype)

    return of_shape


def _full(shape: Any, fill_value: Any, dtype: DTypeLike = None) -> Tensor:
    return ops.full(_shape(shape), fill_value, dtype=dtype)


def _array(object: Any, dtype: DTypeLike = None) -> Tensor:
    return ops.asarray(object, dtype=dtype, copy=True)


def _asarray(a: Any, dtype: DTypeLike = None) -> Tensor:
    return ops.asarray(a, dtype=dtype)


def _arange(*ends: Any, dtype: DTypeLike = None, **named: Any) -> Tensor:
    return ops.arange(*ends, **named, dtype=dtype)


def _eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Tensor:
    return ops.eye(N, M, k=k, dtype=dtype)


def _tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Tensor:
    return ops.tril(ops.ones((N, N if M is None else M), dtype=dtype), k=k)


def _identity(n: int, dtype: DTypeLike = None) -> Tensor:
    return ops.eye(n, dtype=dtype)


# Arrays like another


def _like(op: Callable[..., Tensor], made: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(a: Any, /, dtype: DTypeLike = None, shape: Any = None) -> Tensor:
        a = tensor(a)
        if shape is None:
            return op(a, dtype=dtype)
        return made(_shape(shape), dtype=a.dtype if dtype is None else dtype, device=a.device)

    return like


def _full_like(a: Any, fill_value: Any, dtype: DTypeLike = None, shape: Any = None) -> Tensor:
    a = tensor(a, next(x for x in (a, fill_value) if isinstance(x, Tensor)))
    dtype = a.dtype if dtype is None else dtype
    shape = a.shape if shape is None else _shape(shape)
    if isinstance(fill_value, Tensor):
        return ops.asarray(ops.broadcast_to(ops.astype(fill_value, dtype), shape), copy=True)
    return ops.full(shape, fill_value, dtype=dtype, device=a.device)


# Ranges


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Any:
    start, stop = (floats(x) for x in tensors(start, stop))
    intervals = max(num - 1 if endpoint else num, 1)
    step = (stop - start) / float(intervals)
    places = ops.arange(num, dtype=ops.finfo(step.dtype).dtype, device=step.device)
    places = ops.reshape(places, (num,) + (1,) * step.ndim)
    line = start + places * step
    if endpoint and num > 1:
        line = ops.concat([line[:-1], ops.broadcast_to(stop, line[-1:].shape)])
    line = ops.moveaxis(line, 0, axis)
    line = line if dtype is None else ops.astype(line, dtype)
    return (line, step) if retstep else line


def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Tensor:
    powers = ops.pow(base, _linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else ops.astype(powers, dtype)


def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: DTypeLike = None, axis: int = 0
) -> Tensor:
    start, stop = (floats(x) for x in tensors(start, stop))
    falling = bool(ops.any(ops.less_equal(ops.divide(stop.detach(), start.detach()), 0)))
    if start.dtype.is_complex or stop.dtype.is_complex or falling:
        raise Unsupported("complex start or stop, or different signs")
    share = _linspace(ops.zeros_like(start), ops.ones_like(start), num, endpoint)
    line = ops.moveaxis(start * ops.pow(stop / start, share), 0, axis)
    return line if dtype is None else ops.astype(line, dtype)


def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> tuple[Tensor, ...]:
    if sparse:
        raise Unsupported("sparse=True")
    return tuple(ops.meshgrid(*[ops.reshape(x, (-1,)) for x in tensors(*xi)], indexing=indexing))


def _ix_(*args: Any) -> tuple[Tensor, ...]:
    rows = [ops.nonzero(x)[0] if x.dtype.family == "bool" else x for x in tensors(*args)]
    return tuple(ops.reshape(x, tuple(-1 if i == k else 1 for k in range(len(rows)))) for i, x in enumerate(rows))


# Comparison of arrays, and tests of their values and dtypes


def _isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Tensor:
    a, b = (x.detach() for x in tensors(a, b))
    near = ops.less_equal(ops.abs(a - b), atol + rtol * ops.abs(b))
    near = ops.logical_or(ops.logical_and(near, ops.isfinite(b)), ops.equal(a, b))
    return ops.logical_or(near, ops.logical_and(ops.isnan(a), ops.isnan(b))) if equal_nan else near


def _allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    return bool(ops.all(_isclose(a, b, rtol, atol, equal_nan)))


def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    a1, a2 = tensors(a1, a2)
    if a1.shape != a2.shape:
        return False
    same = ops.equal(a1, a2)
    if equal_nan:
        same = ops.logical_or(same, ops.logical_and(ops.isnan(a1), ops.isnan(a2)))
    return bool(ops.all(same))


def _array_equiv(a1: Any, a2: Any) -> bool:
    a1, a2 = tensors(a1, a2)
    try:
        return bool(ops.all(ops.equal(a1, a2)))
    except ValueError:
        return False


def _isreal(x: Any) -> Tensor:
    x = tensor(x)
    return ops.equal(ops.imag(x), 0) if x.dtype.is_complex else ops.ones_like(x, dtype="bool")


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "allclose": _allclose,
    "arange": _arange,
    "array": _array,
    "array_equal": _array_equal,
    "array_equiv": _array_equiv,
    "asanyarray": _asarray,
    "asarray": _asarray,
    "ascontiguousarray": _asarray,
    "can_cast": lambda from_, to, /: ops.can_cast(from_, to),
    "empty": _of_shape(ops.empty),
    "empty_like": _like(ops.empty_like, ops.empty),
    "eye": _eye,
    "full": _full,
    "full_like": _full_like,
    "geomspace": _geomspace,
    "identity": _identity,
    "isclose": _isclose,
    "iscomplex": lambda x: ops.logical_not(_isreal(x)),
    "iscomplexobj": lambda x: tensor(x).dtype.is_complex,
    "isneginf": lambda x: ops.equal(tensor(x), -math.inf),
    "isposinf": lambda x: ops.equal(tensor(x), math.inf),
    "isreal": _isreal,
    "isrealobj": lambda x: not tensor(x).dtype.is_complex,
    "ix_": _ix_,
    "linspace": _linspace,
    "logspace": _logspace,
    "meshgrid": _meshgrid,
    "ones": _of_shape(ops.ones),
    "ones_like": _like(ops.ones_like, ops.ones),
    "result_type": lambda *arrays_and_dtypes: ops.result_type(*arrays_and_dtypes),
    "tri": _tri,
    "zeros": _of_shape(ops.zeros),
    "zeros_like": _like(ops.zeros_like, ops.zeros),
}
