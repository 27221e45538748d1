"""Scalars: numbers of the state in arrays without axes, for calls that are captured.

A captured call would keep a number with the value that it had. The function of numbers sets the arrays, and the library
writes them before a launch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..backends.base import Backend, Capturer
from ..virtual.traced.recording import NUMBER, Call, Variable, replace_nested
from .expressions import INFIX
from .program import Program

__all__ = ["place_numbers"]

# They take a number in float64.
_SCALED: Final = frozenset({"add_scaled", "add_product", "add_quotient", "update_many"})


def place_numbers(program: Program, capturer: Capturer, backend: Backend) -> None:
    """Let calls take numbers of the state from arrays without axes, which the function of numbers sets.

    Raises
    ------
    NotImplementedError
        If it is not known which dtype a call computes with a number in.
    """
    calls = [call for call in program.calls if call.kind != NUMBER and any(map(_is_number, call.inputs()))]
    dtypes = [_dtype_with(call, backend) for call in calls]
    numbers = _Numbers(capturer)
    for call, dtype in zip(calls, dtypes, strict=True):
        numbers.place(call, dtype)
    program.constants |= {x: x.value for x in numbers.arrays.values()}
    first = [call for call in program.calls if call.kind == NUMBER]
    program.calls = [*first, *numbers.writes, *(call for call in program.calls if call.kind != NUMBER)]


class _Numbers:
    """Numbers in arrays without axes.

    Attributes
    ----------
    arrays : dict of (Variable, dtype) to Variable
        What stands for a number among the arguments of calls.
    writes : list of Call
        Those that set the arrays.
    """

    def __init__(self, capturer: Capturer) -> None:
        self._capturer = capturer
        self.arrays: dict[tuple[Variable, Any], Variable] = {}
        self.writes: list[Call] = []

    def place(self, call: Call, dtype: Any) -> None:
        """Replace the numbers among the arguments of a call."""
        replace: Callable[[Any], Any] = lambda x: self._array(x, dtype) if _is_number(x) else x
        call.args, call.kwargs = replace_nested(call.args, replace), replace_nested(call.kwargs, replace)

    def _array(self, x: Variable, dtype: Any) -> Variable:
        if (x, dtype) not in self.arrays:
            array, write = self._capturer.scalar(dtype)
            self.arrays[x, dtype] = Variable(array, f"z{len(self.arrays)}")
            self.writes.append(Call(NUMBER, f"set_{self.arrays[x, dtype].name}", write, (x,), {}))
        return self.arrays[x, dtype]


def _is_number(x: Any) -> bool:
    return type(x) is Variable and x.is_number


def _dtype_with(call: Call, backend: Backend) -> Any:
    """Return the dtype of the numbers that a call takes."""
    if call.name in _SCALED:
        return backend.xp.float64
    arrays = [x.value.dtype for x in call.inputs() if not x.is_number]
    if (call.function in INFIX or call.name == "fill") and arrays and backend.xp.isdtype(arrays[0], "real floating"):
        return arrays[0]
    raise NotImplementedError(f"{call.name} computes with a number of an optimizer, which would not change")
