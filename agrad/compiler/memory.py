"""Memory analysis: which variables share memory, and which writes can be done in place."""

from __future__ import annotations

from typing import Final

from ..virtual.traced.recording import WRITE, Call, Variable
from .program import Program

__all__ = ["VIEWS", "Memory"]

# These return a view of a contiguous array.
VIEWS: Final = frozenset({"expand_dims", "matrix_transpose", "permute_dims", "reshape", "squeeze"})
# Whether these return a view or a new array may depend on the memory layout.
_MAY_BE_VIEWS: Final = frozenset(
    {
        "asarray", "astype", "broadcast_arrays", "broadcast_to", "conj", "expand_dims", "flip", "getitem", "imag",
        "matrix_transpose", "moveaxis", "permute_dims", "real", "reshape", "squeeze", "unstack",
    }
)  # fmt: skip
# These cannot fail on the shapes that they were recorded with. Only such calls may follow a write to the state.
_SAFE: Final = frozenset(
    {
        "abs", "add", "add_product", "add_quotient", "add_scaled", "assign", "astype", "box", "broadcast_to", "clip",
        "copy", "divide", "equal", "exp", "expand_dims", "fill", "full_like", "greater", "greater_equal", "imag",
        "interpolate", "less", "less_equal", "matrix_transpose", "maximum", "mean", "minimum", "multiply", "negative",
        "ones_like", "permute_dims", "pow", "real", "reshape", "sign", "sqrt", "square", "squeeze", "stack",
        "subtract", "sum", "update", "update_many", "where", "zeros_like",
    }
)  # fmt: skip


class Memory:
    """The memory of each variable of a program.

    Attributes
    ----------
    in_place : set of Call
        The writes that change the memory of their targets; the others change copies.
    root : dict of Variable to Variable
        The first variable in the same memory.
    last : dict of Variable to int
        For each root, the index of the last call that uses its memory; the number of calls if a result uses it.
    allocated : set of Variable
        The roots of memory that the program allocates, and so may reuse.
    """

    def __init__(self, program: Program) -> None:
        self.in_place: set[Call] = set()
        self.root: dict[Variable, Variable] = {}
        self.last: dict[Variable, int] = {}
        self._last_use = self._last_uses(program)
        self._members: dict[Variable, list[Variable]] = {}
        self.allocated: set[Variable] = set()
        starts = [start for start, _ in program.state]
        for x in (*program.inputs, *starts, *program.constants):
            self._join(x, x)
        unsafe = [i for i, call in enumerate(program.calls) if call.name not in _SAFE]
        committed = max(unsafe, default=-1) + 1
        for i, call in enumerate(program.calls):
            self._place(call, i, set(starts) if i >= committed else set())
        for x, root in self.root.items():
            self.last[root] = max(self.last.get(root, -1), self._last_use.get(x, -1))

    def _last_uses(self, program: Program) -> dict[Variable, int]:
        last = {x: i for i, call in enumerate(program.calls) for x in call.inputs()}
        return last | dict.fromkeys(program.results(), len(program.calls))

    def _join(self, x: Variable, root: Variable) -> None:
        self.root[x] = root
        self._members.setdefault(root, []).append(x)

    def _place(self, call: Call, i: int, writable: set[Variable]) -> None:
        """Assign each output of a call to the memory that it is in."""
        if call.kind == WRITE:
            roots = [self.root[x] for x in call.targets]
            others_read = any(self._last_use.get(x, -1) > i for root in roots for x in self._members[root])
            apart = len(set(roots)) == len(roots)
            if apart and self.allocated.union(writable).issuperset(roots) and not others_read:
                self.in_place.add(call)
                for x, root in zip(call.outputs, roots, strict=True):
                    self._join(x, root)
                return
        for x in call.outputs:
            like = None if call.kind == WRITE else self._owner(call, x)
            self._join(x, x if like is None else self.root[like])
            if like is None:
                self.allocated.add(x)

    def _owner(self, call: Call, x: Variable) -> Variable | None:
        arrays = [y for y in call.inputs() if not y.is_number]
        if x.view_of is not None:
            return x.view_of
        return arrays[0] if call.name in _MAY_BE_VIEWS and arrays else None

    def dies_at(self, x: Variable, i: int) -> bool:
        """Return whether the program allocated the memory of a variable, and does not use it after call number `i`."""
        root = self.root[x]
        return root in self.allocated and self.last[root] <= i
