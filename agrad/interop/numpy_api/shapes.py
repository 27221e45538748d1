"""Functions of shape, axes and order, which move elements without changing them; and padding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import Array, DTypeLike
from .arguments import Unsupported, axes_of, axis_of, integers, tensor, tensors

__all__ = ["TABLE", "resized"]


def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    a, shape = tensor(a), integers(shape)
    shape = shape if isinstance(shape, tuple) else (shape,)
    if order == "F":
        return _reversed(ops.reshape(_reversed(a), tuple(reversed(shape))))
    _require_rows_first(order)
    return ops.reshape(a, shape, copy=copy)


def _reversed(a: Tensor) -> Tensor:
    return ops.permute_dims(a, tuple(reversed(range(a.ndim))))


def _require_rows_first(order: str) -> None:
    if order not in ("C", "K", "A"):
        raise Unsupported(f"order={order!r}")


def _ravel(a: Any, order: str = "C") -> Tensor:
    return _reshape(a, (-1,), order)


def _transpose(a: Any, axes: Any = None) -> Tensor:
    a = tensor(a)
    return _reversed(a) if axes is None else ops.permute_dims(a, tuple(axis_of(i, a.ndim) for i in axes))


def _matrix_transpose(x: Any, /) -> Tensor:
    return ops.matrix_transpose(tensor(x))


def _swapaxes(a: Any, axis1: int, axis2: int) -> Tensor:
    a = tensor(a)
    axes = list(range(a.ndim))
    axis1, axis2 = axis_of(axis1, a.ndim), axis_of(axis2, a.ndim)
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return ops.permute_dims(a, tuple(axes))


def _moveaxis(a: Any, source: Any, destination: Any) -> Tensor:
    return ops.moveaxis(tensor(a), integers(source), integers(destination))


def _rollaxis(a: Any, axis: int, start: int = 0) -> Tensor:
    a = tensor(a)
    axis = axis_of(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return ops.moveaxis(a, axis, start - 1 if axis < start else start)


def _expand_dims(a: Any, axis: Any) -> Tensor:
    return ops.expand_dims(tensor(a), axis=integers(axis))


def _squeeze(a: Any, axis: Any = None) -> Tensor:
    a = tensor(a)
    if axis is None:
        axis = tuple(i for i, n in enumerate(a.shape) if n == 1)
    return ops.squeeze(a, integers(axis))


def _broadcast_to(array: Array, shape: Any) -> Tensor:
    shape = integers(shape)
    return ops.broadcast_to(tensor(array), shape if isinstance(shape, tuple) else (shape,))


def _broadcast_arrays(*args: Any) -> tuple[Tensor, ...]:
    return tuple(ops.broadcast_arrays(*tensors(*args)))


def _flip(m: Any, axis: Any = None) -> Tensor:
    return ops.flip(tensor(m), axis=None if axis is None else integers(axis))


def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    m = tensor(m)
    first, second = axes_of(integers(axes), m.ndim)
    turns = k % 4
    if turns == 0:
        return ops.asarray(m, copy=True)
    if turns == 2:
        return ops.flip(m, axis=(first, second))
    turned = _swapaxes(ops.flip(m, axis=second) if turns == 1 else m, first, second)
    return turned if turns == 1 else ops.flip(turned, axis=second)


def _roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    return ops.roll(tensor(a), integers(shift), axis=None if axis is None else integers(axis))


def _tile(A: Any, reps: Any) -> Tensor:
    reps = integers(reps)
    return ops.tile(tensor(A), reps if isinstance(reps, tuple) else (reps,))


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Tensor:
    a = tensor(a)
    repeats = integers(repeats)
    repeats = ops.asarray(list(repeats), device=a.device) if isinstance(repeats, tuple) else repeats
    return ops.repeat(a, repeats, axis=None if axis is None else integers(axis))


def resized(a: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the elements in another shape, repeated or truncated to fill it."""
    size, flat = math.prod(shape), ops.reshape(a, (-1,))
    if size == 0 or flat.size == 0:
        return ops.zeros(shape, dtype=a.dtype, device=a.device)
    return ops.reshape(ops.tile(flat, (-(-size // flat.size),))[:size], shape)


def _resize(a: Any, new_shape: Any) -> Tensor:
    shape = integers(new_shape)
    return resized(tensor(a), shape if isinstance(shape, tuple) else (shape,))


def _at_least(ndim: int) -> Callable[..., Any]:
    def at_least(*arys: Any) -> Any:
        made = [_with_axes(tensor(a), ndim) for a in arys]
        return made[0] if len(made) == 1 else tuple(made)

    return at_least


def _with_axes(a: Tensor, ndim: int) -> Tensor:
    """Add axes of length 1: in front up to two axes, and where NumPy adds them for three."""
    if a.ndim >= ndim:
        return a
    if ndim < 3:
        return ops.reshape(a, (1,) * (ndim - a.ndim) + a.shape)
    return ops.reshape(a, {0: (1, 1, 1), 1: (1, *a.shape, 1), 2: (*a.shape, 1)}[a.ndim])


def _copy(a: Any, order: str = "K", subok: bool = False) -> Tensor:
    return ops.asarray(tensor(a), copy=True)


def _astype(x: Any, dtype: DTypeLike, /, *, copy: bool = True) -> Tensor:
    return ops.astype(tensor(x), dtype, copy=copy)


_MODES: Final = ("constant", "edge", "reflect", "wrap")


def _pad(array: Array, pad_width: Any, mode: Any = "constant", **settings: Any) -> Tensor:
    array = tensor(array)
    value = settings.pop("constant_values", 0)
    if settings or mode not in (*_MODES, "symmetric", "empty") or isinstance(value, (tuple, list, Tensor)):
        raise Unsupported(f"mode={mode!r}" + "".join(f", {name}={x!r}" for name, x in settings.items()))
    widths = _widths(pad_width, array.ndim)
    if mode == "symmetric":
        return _symmetric(array, widths)
    if mode in ("constant", "empty"):
        return ops.pad(array, widths, mode="constant", constant_values=value)
    return ops.pad(array, widths, mode=mode)


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """Return how many elements to pad before and after each axis."""
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis_of(axis, ndim)] = (width, width) if isinstance(width, int) else tuple(width)
        return widths
    pad_width = integers(pad_width)
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)] * ndim
    if not isinstance(pad_width[0], tuple):
        pad_width = (pad_width if len(pad_width) == 2 else pad_width * 2,)
    pairs = [pair if len(pair) == 2 else pair * 2 for pair in pad_width]
    return pairs * ndim if len(pairs) == 1 else pairs


def _symmetric(a: Tensor, widths: list[tuple[int, int]]) -> Tensor:
    """Pad with the reflection that repeats the edge element."""
    for axis, (before, after) in enumerate(widths):
        n = a.shape[axis]
        places = [min(i % (2 * n), 2 * n - 1 - i % (2 * n)) for i in range(-before, n + after)]
        a = ops.take(a, ops.asarray(places, device=a.device), axis=axis)
    return a


def _trim_zeros(filt: Any, trim: str = "fb") -> Tensor:
    filt = tensor(filt)
    if filt.ndim != 1:
        raise Unsupported(f"an array of {filt.ndim} axes")
    places = ops.nonzero(filt)[0].tolist()
    if not places:
        return filt[:0]
    start = places[0] if "f" in trim.lower() else 0
    stop = places[-1] + 1 if "b" in trim.lower() else filt.shape[0]
    return filt[start:stop]


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "astype": _astype,
    "atleast_1d": _at_least(1),
    "atleast_2d": _at_least(2),
    "atleast_3d": _at_least(3),
    "broadcast_arrays": _broadcast_arrays,
    "broadcast_to": _broadcast_to,
    "copy": _copy,
    "expand_dims": _expand_dims,
    "flip": _flip,
    "fliplr": lambda m: _flip(m, 1),
    "flipud": lambda m: _flip(m, 0),
    "linalg.matrix_transpose": _matrix_transpose,
    "matrix_transpose": _matrix_transpose,
    "moveaxis": _moveaxis,
    "pad": _pad,
    "ravel": _ravel,
    "repeat": _repeat,
    "reshape": _reshape,
    "resize": _resize,
    "roll": _roll,
    "rollaxis": _rollaxis,
    "rot90": _rot90,
    "squeeze": _squeeze,
    "swapaxes": _swapaxes,
    "tile": _tile,
    "transpose": _transpose,
    "trim_zeros": _trim_zeros,
}
