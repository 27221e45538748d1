"""Source: a program printed as two Python functions, and compiled to them.

What the lines are is up to the subclasses: `lines` has a line for each call, `loops` has nests of loops.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final
from weakref import finalize

from ..core.device import Device
from ..virtual.traced.recording import CHECK, DRAW, EXCHANGE, Call, Variable, described
from .expressions import expression
from .names import Names
from .program import Program
from .quiet import PROGRAM
from .state import identifier

__all__ = ["GuardFailed", "Source", "raise_if_half_written"]

_WIDTH: Final = 56  # where comments begin
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_files = count()


class GuardFailed(Exception):  # noqa: N818 - no error: another program is needed
    """A guard fails: a number or a check has another truth value than when the program was recorded."""


class Source:
    """A program as two Python functions: `numbers` computes with numbers, `run` with arrays and with their results.

    The functions exist after `make`. This is the base class of the lowerings, which define `_write` and `_finish`.

    Attributes
    ----------
    text : str
        The source of the functions.
    numbers : callable or None
        Takes `takes_numbers`, and returns `gives_numbers`. It also writes numbers to the 0-d arrays that replace them.
        None if there is nothing to compute.
    run : callable
        Takes `takes`. Returns the arrays among the outputs, the new gradients, and if arrays are immutable the changed
        state; a single array is returned without a tuple.
    takes, takes_numbers, gives_numbers : list of Variable
    changes : list of int
        The indices of the arrays of the state that `run` changes.
    views : dict of str to (Variable, callable)
        The views of the state that `run` takes as further arguments: see `Views.of_state`.
    reads_late : set of Variable
        Inputs that `run` reads after its first write to the state.
    draws : bool
        Whether `run` draws random numbers.
    code : code
        The code object of `run`.
    first_write : int
        The number of the line after which `run` writes the state.
    """

    is_native = False  # whether compiled code runs, which needs no lock and gives no warnings

    def __init__(
        self, program: Program, device: Device, generator: Callable[[], Any], title: str, held: Sequence[Variable] = ()
    ) -> None:
        self._program, self._backend, self._native, self._held = program, device.backend, device.native, held
        self._names = Names(program.constants, GuardFailed=GuardFailed, generator=generator, copy=device.backend.copy)
        self._title = self._names.unused(identifier(title))
        self._lines: list[tuple[str, str]] = []
        self._number_lines: list[str] = []
        self._committed: int | None = None  # the index of the first line that writes the state
        self.changes = [i for i, (start, end) in enumerate(program.state) if end is not start]
        self.draws = any(call.kind == DRAW for call in program.calls)
        self.reads_late: set[Variable] = set()
        self.views: dict[str, tuple[Variable, Callable[[Any], Any]]] = {}
        starts = self._parameters()
        self._begin(starts)
        for place, call in enumerate(program.calls):
            self._write(call, place)
        self._finish()
        self._divide(starts)
        self._python = self._text()
        self.text = self._shown()

    # What a lowering defines

    def _begin(self, starts: list[Variable]) -> None:
        """Prepare for the calls; `starts` are the variables that the functions take."""

    def _write(self, call: Call, place: int) -> None:
        """Write the lines of the call at a place of the program; those of numbers by `_write_number`."""
        raise NotImplementedError

    def _finish(self) -> None:
        """Write the lines that store the new state and return the results."""
        raise NotImplementedError

    def _comments(self) -> list[str]:
        """Return the comments at the top of `run`."""
        return [f"{self._names[x]}: {' '.join(described(x.value))}" for x in self.takes if not x.is_number]

    def _shown(self) -> str:
        """Return the text that is shown."""
        return self._python

    # What they have in common

    def _parameters(self) -> list[Variable]:
        program = self._program
        needed = {x for call in program.calls for x in call.inputs()} | set(program.results())
        needed |= {start for start, end in program.state if end is not start}
        starts = [*program.inputs, *(x for x, _ in program.state), *(x for x, _ in program.numbers)]
        found = [x for x in starts if x in needed]
        for x in found:
            self._names.name(x, x.name or "x")
        for x in found:
            self._guard(x)
        return found

    def _divide(self, starts: list[Variable]) -> None:
        """Divide the variables between the two functions."""
        names, numbers = self._names, [x for x in self._names.of if x.is_number]
        used = {word for line, _ in self._lines for word in _WORD.findall(line)}
        passed = [x for x in numbers if names[x] in used]
        finals = {end for start, end in self._program.numbers if end is not start}
        results = finals.union(x for x in self._program.outputs if x.is_number)
        used = {word for line in self._number_lines for word in _WORD.findall(line)}
        self.gives_numbers = [x for x in numbers if x in results or x in passed]
        given = set(self.gives_numbers)
        self.takes_numbers = [x for x in starts if x.is_number and (names[x] in used or x in given)]
        self.takes = [x for x in starts if not x.is_number] + passed

    def _line(self, text: str, *about: Variable) -> None:
        arrays = [x for x in about if not x.is_number]
        self._lines.append((text, ", ".join(" ".join(described(x.value)) for x in arrays)))

    def _write_number(self, call: Call) -> None:
        """Write a call that computes or stores a number into the function `numbers`."""
        text = expression(call, self._names)
        if not call.outputs:
            self._number_lines.append(text)
            return
        self._number_lines.append(f"{self._names.name(call.outputs[0], 'n0')} = {text}")
        self._guard(call.outputs[0])

    def _guard(self, x: Variable) -> None:
        for guarded, answer in self._program.guards:
            if guarded is x:
                self._number_lines.append(f"if {'not ' if answer else ''}{self._names[x]}: raise GuardFailed")

    def _return(self, results: list[str]) -> None:
        """Write the line that returns the results; if arrays are immutable, the changed state too."""
        if self._backend.immutable:
            results += [self._names[start] for start, end in self._program.state if end is not start]
        self._line(f"return {', '.join(results)}" if results else "return")

    def _text(self) -> str:
        names = self._names
        first = self._numbers_text()
        lines = [f"def {self._title}({', '.join([*(names[x] for x in self.takes), *self.views])}):"]
        lines += [f"    # {comment}" for comment in self._comments()]
        self.first_write = len(first) + len(lines) + 1 + (self._committed or 0)
        lines += [f"    {text.ljust(_WIDTH)}  # {about}" if about else f"    {text}" for text, about in self._lines]
        return "\n".join([*first, *lines]) + "\n"

    def _numbers_text(self) -> list[str]:
        """Return the lines of the function `numbers`; none if there is nothing to compute."""
        if not self._number_lines and not self.gives_numbers:
            return []
        names = self._names
        gives = ", ".join(names[x] for x in self.gives_numbers)
        end = [f"return ({gives},)"] if gives else []
        taken = ", ".join(names[x] for x in self.takes_numbers)
        lines = [f"    {line}" for line in [*self._number_lines, *end]]
        return [f"def numbers({taken}):", *lines, "", ""]

    def make(self) -> None:
        """Compile the text to functions."""
        file = f"<agrad program {next(_files)}>"
        known = {**self._names.known, "__name__": PROGRAM}
        exec(compile(self._python, file, "exec"), known)
        linecache.cache[file] = len(self._python), None, self._python.splitlines(keepends=True), file
        self.run: Callable[..., Any] = known.pop(self._title)  # so that it does not refer to itself
        self.numbers: Callable[..., Any] | None = known.pop("numbers", None)
        finalize(self.run, linecache.cache.pop, file, None)
        self.code = self.run.__code__
        varying = (DRAW, EXCHANGE, CHECK)  # these must run at each call
        if not any(call.kind in varying for call in self._program.calls):
            self.run = self._backend.jit(self.run)


def raise_if_half_written(code: Any, first_write: int, error: Exception) -> None:
    """Raise RuntimeError if a program raised an error after it had written a part of the state."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code is not code:
        at = at.tb_next
    if at is not None and at.tb_lineno > first_write:
        text = "a program of agrad.compile failed while it wrote the state, which now holds old and new values"
        raise RuntimeError(text) from error
