"""Functions along axes, which are shifted past the batch axis: reductions, cumulative sums, sorts, searches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ...backends.typing import Array
from .arrays import BatchedArray, boxed, leading, of_empty_batch

__all__ = ["FUNCTIONS", "shifted"]


def shifted(axes: Any, rank: int) -> Any:
    """Return one or several of `rank` visible axes as axes of the value with its batch axis."""
    if not isinstance(axes, int):
        return tuple([shifted(axis, rank) for axis in axes])
    if not -rank <= axes < rank:
        raise IndexError(f"axis {axes} is out of bounds for an array with {rank} axes")
    return axes % rank + 1


def _flat(x: BatchedArray) -> Any:
    """Return the value with its visible axes flattened to one."""
    return x.level.xp.reshape(x.value, (x.value.shape[0], x.size))


def _reduction(name: str) -> Callable[..., BatchedArray]:
    def reduction(x: Array, /, *, axis: Any = None, **settings: Any) -> BatchedArray:
        function = getattr(x.level.xp, name)
        if not x.lead:
            return x.like(function(x.value, axis=axis, **settings))
        if axis is not None:
            return x.like(function(x.value, axis=shifted(axis, x.ndim), **settings))
        keepdims = settings.pop("keepdims", False)
        out = function(_flat(x), axis=1, **settings)
        return x.like(x.level.xp.reshape(out, (out.shape[0], *(1,) * x.ndim)) if keepdims else out)

    return reduction


def _along(name: str, default: int | None) -> Callable[..., BatchedArray]:
    """Make a function along one axis; None means the only axis of a vector."""

    def along(x: Array, /, *, axis: Any = default, **settings: Any) -> BatchedArray:
        if x.lead:
            axis = shifted(0 if axis is None else axis, x.ndim)
        return x.like(getattr(x.level.xp, name)(x.value, axis=axis, **settings))

    return along


def _flip(x: Array, /, *, axis: Any = None) -> BatchedArray:
    axis = tuple(range(x.ndim)) if axis is None else axis
    return x.like(x.level.xp.flip(x.value, axis=shifted(axis, x.ndim) if x.lead else axis))


def _roll(x: Array, /, shift: Any, *, axis: Any = None) -> BatchedArray:
    if not x.lead:
        return x.like(x.level.xp.roll(x.value, shift, axis=axis))
    if axis is not None:
        return x.like(x.level.xp.roll(x.value, shift, axis=shifted(axis, x.ndim)))
    return x.like(x.level.xp.reshape(x.level.xp.roll(_flat(x), shift, axis=1), x.value.shape))


def _repeat(x: Array, repeats: Any, /, *, axis: int | None = None) -> BatchedArray:
    """Repeat elements; `repeats` must be the same for the whole batch, or shapes would differ."""
    if type(repeats) is BatchedArray:
        repeats = repeats.read("repeat() with an array of counts")
    if not x.lead:
        return x.like(x.level.xp.repeat(x.value, repeats, axis=axis))
    value = _flat(x) if axis is None else x.value
    return x.like(x.level.xp.repeat(value, repeats, axis=1 if axis is None else shifted(axis, x.ndim)))


def _lookup(name: str, place: int) -> Callable[..., BatchedArray]:
    """Make a function that looks up each element of the argument at `place` in the other, which libraries do not batch.

    If the other is the same for the whole batch, one call looks up all elements; otherwise there is one per example.
    """

    def lookup(x1: Array, x2: Array, /, **settings: Any) -> BatchedArray:
        (v1, v2), lead, level = leading((x1, x2))
        function, arrays = partial(getattr(level.xp, name), **settings), [boxed(x, level) for x in (x1, x2)]
        if not arrays[1 - place].lead:
            return BatchedArray(function(*[x.value for x in arrays]), lead, level)
        if not level.size:
            return of_empty_batch(function, arrays)
        return BatchedArray(level.xp.stack([function(v1[i, ...], v2[i, ...]) for i in range(level.size)]), 1, level)

    return lookup


def _by_values(name: str) -> Callable[..., Any]:
    """Make a function whose result has a data-dependent shape."""

    def by_values(x: Array, /, **settings: Any) -> Any:
        value = x.read(f"{name}()")
        out = getattr(x.level.xp, name)(value, **settings)
        if not isinstance(out, tuple):
            return x.like(out)
        parts = [x.like(part) for part in out]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)

    return by_values


def _diff(x: Array, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> BatchedArray:
    ends = {name: y for name, y in (("prepend", prepend), ("append", append)) if y is not None}
    (value, *values), lead, level = leading((x, *ends.values()))
    axis = shifted(axis, x.ndim) if lead else axis
    return BatchedArray(level.xp.diff(value, axis=axis, n=n, **dict(zip(ends, values, strict=True))), lead, level)


FUNCTIONS: Final[dict[str, Any]] = {
    **{name: _reduction(name) for name in ("all", "any", "count_nonzero", "max", "mean", "min", "prod", "std", "sum")},
    **{name: _reduction(name) for name in ("argmax", "argmin", "var")},
    **{name: _along(name, -1) for name in ("argsort", "sort")},
    **{name: _along(name, None) for name in ("cumulative_prod", "cumulative_sum")},
    **{name: _by_values(name) for name in ("nonzero", "unique_all", "unique_counts", "unique_inverse")},
    "unique_values": _by_values("unique_values"),
    "isin": _lookup("isin", 0),
    "searchsorted": _lookup("searchsorted", 1),
    "diff": _diff,
    "flip": _flip,
    "repeat": _repeat,
    "roll": _roll,
}
