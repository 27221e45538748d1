"""Numbers that control an iteration: floats, or under `vmap` Tensors with a number for each example.

Conditions are bools, or Tensors in the same way. An iteration under `vmap` runs until all examples are done; an example
that is done keeps its result.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from ..core.tensor import Tensor, wrap
from ..ops import elementwise
from ..ops.searching import where
from ..ops.statistical import max as greatest
from ..ops.utility import all as all_of
from ..ops.utility import any as any_of

__all__ = [
    "Condition",
    "Number",
    "chosen",
    "every",
    "hypot",
    "is_lost",
    "largest",
    "number",
    "quotient",
    "some",
    "sqrt",
]

Number: TypeAlias = float | Tensor
Condition: TypeAlias = bool | Tensor


def number(x: Tensor) -> Number:
    """Return the number in a 0-d Tensor; the Tensor itself if it has one for each example."""
    data, device = x._data, x._device
    while device.depth:
        if data.lead:
            return x
        data, device = data.value, device.below
    return x.item()


def chosen(condition: Condition, a: Any, b: Any) -> Any:
    """Return a number or Tensor: `a` where the condition is true, else `b`."""
    return where(condition, a, b) if isinstance(condition, Tensor) else a if condition else b


def every(condition: Condition) -> bool:
    """Return whether a condition is true for all examples."""
    return bool(all_of(_of_all(condition)).item()) if isinstance(condition, Tensor) else condition


def some(condition: Condition) -> bool:
    """Return whether a condition is true for any example."""
    return bool(any_of(_of_all(condition)).item()) if isinstance(condition, Tensor) else condition


def largest(x: Number) -> float:
    """Return the largest of the numbers of all examples."""
    return greatest(_of_all(x)).item() if isinstance(x, Tensor) else x


def _of_all(x: Tensor) -> Tensor:
    """Return a Tensor with its batch axes visible, on the real device."""
    data, device = x._data, x._device
    while device.depth:
        data, device = data.value, device.below
    return wrap(data, device)


def is_lost(x: Number) -> Condition:
    """Return whether a number is infinite or NaN."""
    return elementwise.logical_not(elementwise.isfinite(x)) if isinstance(x, Tensor) else not math.isfinite(x)


def quotient(a: Number, b: Number) -> Number:
    """Return the quotient of two numbers, 0 where the divisor is 0."""
    if not isinstance(b, Tensor):
        return a / b if b else 0.0
    is_zero = b == 0
    return where(is_zero, 0.0, a / where(is_zero, 1.0, b))


def sqrt(x: Number) -> Number:
    """Return the square root."""
    return elementwise.sqrt(x) if isinstance(x, Tensor) else math.sqrt(x)


def hypot(a: Number, b: Number) -> Number:
    """Return the square root of the sum of squares."""
    return elementwise.hypot(a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else math.hypot(a, b)
