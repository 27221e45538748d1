"""Manipulation functions: reshape, permute, join, split, repeat and pad arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any, Literal

from ..checks import as_integer, as_list, as_shape
from ..core.lifting import lifted
from ..core.primitive import ArrayLike, primitive
from ..core.tape import unchanged
from ..core.tensor import Tensor, wrap
from ..core.typing import Array, Namespace
from .data_type import as_tensor
from .gathering import index_add, index_set, take

__all__ = [
    "broadcast_arrays", "broadcast_shapes", "broadcast_to", "concat", "expand_dims", "flatten", "flip", "moveaxis",
    "pad", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "tile", "transpose", "unstack",
]  # fmt: skip


# Shapes


@primitive
def reshape(xp: Namespace, x: ArrayLike, /, shape: int | tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """Return an array in another shape, its elements in the same row-major order.

    Parameters
    ----------
    x : ArrayLike
    shape : tuple of int
        One length may be -1: it is inferred from the others.
    copy : bool, optional
        True always copies, False never does, None copies only where needed.

    Returns
    -------
    Tensor
        Of that shape.

    Raises
    ------
    ValueError
        If the number of elements differs.

    Examples
    --------
    >>> import agrad
    >>> agrad.reshape(agrad.arange(6), (2, -1))
    Tensor([[0, 1, 2],
            [3, 4, 5]], dtype=int64, device='cpu')
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return xp.reshape(x, shape) if copy is None else xp.reshape(x, shape, copy=copy)


reshape.vjp(x=lambda g, xp, x_shape: xp.reshape(g, x_shape))


