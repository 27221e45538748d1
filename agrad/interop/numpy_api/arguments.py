"""What NumPy's functions are given, as Tensors: lists take the type of the Tensor that they stand beside."""

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


class Unsupported(Exception):  # noqa: N818 - it is caught where the host or the user's remedy takes over
    """agrad's function does not do what a call of NumPy's asks for; the text says what."""


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the Tensors among arguments, also in lists, tuples and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))


def tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """Return one argument as a Tensor: of the device and, if it is a number or a list, of the dtype of `like`."""
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
    """Return arguments as Tensors, beside the first Tensor among them."""
    like = next((value for value in values if isinstance(value, Tensor)), None)
    return [tensor(value, like) for value in values]


def beside(values: Iterable[Any]) -> list[Any]:
    """Return the operands of a ufunc with its lists as Tensors; numbers and arrays stay what they are."""
    operands = list(values)
    if any(isinstance(value, (list, tuple)) for value in operands):
        like = next((value for value in operands if isinstance(value, Tensor)), None)
        operands = [tensor(value, like) if isinstance(value, (list, tuple)) else value for value in operands]
    return operands


def floats(x: Any, like: Tensor | None = None) -> Tensor:
    """Return an argument as a Tensor of floats: integers and booleans become the default dtype."""
    x = tensor(x, like)
    return x if x.dtype.differentiable else ops.astype(x, get_default_dtype())


def integers(x: Any) -> Any:
    """Return numbers that are settings, of any kind, as Python's integers."""
    if isinstance(x, (list, tuple)):
        return tuple(map(integers, x))
    if hasattr(x, "tolist"):
        return integers(x.tolist())
    return operator.index(x)


def axis_of(axis: Any, ndim: int) -> int:
    """Return an axis counted from the front; IndexError if there is none."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for {ndim} axes")
    return axis % ndim


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that an argument of NumPy's means, all of them for None."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(axis_of(a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,)))


def truth_of(condition: Any, like: Tensor | None = None) -> Tensor:
    """Return a condition as booleans: what is not zero is true."""
    condition = tensor(condition, like)
    return condition if condition.dtype.family == "bool" else ops.not_equal(condition, 0)


def full_mask(where: Any) -> bool:
    """Whether the setting ``where=`` leaves nothing out."""
    return where is True


def is_default(value: Any, default: Any) -> bool:
    """Whether a setting is what it is when it is left out."""
    if value is default:
        return True
    return isinstance(value, (str, int, float)) and type(value) is type(default) and value == default
