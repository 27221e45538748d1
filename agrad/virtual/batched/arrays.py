"""BatchedArray: an array of the library below whose first axis may be the hidden batch axis."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Final

from ...backends import UnknownValueError
from ...backends.typing import Array

__all__ = ["NUMBERS", "BatchedArray", "aligned", "boxed", "leading", "of_empty_batch", "pair", "ranked", "spread_out"]

NUMBERS: Final = frozenset({bool, int, float, complex})
_BASIC: Final = frozenset({int, slice, type(None), type(...)})  # the types in keys of basic indexing


def _binary(op: Callable[[Any, Any], Any]) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return a binary operator for batched arrays, and its reflected version."""

    def forward(x1: Array, x2: Array) -> BatchedArray:
        v1, v2, lead, level = pair(x1, x2)
        return BatchedArray(op(v1, v2), lead, level)

    return forward, lambda x2, x1: forward(x1, x2)


def _scaling(op: Callable[[Any, Any], Any]) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return `_binary` for an operator that only scales unit vectors, by the other operand."""
    forward, reflected = _binary(op)

    def scaled(x1: BatchedArray, x2: Array) -> BatchedArray:
        if x1.diagonal is None:
            return forward(x1, x2)
        if type(x2) in NUMBERS:
            return BatchedArray.unit_vectors(op(x1.diagonal, x2), x1.level)
        if type(x2) is BatchedArray and not x2.lead and x2.shape == x1.shape:
            return BatchedArray.unit_vectors(op(x1.diagonal, x2.value), x1.level)
        return forward(x1, x2)

    return scaled, reflected


def _negative(x: BatchedArray) -> BatchedArray:
    return x.like(-x.value) if x.diagonal is None else BatchedArray.unit_vectors(-x.diagonal, x.level)


def _unary(op: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: x.like(op(x.value))


class BatchedArray:
    """An array as a function under `vmap` sees it: without the batch axis.

    Attributes
    ----------
    value : array
        The array of the library below.
    lead : int
        1 if the first axis of `value` is the batch axis, 0 if the value is the same for the whole batch.
    level : Batch
        The run of `vmap` that it belongs to.
    shape : tuple of int
        Without the batch axis.
    dtype : native dtype
    diagonal : array or None
        See `unit_vectors`.
    """

    __slots__ = ("diagonal", "dtype", "lead", "level", "shape", "value")

    def __init__(self, value: Array, lead: int, level: Any) -> None:
        self.value, self.lead, self.level = value, lead, level
        self.shape, self.dtype = tuple(value.shape[lead:] if lead else value.shape), value.dtype
        self.diagonal: Array = None

    @classmethod
    def unit_vectors(cls, diagonal: Array, level: Any) -> BatchedArray:
        """Return a vector for each example, as long as the batch: ``diagonal[i]`` at i for example i, zeros elsewhere.

        Their value is a diagonal matrix, which is made when it is asked for. Before, they can be scaled and multiplied
        by a matrix without it: `jacobian`, which begins with unit vectors, thus has one product of matrices less.
        """
        x = cls.__new__(cls)
        x.diagonal, x.lead, x.level = diagonal, 1, level
        x.shape, x.dtype = tuple(diagonal.shape), diagonal.dtype
        return x

    def like(self, value: Array) -> BatchedArray:
        """Return a BatchedArray of another value with the same `lead` and level."""
        return BatchedArray(value, self.lead, self.level)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def device(self) -> Any:
        return self.level

    @property
    def mT(self) -> BatchedArray:  # noqa: N802
        if self.ndim < 2:
            raise ValueError(f"mT takes an array with at least two axes, not shape {self.shape}")
        return self.like(self.level.xp.matrix_transpose(self.value))

    T = mT

    def __getitem__(self, key: Any) -> BatchedArray:
        if not self.lead:
            return self.like(self.value[key])
        items = key if type(key) is tuple else (key,)
        found = self.value[(slice(None), *items)]
        first = 0 if _BASIC.issuperset(map(type, items)) else _axes_in_front(items)
        return self.like(self.level.xp.moveaxis(found, first, 0) if first else found)

    # Conversions to Python values

    def read(self, what: str) -> Any:
        """Return the value if it is the same for the whole batch; otherwise raise UnknownValueError."""
        if self.lead:
            raise UnknownValueError(f"{what} {_INSTEAD if self.level.open else _LEFT}".format(self.level.size))
        return self.level.backend.box(self.value)

    def __bool__(self) -> bool:
        return bool(self.read("bool()"))

    def __int__(self) -> int:
        return int(self.read("int()"))

    def __index__(self) -> int:
        return operator.index(self.read("use as an index"))

    def __float__(self) -> float:
        return float(self.read("float()"))

    def __complex__(self) -> complex:
        return complex(self.read("complex()"))

    def __repr__(self) -> str:
        return f"BatchedArray({self.value!r}, lead={self.lead})"

    # Protocols of other libraries

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """Call an elementwise ufunc of NumPy or SciPy on the values; others need the same value for the whole batch."""
        level, below = self.level, self.level.backend
        given = [x if type(x) in {*NUMBERS, BatchedArray} else level.library.asarray(x, None, level) for x in inputs]
        if method == "__call__" and ufunc.signature is None and not settings:
            values, lead, _ = aligned(given)
        else:  # a reduction, a matrix product, or out=
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            values, lead = [x if type(x) in NUMBERS else x.read(f"{name}()") for x in given], 0
        hosted = [v if type(v) in NUMBERS or hasattr(v, "__array_ufunc__") else below.to_numpy(v) for v in values]
        found = getattr(ufunc, method)(*hosted, **settings)
        parts = found if isinstance(found, tuple) else (found,)
        arrays = [BatchedArray(below.asarray(below.box(part), None, level.native), lead, level) for part in parts]
        return tuple(arrays) if isinstance(found, tuple) else arrays[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        found = self.level.backend.to_numpy(self.read("np.asarray()"))
        return found if dtype is None else found.astype(dtype)

    def __dlpack__(self, **wishes: Any) -> Any:
        return self.level.backend.dlpack(self.read("__dlpack__()"), **wishes)

    def __dlpack_device__(self) -> Any:
        return self.read("__dlpack_device__()").__dlpack_device__()

    def __getattr__(self, name: str) -> Any:
        if name == "value":  # of unit vectors
            xp = self.level.xp
            places = xp.eye(self.level.size, dtype=xp.bool, device=self.level.native)
            self.value, self.diagonal = xp.where(places, self.diagonal, 0.0), None
            return self.value
        raise AttributeError(
            f"the array of a Tensor under vmap has no attribute {name!r}: it has those of the array API standard; "
            "write agrad's functions on the Tensor, or xp's in an op"
        )

    # Operators

    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _scaling(operator.mul)
    __truediv__, __rtruediv__ = _scaling(operator.truediv)
    __floordiv__, __rfloordiv__ = _binary(operator.floordiv)
    __mod__, __rmod__ = _binary(operator.mod)
    __pow__, __rpow__ = _binary(operator.pow)
    __and__, __rand__ = _binary(operator.and_)
    __or__, __ror__ = _binary(operator.or_)
    __xor__, __rxor__ = _binary(operator.xor)
    __lshift__, __rlshift__ = _binary(operator.lshift)
    __rshift__, __rrshift__ = _binary(operator.rshift)
    __lt__, __gt__ = _binary(operator.lt)[0], _binary(operator.gt)[0]
    __le__, __ge__ = _binary(operator.le)[0], _binary(operator.ge)[0]
    __eq__, __ne__ = _binary(operator.eq)[0], _binary(operator.ne)[0]
    __neg__, __pos__ = _negative, _unary(operator.pos)
    __abs__, __invert__ = _unary(abs), _unary(operator.invert)
    __hash__ = None  # type: ignore[assignment]
    __matmul__: Callable[[Any, Any], Any]  # assigned in `products`
    __rmatmul__: Callable[[Any, Any], Any]


_INSTEAD: Final = (
    "needs the values of an array under vmap, which has one for each of {} examples; write "
    "agrad.where(condition, a, b) instead of `if` and masks, agrad's functions instead of another library's (in an op, "
    "those of xp), and read values outside vmap"
)
_LEFT: Final = (
    "needs the values of a Tensor kept from a vmap that has ended, which has one for each of {} examples; "
    "return it from the function under vmap"
)


def _axes_in_front(items: Sequence[Any]) -> int:
    """Return how many axes of advanced indices NumPy puts before all others, the batch axis included.

    They come first if slices or None separate the arrays of the key; otherwise they stay where the arrays are.
    """
    arrays = [item for item in items if hasattr(item, "dtype")]
    if not arrays:
        return 0
    places = [i for i, item in enumerate(items) if isinstance(item, int) or hasattr(item, "dtype")]
    if places[-1] - places[0] + 1 == len(places):
        return 0
    return max(1 if "bool" in str(item.dtype) else len(item.shape) for item in arrays)


# Aligning arrays


def boxed(x: Array, level: Any) -> BatchedArray:
    """Return an array of the library below as a BatchedArray that is the same for the whole batch."""
    return x if type(x) is BatchedArray else BatchedArray(x, 0, level)


def pair(x1: Array, x2: Array) -> tuple[Any, Any, int, Any]:
    """Return the values of two arrays or numbers, aligned to broadcast; their common `lead`; and the level."""
    if type(x1) is type(x2):
        if _fit(x1, x2):
            return x1.value, x2.value, x1.lead or x2.lead, x1.level
    elif type(x2) in NUMBERS:
        return x1.value, x2, x1.lead, x1.level
    elif type(x1) in NUMBERS:
        return x1, x2.value, x2.lead, x2.level
    (v1, v2), lead, level = aligned((x1, x2))
    return v1, v2, lead, level


def _fit(x1: BatchedArray, x2: BatchedArray) -> bool:
    """Return whether the values broadcast unchanged: one with a batch axis has at least the other's visible axes."""
    if x1.lead == x2.lead:
        return len(x1.shape) == len(x2.shape) or not x1.lead
    if x2.lead:
        x1, x2 = x2, x1
    return len(x1.shape) >= len(x2.shape) and (len(x2.shape) > 0 or x1.dtype == x2.dtype)