def flatten(x: ArrayLike, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten a range of axes into one.

    Parameters
    ----------
    x : ArrayLike
    start_dim, end_dim : int
        The first and the last axis to flatten; all of them by default.

    Returns
    -------
    Tensor
        With one axis in place of these; a 0-d `x` becomes 1-d.

    Raises
    ------
    IndexError
        If `x` has no such axes.
    ValueError
        If `start_dim` comes after `end_dim`.

    Examples
    --------
    >>> import agrad
    >>> agrad.flatten(agrad.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    x = as_tensor(x)
    if x.ndim == 0:
        return reshape(x, (1,))
    first, last = _axis(start_dim, x.ndim, "flatten"), _axis(end_dim, x.ndim, "flatten")
    if first > last:
        raise ValueError(f"flatten got start_dim={start_dim} after end_dim={end_dim} for shape {x.shape}; swap them")
    return reshape(x, (*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@primitive
def expand_dims(xp: Namespace, x: ArrayLike, /, axis: int | tuple[int, ...]) -> Tensor:
    """Insert axes of length 1.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int
        The positions of the new axes in the result.

    Returns
    -------
    Tensor
        Of the shape of `x` with the new axes.

    Raises
    ------
    IndexError
        If an axis is out of range for the result.
    ValueError
        If an axis is named twice.

    Examples
    --------
    >>> import agrad
    >>> agrad.expand_dims(agrad.zeros(3), axis=-1).shape
    (3, 1)
    """
    axes = axis if isinstance(axis, (tuple, list)) else (as_integer("axis", axis),)
    places = sorted(_axis(as_integer("axis", i), x.ndim + len(axes), "expand_dims") for i in axes)
    if len(set(places)) < len(places):
        raise ValueError(f"expand_dims got an axis twice in {axis}")
    for place in places:
        x = xp.expand_dims(x, axis=place)
    return x


expand_dims.vjp(x=lambda g, xp, x_shape: xp.reshape(g, x_shape))


@primitive
def squeeze(xp: Namespace, x: ArrayLike, /, axis: int | tuple[int, ...]) -> Tensor:
    """Remove axes of length 1.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int
        The axes to remove.

    Returns
    -------
    Tensor
        Of the shape of `x` without these axes.

    Raises
    ------
    ValueError
        If one of the axes does not have length 1.

    Examples
    --------
    >>> import agrad
    >>> agrad.squeeze(agrad.zeros((1, 3)), axis=0).shape
    (3,)
    """
    return xp.squeeze(x, axis=tuple(axis) if isinstance(axis, (tuple, list)) else as_integer("axis", axis))


squeeze.vjp(x=lambda g, xp, x_shape: xp.reshape(g, x_shape))


# Broadcasting


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to.

    Parameters
    ----------
    *shapes : tuple of int

    Returns
    -------
    tuple of int
        The common shape.

    Raises
    ------
    ValueError
        If they do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> agrad.broadcast_shapes((4, 1), (3,))
    (4, 3)
    """
    ndim = max(map(len, shapes), default=0)
    result = []
    for lengths in zip(*[(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes], strict=True):
        longer = {n for n in lengths if n != 1}
        if len(longer) > 1:
            shown = ", ".join(str(tuple(shape)) for shape in shapes)
            raise ValueError(f"shapes {shown} do not broadcast: lengths must agree or be 1")
        result.append(longer.pop() if longer else 1)
    return tuple(result)


@primitive
def broadcast_to(xp: Namespace, x: ArrayLike, /, shape: tuple[int, ...]) -> Tensor:
    """Broadcast an array to a shape, without a copy where the library has views.

    Parameters
    ----------
    x : ArrayLike
    shape : tuple of int

    Returns
    -------
    Tensor
        Of that shape; repeated elements may share memory.

    Raises
    ------
    ValueError
        If `x` does not broadcast to the shape.

    Examples
    --------
    >>> import agrad
    >>> agrad.broadcast_to(agrad.asarray([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]], dtype=float32, device='cpu')
    """
    return xp.broadcast_to(x, tuple(shape))


broadcast_to.vjp(x=unchanged)  # the engine undoes broadcasting


def broadcast_arrays(*arrays: ArrayLike) -> tuple[Tensor, ...]:
    """Broadcast arrays against each other.

    Parameters
    ----------
    *arrays : ArrayLike

    Returns
    -------
    tuple of Tensor
        All of the common shape.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import agrad
    >>> [x.shape for x in agrad.broadcast_arrays(agrad.zeros((2, 1)), agrad.zeros(3))]
    [(2, 3), (2, 3)]
    """
    tensors = [as_tensor(x) for x in arrays]
    shape = broadcast_shapes(*[x.shape for x in tensors])
    return tuple(x if x.shape == shape else broadcast_to(x, shape) for x in tensors)


# Order


@primitive
def permute_dims(xp: Namespace, x: ArrayLike, /, axes: tuple[int, ...]) -> Tensor:
    """Permute the axes.

    Parameters
    ----------
    x : ArrayLike
    axes : tuple of int
        For each axis of the result, the axis of `x` that it comes from.

    Returns
    -------
    Tensor
        With the axes of `x` in that order.

    Raises
    ------
    ValueError
        If `axes` is not a permutation of the axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.permute_dims(agrad.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return xp.permute_dims(x, tuple([i + x.ndim if i < 0 else i for i in axes]))  # JAX takes no negative ones


permute_dims.vjp(x=lambda g, xp, axes: xp.permute_dims(g, _inverse(axes)))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    forward = [axis % len(axes) for axis in axes]
    return tuple(forward.index(i) for i in range(len(axes)))


def transpose(x: ArrayLike, axes: tuple[int, ...] | None = None) -> Tensor:
    """Reverse or permute the axes, as NumPy's function does.

    Parameters
    ----------
    x : ArrayLike
    axes : tuple of int, optional
        As in `permute_dims`; reversed by default.

    Returns
    -------
    Tensor
        With the axes of `x` in that order.

    Raises
    ------
    ValueError
        If `axes` is not a permutation of the axes.

    Examples
    --------
    >>> import agrad
    >>> agrad.transpose(agrad.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """
    x = as_tensor(x)
    return permute_dims(x, tuple(range(x.ndim))[::-1] if axes is None else axes)


@primitive
def moveaxis(
    xp: Namespace, x: ArrayLike, source: int | tuple[int, ...], destination: int | tuple[int, ...], /
) -> Tensor:
    """Move axes to new positions; the others keep their order.

    Parameters
    ----------
    x : ArrayLike
    source, destination : int or tuple of int
        The positions of the axes to move, and their new positions.

    Returns
    -------
    Tensor
        With the axes of `x` in the new order.

    Raises
    ------
    ValueError, IndexError
        If there are no such axes, or not as many destinations as sources.

    Examples
    --------
    >>> import agrad
    >>> agrad.moveaxis(agrad.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return xp.moveaxis(x, source, destination)


moveaxis.vjp(x=lambda g, xp, source, destination: xp.moveaxis(g, destination, source))


@primitive
def flip(xp: Namespace, x: ArrayLike, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """Reverse the order of the elements along axes.

    Parameters
    ----------
    x : ArrayLike
    axis : int or tuple of int, optional
        The axes to reverse; all of them by default.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import agrad
    >>> agrad.flip(agrad.asarray([1, 2, 3]))
    Tensor([3, 2, 1], dtype=int64, device='cpu')
    """
    return xp.flip(x, axis=axis)


flip.vjp(x=lambda g, xp, axis: xp.flip(g, axis=axis))


@primitive
def roll(
    xp: Namespace, x: ArrayLike, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None
) -> Tensor:
    """Roll elements along axes; those that leave at one end come back at the other.

    Parameters
    ----------
    x : ArrayLike
    shift : int or tuple of int
        The number of positions to shift by, for all axes or for each.
    axis : int or tuple of int, optional
        The axes to roll along; by default the flattened array is rolled.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    TypeError
        If a shift is not an integer.

    Examples
    --------
    >>> import agrad
    >>> agrad.roll(agrad.asarray([1, 2, 3]), 1)
    Tensor([3, 1, 2], dtype=int64, device='cpu')
    """
    shifts = [as_integer("shift", s) for s in (shift if isinstance(shift, (tuple, list)) else (shift,))]
    return xp.roll(x, tuple(shifts) if isinstance(shift, (tuple, list)) else shifts[0], axis=axis)


roll.vjp(x=lambda g, xp, shift, axis: xp.roll(g, _opposite(shift), axis=axis))


def _opposite(shift: int | tuple[int, ...]) -> int | tuple[int, ...]:
    return -shift if isinstance(shift, int) else tuple(-s for s in shift)


# Joining and splitting


@primitive
def concat(xp: Namespace, arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Tensor:
    """Join arrays along an existing axis.

    Parameters
    ----------
    arrays : sequence of ArrayLike
        Of shapes that differ along `axis` only.
    axis : int, optional
        The axis to join along; None flattens the arrays first.

    Returns
    -------
    Tensor
        Of the promoted dtype.

    Raises
    ------
    ValueError
        If the shapes differ along another axis.

    Examples
    --------
    >>> import agrad
    >>> agrad.concat([agrad.asarray([1, 2]), agrad.asarray([3])])
    Tensor([1, 2, 3], dtype=int64, device='cpu')
    """
    return xp.concat(arrays, axis=axis)


def _concat_arrays(g: Array, xp: Namespace, arrays_shape: list[tuple[int, ...]], axis: int | None) -> list[Any]:
    if axis is None:
        parts = _split(g, [prod(shape) for shape in arrays_shape], 0)
        return [xp.reshape(part, shape) for part, shape in zip(parts, arrays_shape, strict=True)]
    return _split(g, [shape[axis] for shape in arrays_shape], axis)


def _split(x: Any, lengths: list[int], axis: int) -> list[Any]:
    before, after = (slice(None),) * (axis % x.ndim), (slice(None),) * (x.ndim - axis % x.ndim - 1)
    ends = accumulate(lengths, initial=0)
    return [x[(*before, slice(start, stop), *after)] for start, stop in pairwise(ends)]


concat.vjp(arrays=_concat_arrays)


@primitive
def stack(xp: Namespace, arrays: Sequence[ArrayLike], /, *, axis: int = 0) -> Tensor:
    """Join arrays of one shape along a new axis.

    Parameters
    ----------
    arrays : sequence of ArrayLike
    axis : int
        The position of the new axis in the result.

    Returns
    -------
    Tensor
        Of the promoted dtype.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import agrad
    >>> agrad.stack([agrad.asarray([1, 2]), agrad.asarray([3, 4])], axis=1)
    Tensor([[1, 3],
            [2, 4]], dtype=int64, device='cpu')
    """
    return xp.stack(arrays, axis=axis)


stack.vjp(arrays=lambda g, xp, axis: xp.unstack(g, axis=axis))


@primitive
def unstack(xp: Namespace, x: ArrayLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Split an array along an axis into arrays without that axis.

    Parameters
    ----------
    x : ArrayLike
    axis : int
        The axis to split along.

    Returns
    -------
    tuple of Tensor
        One for each index along the axis.

    Examples
    --------
    >>> import agrad
    >>> agrad.unstack(agrad.asarray([[1, 2], [3, 4]]))[1]
    Tensor([3, 4], dtype=int64, device='cpu')
    """
    return tuple(xp.unstack(x, axis=axis))


unstack.vjp(x=lambda g, xp, axis: xp.stack(g, axis=axis))


# Repetition


def repeat(x: ArrayLike, repeats: ArrayLike, /, *, axis: int | None = None) -> Tensor:
    """Repeat each element of an array.

    Parameters
    ----------
    x : ArrayLike
    repeats : int or ArrayLike
        The number of repetitions, for all elements or for each along the axis.
    axis : int, optional
        The axis to repeat along; None flattens `x` first.

    Returns
    -------
    Tensor
        Of the shape of `x`, but for the length of the axis.

    Raises
    ------
    ValueError
        If there are not as many repeats as elements along the axis.
    TypeError
        If `repeats` are not integers.

    Examples
    --------
    >>> import agrad
    >>> agrad.repeat(agrad.asarray([1, 2]), 2), agrad.repeat(agrad.asarray([1, 2]), agrad.asarray([1, 3]))
    (Tensor([1, 1, 2, 2], dtype=int64, device='cpu'), Tensor([1, 2, 2, 2], dtype=int64, device='cpu'))
    """
    x = as_tensor(x)
    x, axis = (reshape(x, (-1,)), 0) if axis is None else (x, _axis(axis, x.ndim, "repeat"))
    if isinstance(repeats, (int, float, str)) or repeats is None:
        shape, repeats = x.shape, as_integer("repeats", repeats, 0)
        wide = broadcast_to(expand_dims(x, axis=axis + 1), (*shape[: axis + 1], repeats, *shape[axis + 1 :]))
        return reshape(wide, (*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))
    x, repeats = lifted("repeat", [x, as_tensor(repeats)])
    device = x._device
    if not repeats.dtype.family.endswith("integer"):
        raise TypeError(f"repeats must be integers, not {repeats.dtype!r}; write repeats.astype(int)")
    if repeats.ndim > 1 or repeats.size not in (1, x.shape[axis]):
        raise ValueError(f"repeat needs an int or {x.shape[axis]} repeats along axis {axis}, not shape {repeats.shape}")
    every = device.xp.arange(x.shape[axis], device=device.native)
    times = device.xp.broadcast_to(repeats.data, every.shape)
    return take(x, wrap(device.xp.repeat(every, times), device), axis=axis)


def tile(x: ArrayLike, repetitions: int | tuple[int, ...], /) -> Tensor:
    """Repeat a whole array along its axes, like tiles.

    Parameters
    ----------
    x : ArrayLike
    repetitions : int or tuple of int
        The number of repetitions along each axis, or along the last one only; the shorter of it and the shape of `x` is
        padded with leading ones.

    Returns
    -------
    Tensor
        Along each axis as long as `x` times the repetitions.

    Examples
    --------
    >>> import agrad
    >>> agrad.tile(agrad.asarray([1, 2]), (2, 2))
    Tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]], dtype=int64, device='cpu')
    """
    x, repetitions = as_tensor(x), as_shape(repetitions, "repetitions")
    ndim = max(x.ndim, len(repetitions))
    shape = (1,) * (ndim - x.ndim) + x.shape
    times = (1,) * (ndim - len(repetitions)) + repetitions
    apart = reshape(x, tuple(length for n in shape for length in (1, n)))
    wide = broadcast_to(apart, tuple(length for pair in zip(times, shape, strict=True) for length in pair))
    return reshape(wide, tuple(k * n for k, n in zip(times, shape, strict=True)))


def pad(
    x: ArrayLike,
    pad_width: int | tuple[int, int] | Sequence[tuple[int, int]],
    /,
    *,
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant",
    constant_values: complex = 0,
) -> Tensor:
    """Pad an array at both ends of its axes.

    Parameters
    ----------
    x : ArrayLike
    pad_width : int, (before, after) or sequence of (before, after)
        How many elements to add, for all axes alike or for each axis.
    mode : {"constant", "edge", "reflect", "wrap"}
        Whether to add a constant, the edge element, the reflection about it, or elements from the opposite end.
    constant_values : number
        The constant for ``mode="constant"``.

    Returns
    -------
    Tensor
        Of the dtype of `x`, longer along the axes.

    Raises
    ------
    ValueError
        If widths are negative, not one pair for each axis, or larger than ``"reflect"`` or ``"wrap"`` allows.

    Examples
    --------
    >>> import agrad
    >>> agrad.pad(agrad.asarray([1, 2, 3]), (1, 2)), agrad.pad(agrad.asarray([1, 2, 3]), 2, mode="reflect")
    (Tensor([0, 1, 2, 3, 0, 0], dtype=int64, device='cpu'), Tensor([3, 2, 1, 2, 3, 2, 1], dtype=int64, device='cpu'))
    """
    x = as_tensor(x)
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
        key = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True)) or (...,)
        if constant_values == 0:
            return index_add(x, key, shape)
        filled = x._device.xp.full(shape, constant_values, dtype=x.data.dtype, device=x._device.native)
        return index_set(wrap(filled, x._device), x, key)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            places = _places(x.shape[axis], before, after, mode)
            x = take(x, wrap(x._device.xp.asarray(places, device=x._device.native), x._device), axis=axis)
    return x


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    listed = pad_width if isinstance(pad_width, (tuple, list)) else [as_integer("pad_width", pad_width)] * 2
    if len(listed) == 2 and not any(isinstance(width, (tuple, list)) for width in listed):
        listed = [listed] * ndim
    widths: Any = [tuple([as_integer("pad_width", n) for n in as_list("a pair of pad_width", pair)]) for pair in listed]
    if len(widths) != ndim or any(len(pair) != 2 or min(pair) < 0 for pair in widths):
        raise ValueError(f"pad needs a pair (before, after), 0 or more, for each of {ndim} axes, not {pad_width!r}")
    return widths


def _places(length: int, before: int, after: int, mode: str) -> list[int]:
    """Return for each position of a padded axis the index of its element."""
    room = {"edge": before + after if length else 0, "reflect": length - 1, "wrap": length}
    if mode not in room:
        raise ValueError(f"mode must be 'constant', 'edge', 'reflect' or 'wrap', not {mode!r}")
    if max(before, after) > room[mode]:
        raise ValueError(f"mode={mode!r} pads an axis of length {length} by {room[mode]} at most, not {before, after}")
    places = range(-before, length + after)
    if mode == "edge":
        return [min(max(i, 0), length - 1) for i in places]
    if mode == "wrap":
        return [i % length for i in places]
    return [length - 1 - abs(length - 1 - abs(i)) for i in places]


def _axis(axis: int, ndim: int, name: str) -> int:
    """Return an axis counted from the front; IndexError if there is none."""
    if not -ndim <= as_integer("axis", axis) < ndim:
        raise IndexError(f"{name} has no axis {axis} among {ndim} axes; write one from {-ndim} to {ndim - 1}")
    return axis % ndim
