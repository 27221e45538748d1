"""Lowering: the calls of a program are sorted into loop nests.

Elementwise calls of one shape share a nest. A write to a whole array is a new value, like the result of any call; the
state itself is written at the end.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final

from ...virtual.traced.recording import CHECK, WRITE, Call, Variable
from ..memory import Memory
from ..names import Names
from ..program import Program
from .elements import ELEMENTWISE, IDENTITIES
from .indices import INDICES, check
from .products import PRODUCTS
from .reductions import REDUCTIONS
from .values import Values
from .views import VIEWS
from .writes import MADE, WRITES, write_part

__all__ = ["Lowering"]

_CALLS: Final = INDICES | MADE | PRODUCTS | REDUCTIONS | VIEWS
_OPERATORS: Final[dict[Any, str]] = {
    operator.iadd: "add", operator.isub: "subtract", operator.imul: "multiply", operator.itruediv: "divide",
}  # fmt: skip


class Lowering:
    """The loops of a program.

    Parameters
    ----------
    program : Program
    names : Names
    promote : callable
        The library's `result_type`.

    Attributes
    ----------
    values : Values
    outputs : list of (str, Variable)
        The names of the arrays for the outputs and the new gradients, which the caller allocates.
    reads_late : set of Variable
        The inputs that are read after a write to the state.
    """

    def __init__(self, program: Program, names: Names, promote: Callable[..., Any]) -> None:
        self._program, self._memory = program, Memory(program)
        self.values = Values(program.constants, names, promote)
        self.reads_late: set[Variable] = set()
        self._starts, self._writes_state = {start for start, _ in program.state}, False
        results = [x for x in (*program.outputs, *program.grads) if not x.is_number]
        self.outputs = [(names.unused("r0"), x) for x in results]
        for name, x in self.outputs:
            self.values.homes.setdefault(x, name)

    def add(self, call: Call) -> None:
        """Add a call.

        Raises
        ------
        NotImplementedError
            If the call cannot be lowered to loops.
        """
        values, name = self.values, call.name
        values.call = call
        self._note_order(call)
        if call.kind == CHECK:
            check(values, call)
        elif name in _CALLS:
            _CALLS[name](values, call)
        elif name in WRITES:
            WRITES[name](values, self._memory, call)
        elif name == "assign" and call.args[1] not in (..., (...,)):
            write_part(values, self._memory, call)
        elif name == "update" and call.args[1] in _OPERATORS:
            values.compute(_OPERATORS[call.args[1]], call.outputs[0], (call.args[0], call.args[2]))
        elif name in ELEMENTWISE and len(call.outputs) == 1:
            values.compute(name, call.outputs[0], _operands(call))
        else:
            values.refuse()

    def _note_order(self, call: Call) -> None:
        """Record which inputs are read after a write to the state: they must not share memory with it."""
        if self._writes_state:
            self.reads_late |= {self._memory.root[x] for x in call.inputs() if not x.is_number}
        if call.kind == WRITE and self._memory.root[call.args[0]] in self._starts:
            self._writes_state = True

    def finish(self) -> None:
        """Write the outputs, the gradients and the state."""
        values = self.values
        for name, x in self.outputs:
            values.store_result(x, name)
        changed = [(values.stored[start][1], end) for start, end in self._program.state if end is not start]
        names = {target.name for target, _ in changed}
        for _, end in changed:  # values in the memory of another part of the state are copied before that is written
            if end in values.stored and values.stored[end][1].name in names:
                values.copy(end)
        first = len(values.nests.items)
        for target, end in changed:
            earliest = max(values.checked, values.writable_from.get(target.name, 0))
            first = min(first, values.copy_to(target, end, earliest))
        for x in self._program.inputs:
            if values.writable_from.get(values.names.of.get(x, ""), 0) > first:
                self.reads_late.add(x)


def _operands(call: Call) -> Sequence[Any]:
    """Return the operands of an elementwise call."""
    if call.name == "clip":
        limits = dict(zip(("min", "max"), call.args[1:], strict=False)) | call.kwargs
        least, most = limits.get("min"), limits.get("max")
        return call.args[0], -inf if least is None else least, inf if most is None else most
    if call.name in ("assign", "fill"):
        return call.args[-1:]
    return call.args[:1] if call.name in IDENTITIES else call.args
