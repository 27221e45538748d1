"""Functions of shape and creation functions; the batch axis stays first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

from ...backends.typing import Array, NativeDtype
from .arrays import BatchedArray, aligned, leading, ranked
from .axes import shifted

__all__ = ["FUNCTIONS", "required", "reshape"]


def reshape(x: Array, /, shape: Any, *, copy: bool | None = None) -> BatchedArray:
    """Reshape the visible axes."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    wish = {} if copy is None else {"copy": copy}  # a keyword that some libraries lack
    if not x.lead:
        return x.like(x.level.xp.reshape(x.value, shape, **wish))
    if -1 in shape:  # the batch may be empty
        known = -prod(shape)
        shape = tuple(x.size // known if known and n == -1 else n for n in shape)
    return x.like(x.level.xp.reshape(x.value, (x.value.shape[0], *shape), **wish))


def _broadcast_to(x: Array, /, shape: Any) -> BatchedArray:
    shape = (x.value.shape[0], *shape) if x.lead else tuple(shape)
    return x.like(x.level.xp.broadcast_to(ranked(x, len(shape) - 1), shape))


def _broadcast_arrays(*arrays: Any) -> tuple[BatchedArray, ...]:
    values, lead, level = aligned(arrays)
    shown = level.xp.broadcast_arrays(*values)
    return tuple([BatchedArray(value, lead, level) for value in shown])


def _meshgrid(*arrays: Any, indexing: str = "xy") -> list[BatchedArray]:
    order = [1, 0, *range(2, len(arrays))] if indexing == "xy" and len(arrays) > 1 else range(len(arrays))
    along = [
        reshape(x, [x.size if j == i else 1 for j in range(len(arrays))]) for i, x in zip(order, arrays, strict=False)
    ]
    return list(_broadcast_arrays(*along))


def _tile(x: Array, repetitions: Any, /) -> BatchedArray:
    if not x.lead:
        return x.like(x.level.xp.tile(x.value, repetitions))
    value = ranked(x, len(repetitions))
    ones = (1,) * (len(value.shape) - len(repetitions))  # at least one, for the batch axis
    return x.like(x.level.xp.tile(value, (*ones, *repetitions)))


def _permute_dims(x: Array, /, axes: Any) -> BatchedArray:
    return x.like(x.level.xp.permute_dims(x.value, (0, *shifted(axes, x.ndim)) if x.lead else axes))


def _moveaxis(x: Array, source: Array, destination: Any, /) -> BatchedArray:
    if x.lead:
        source, destination = shifted(source, x.ndim), shifted(destination, x.ndim)
    return x.like(x.level.xp.moveaxis(x.value, source, destination))


def _expand_dims(x: Array, /, *, axis: Any = 0) -> BatchedArray:
    if x.lead:
        axis = shifted(axis, x.ndim + (1 if isinstance(axis, int) else len(axis)))
    return x.like(x.level.xp.expand_dims(x.value, axis=axis))


def _squeeze(x: Array, /, axis: Any) -> BatchedArray:
    return x.like(x.level.xp.squeeze(x.value, axis=shifted(axis, x.ndim) if x.lead else axis))


def _stack(arrays: Sequence[Any], /, *, axis: int = 0) -> BatchedArray:
    values, lead, level = leading(arrays)
    return BatchedArray(level.xp.stack(values, axis=shifted(axis, arrays[0].ndim + 1) - 1 + lead), lead, level)


def _concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> BatchedArray:
    if axis is None:
        arrays, axis = [reshape(x, (x.size,)) for x in arrays], 0
    values, lead, level = leading(arrays)
    return BatchedArray(level.xp.concat(values, axis=shifted(axis, arrays[0].ndim) - 1 + lead), lead, level)


def _unstack(x: Array, /, *, axis: int = 0) -> tuple[BatchedArray, ...]:
    parts = x.level.xp.unstack(x.value, axis=shifted(axis, x.ndim) - 1 + x.lead)
    return tuple([x.like(part) for part in parts])


def _of_matrices(name: str) -> Callable[..., BatchedArray]:
    """Make a function of the last two axes of stacks of matrices."""

    def of_matrices(x: Array, /, **settings: Any) -> BatchedArray:
        if x.ndim < 2:
            raise ValueError(f"{name} takes matrices, of shape (..., m, n), not an array of shape {x.shape}")
        return x.like(getattr(x.level.xp, name)(x.value, **settings))

    return of_matrices


# Creation functions return arrays that are the same for the whole batch. Their device is the level.


def required(device: Any, name: str) -> Any:
    """Return the device that a creation function was given; TypeError without one, as vmaps may be nested."""
    if device is None:
        raise TypeError(f"xp.{name} needs the device under vmap: write device=array_api_compat.device(x)")
    return device


def _asarray(obj: Any, /, *, dtype: NativeDtype = None, device: Any = None, copy: bool | None = None) -> BatchedArray:
    wishes = {name: value for name, value in (("dtype", dtype), ("copy", copy)) if value is not None}
    if type(obj) is not BatchedArray:
        level = required(device, "asarray")
        return BatchedArray(level.xp.asarray(obj, device=level.native, **wishes), 0, level)
    return obj.like(obj.level.xp.asarray(obj.value, **wishes))


def _made(name: str) -> Callable[..., BatchedArray]:
    def made(*args: Any, device: Any = None, **settings: Any) -> BatchedArray:
        level = required(device, name)
        return BatchedArray(getattr(level.xp, name)(*args, device=level.native, **settings), 0, level)

    return made


def _made_like(name: str) -> Callable[..., BatchedArray]:
    def made_like(x: Array, /, *value: Any, dtype: NativeDtype = None, device: Any = None) -> BatchedArray:
        level, dtype = x.level if device is None else device, x.dtype if dtype is None else dtype
        array = getattr(level.xp, name)(x.shape, *value, dtype=dtype, device=level.native)
        return BatchedArray(array, 0, level)

    return made_like


FUNCTIONS: Final[dict[str, Any]] = {
    "reshape": reshape,
    "broadcast_to": _broadcast_to,
    "broadcast_arrays": _broadcast_arrays,
    "meshgrid": _meshgrid,
    "tile": _tile,
    "permute_dims": _permute_dims,
    "moveaxis": _moveaxis,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "stack": _stack,
    "concat": _concat,
    "unstack": _unstack,
    **{name: _of_matrices(name) for name in ("matrix_transpose", "tril", "triu")},
    "asarray": _asarray,
    **{name: _made(name) for name in ("arange", "empty", "eye", "full", "linspace", "ones", "zeros")},
    **{f"{name}_like": _made_like(name) for name in ("empty", "full", "ones", "zeros")},
}
