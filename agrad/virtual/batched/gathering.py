"""Gathering: indices with a batch axis are offset, to index an axis in which all examples are concatenated."""

from __future__ import annotations

from typing import Any, Final

from ...backends.typing import Array
from .arrays import BatchedArray, boxed, leading
from .axes import shifted

__all__ = ["FUNCTIONS", "joined"]


def _take(x: Array, indices: Array, /, *, axis: int | None = None) -> BatchedArray:
    level = x.level if type(x) is BatchedArray else indices.level
    x, indices = boxed(x, level), boxed(indices, level)
    axis = shifted(0 if axis is None else axis, x.ndim) - 1
    if not indices.lead:
        return x.like(level.xp.take(x.value, indices.value, axis=axis + x.lead))
    return BatchedArray((_take_of_each if x.lead else _take_of_one)(x.value, indices, axis, level), 1, level)


def _take_of_one(value: Array, indices: BatchedArray, axis: int, level: Any) -> Any:
    """Gather from an array without a batch axis, by indices with one."""
    batch, count = indices.value.shape
    taken = level.xp.take(value, level.xp.reshape(indices.value, (batch * count,)), axis=axis)
    taken = level.xp.reshape(taken, (*value.shape[:axis], batch, count, *value.shape[axis + 1 :]))
    return level.xp.moveaxis(taken, axis, 0)


def _take_of_each(value: Array, indices: BatchedArray, axis: int, level: Any) -> Any:
    """Gather from an array with a batch axis, merged with the axis of the rows."""
    xp, (batch, count) = level.xp, indices.value.shape
    value = xp.moveaxis(value, axis + 1, 1) if axis else value
    rows = xp.reshape(value, (batch * value.shape[1], *value.shape[2:]))
    taken = xp.take(rows, joined(indices.value, value.shape[1], level), axis=0)
    taken = xp.reshape(taken, (batch, count, *value.shape[2:]))
    return xp.moveaxis(taken, 1, axis + 1) if axis else taken


def joined(indices: Array, length: int, level: Any) -> Any:
    """Return indices into the axis that concatenates the examples' axes of the given length.

    Raises
    ------
    IndexError
        If an index is out of range: it would select another example's element. Not checked where reading values
        would synchronize the device.
    """
    xp, backend = level.xp, level.backend
    counts_back = True  # whether indices may be negative
    if not backend.waits_on_read(level.native) and 0 not in indices.shape:
        if not backend.within(indices, -length, length - 1):
            least, largest = (int(end) for end in backend.bounds(indices))
            wrong = least if least < -length else largest
            raise IndexError(f"index {wrong} is out of range for an axis of length {length}")
        counts_back = not backend.within(indices, 0, length - 1)
    indices = xp.where(indices < 0, indices + length, indices) if counts_back else indices
    starts = xp.arange(indices.shape[0], dtype=indices.dtype, device=level.native) * length
    return xp.reshape(indices + starts[:, None], (-1,))


def _take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> BatchedArray:
    (value, places), lead, level = leading((x, indices))
    return BatchedArray(level.xp.take_along_axis(value, places, axis=shifted(axis, x.ndim) - 1 + lead), lead, level)


FUNCTIONS: Final[dict[str, Any]] = {"take": _take, "take_along_axis": _take_along_axis}
