"""Scalars: numbers of the state as 0-d arrays, for captured calls.

A captured call would repeat a Python number with the value it had at the capture. So calls read numbers from 0-d
arrays, whose values the program's function `numbers` sets and the library writes before a launch.
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
    """Replace numbers of the state in calls by 0-d arrays, which the program's function `numbers` sets.

    Raises
    ------
    NotImplementedError
        If the dtype to which a call converts a number is not known.
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
    """Numbers in 0-d arrays.

    Attributes
    ----------
    arrays : dict of (Variable, dtype) to Variable
        The array that replaces a number in the arguments of calls.
    writes : list of Call
        The calls that set the arrays.
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
    """Return the dtype to which a call converts its numbers."""
    if call.name in _SCALED:
        return backend.xp.float64
    arrays = [x.value.dtype for x in call.inputs() if not x.is_number]
    if (call.function in INFIX or call.name == "fill") and arrays and backend.xp.isdtype(arrays[0], "real floating"):
        return arrays[0]
    raise NotImplementedError(f"{call.name} takes a number of an optimizer, which would keep its value of the capture")