def aligned(arrays: Sequence[Any]) -> tuple[list[Any], int, Any]:
    """Return the values, aligned to broadcast (numbers unchanged); their common `lead`; and the level."""
    level = next(x.level for x in arrays if type(x) is BatchedArray)
    arrays = [x if type(x) in NUMBERS else boxed(x, level) for x in arrays]
    batched = [x for x in arrays if type(x) is BatchedArray]
    lead, rank = max(x.lead for x in batched), max(x.ndim for x in batched)
    values = [ranked(x, rank) if type(x) is BatchedArray else x for x in arrays]
    if lead:  # PyTorch does not promote to the dtype of a 0-d array beside an array with axes
        values = [level.xp.reshape(v, (1,)) if getattr(v, "shape", None) == () else v for v in values]
    return values, lead, level


def ranked(x: BatchedArray, rank: int) -> Any:
    """Return the value with axes of length 1 inserted after the batch axis, for `rank` visible axes, if it has one."""
    shape = x.value.shape
    if not x.lead or len(shape) > rank:
        return x.value
    return x.level.xp.reshape(x.value, (shape[0], *(1,) * (rank + 1 - len(shape)), *shape[1:]))


def spread_out(x: BatchedArray) -> Any:
    """Return the value with the batch axis, broadcast if it has none."""
    return x.value if x.lead else x.level.xp.broadcast_to(x.value, (x.level.size, *x.value.shape))


def leading(arrays: Sequence[Any]) -> tuple[list[Any], int, Any]:
    """Return the values, all with the batch axis if one has it; their common `lead`; and the level."""
    level = next(x.level for x in arrays if type(x) is BatchedArray)
    arrays = [boxed(x, level) for x in arrays]
    lead = max(x.lead for x in arrays)
    return [spread_out(x) if lead else x.value for x in arrays], lead, level


def of_empty_batch(function: Callable[..., Any], arrays: Sequence[BatchedArray]) -> BatchedArray:
    """Return the result of a function for an empty batch; its shape and dtype are those for one example."""
    level = arrays[0].level
    one = function(*[level.xp.zeros(x.shape, dtype=x.dtype, device=level.native) for x in arrays])
    return BatchedArray(level.xp.zeros((0, *one.shape), dtype=one.dtype, device=level.native), 1, level)
