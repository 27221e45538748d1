"""Conversion of the arguments of NumPy's functions to Tensors; lists take the dtype of a Tensor beside them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ... import ops
from ...core.dtypes import get_default_dtype
from ...core.tensor import SCALARS, Tensor
from ...ops.data_type import as_tensor

__all__ = [
    "Unsupported", "axes_of", "axis_of", "beside", "floats", "full_mask", "integers", "is_default", "tensor", "tensors",
    "tensors_in", "truth_of",
]  # fmt: skip


class Unsupported(Exception):  # noqa: N818 - caught, and then NumPy's own function runs or raises
    """agrad's function does not support an argument of the NumPy call; the message names it."""


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the Tensors among arguments, including those in lists, tuples and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))


def tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """Return an argument as a Tensor on the device of `like`; a number or a list also takes its dtype."""
    if isinstance(x, Tensor):
        return x
    if x is None or isinstance(x, str):
        raise Unsupported(f"{x!r} for an array")
    plain = type(x) in SCALARS or isinstance(x, (list, tuple))
    if like is None or not plain or next(tensors_in(x), None) is not None:
        return ops.asarray(x) if isinstance(x, (list, tuple)) else as_tensor(x, like)
    read = ops.asarray(x, device=like.device)
    wider = like.dtype.differentiable and not read.dtype.is_complex
    return ops.asarray(x, dtype=like.dtype, device=like.device) if wider else read


def tensors(*values: Any) -> list[Tensor]:
    """Return arguments as Tensors; numbers and lists take the dtype of the first Tensor among them."""
    like = next((value for value in values if isinstance(value, Tensor)), None)
    return [tensor(value, like) for value in values]


def beside(values: Iterable[Any]) -> list[Any]:
    """Return the operands of a ufunc with lists converted to Tensors; numbers and arrays are unchanged."""
    operands = list(values)
    if any(isinstance(value, (list, tuple)) for value in operands):
        like = next((value for value in operands if isinstance(value, Tensor)), None)
        operands = [tensor(value, like) if isinstance(value, (list, tuple)) else value for value in operands]
    return operands


def floats(x: Any, like: Tensor | None = None) -> Tensor:
    """Return an argument as a floating Tensor; integers and booleans are cast to the default dtype."""
    x = tensor(x, like)
    return x if x.dtype.differentiable else ops.astype(x, get_default_dtype())


def integers(x: Any) -> Any:
    """Return an integer of any type as an int, and a sequence or an array of them as a tuple."""
    if isinstance(x, (list, tuple)):
        return tuple(map(integers, x))
    if hasattr(x, "tolist"):
        return integers(x.tolist())
    return operator.index(x)


def axis_of(axis: Any, ndim: int) -> int:
    """Return the axis as a non-negative integer; IndexError if it is out of bounds."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for {ndim} axes")
    return axis % ndim


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes as a tuple of non-negative integers; all axes for None."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(axis_of(a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,)))


def truth_of(condition: Any, like: Tensor | None = None) -> Tensor:
    """Return a condition as a boolean Tensor: nonzero values are True."""
    condition = tensor(condition, like)
    return condition if condition.dtype.family == "bool" else ops.not_equal(condition, 0)


def full_mask(where: Any) -> bool:
    """Whether ``where=`` selects all elements."""
    return where is True


def is_default(value: Any, default: Any) -> bool:
    """Whether an argument equals its default."""
    if value is default:
        return True
    return isinstance(value, (str, int, float)) and type(value) is type(default) and value == default
