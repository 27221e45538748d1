"""LoopSource: a program as compiled loops, and the Python function that calls them."""

from __future__ import annotations

from typing import Any

from ...virtual.traced.recording import DRAW, NUMBER, Call, Variable, described
from ..expressions import expression
from ..source import Source
from .lowering import Lowering

__all__ = ["LoopSource"]


class LoopSource(Source):
    """A program whose arrays are computed by compiled loops; Python draws random numbers and allocates arrays first.

    The attributes are those of `Source`.
    """

    is_native = True

    def _begin(self, starts: list[Variable]) -> None:
        self._lowering = Lowering(self._program, self._names, self._backend.xp.result_type)
        self._loops, self._settings = self._names.unused("loops"), self._names.unused("settings")
        self._strided = {start for start, _ in self._program.state} - set(self._held)  # gradients may be in any layout
        self._given: dict[str, tuple[Any, bool]] = {}  # the loops' arguments: an example, and whether contiguous
        for x in starts:
            if not x.is_number:
                self._give(x)

    def _give(self, x: Variable) -> None:
        """Make an array an argument of the loops."""
        gapless = x not in self._strided and bool(x.value.flags.c_contiguous)
        self._lowering.values.take_over(x, not gapless)
        self._given[self._names[x]] = x.value, gapless

    def _write(self, call: Call, place: int) -> None:
        if call.kind == NUMBER:
            self._write_number(call)
        elif call.kind == DRAW:
            name = self._names.name(call.outputs[0], "d0")
            self._line(f"{name} = {expression(call, self._names)}", call.outputs[0])
            self._give(call.outputs[0])
        else:
            self._lowering.add(call)

    def _finish(self) -> None:
        lowering, names, xp = self._lowering, self._names, self._backend.xp
        lowering.finish()
        values, self.reads_late = lowering.values, lowering.reads_late
        names.known |= values.arrays
        self._given |= {name: (array, True) for name, array in values.arrays.items()}
        for name, x in lowering.outputs:
            dtype = names.bound(described(x.value)[1], x.value.dtype)
            self._line(f"{name} = {names.bound('empty', xp.empty)}({tuple(x.value.shape)!r}, {dtype})")
            self._given[name] = x.value, True
        if values.numbers:
            settings = names.known[self._settings] = xp.empty(len(values.numbers), dtype=xp.float64)
            self._given[self._settings] = settings, True
            self._number_lines += [f"{self._settings}[{i}] = {names[x]}" for i, x in enumerate(values.numbers)]
        call = f"{self._loops}({', '.join(self._given)})"
        self._line(f"if {call}: raise GuardFailed" if values.checked else call)
        self._return([name for name, _ in lowering.outputs])

    def _shown(self) -> str:
        return f"{self._loops_text()}\n\n{self._python}"

    def _loops_text(self) -> str:
        values = self._lowering.values
        lines = [f"{name} = {self._settings}[{i}]" for i, name in enumerate(values.numbers.values())]
        lines += [line for item in values.nests.items for line in item.text()]
        head = f"def {self._loops}({', '.join(self._given)}):\n"
        return head + "".join(f"    {line}\n" for line in [*lines, "return False"])

    def make(self) -> None:
        """Compile the loops, and make the functions."""
        arrays = list(self._given.values())
        self._names.known[self._loops] = self._backend.compile_loops(self._loops_text(), self._loops, arrays)
        super().make()
