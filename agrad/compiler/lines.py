"""LineSource: a program printed with a line for each call.

If the library can compute into a given array, as NumPy's ``out=`` does, results go into buffers that are allocated once
and reused as soon as their contents are no longer needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..backends.base import OUT, Into
from ..virtual.traced.recording import CHECK, NUMBER, WRITE, Call, Variable, described, replace_nested
from .buffers import Buffers
from .expressions import INFIX, expression, shown
from .memory import Memory
from .source import Source
from .views import Views, is_view

__all__ = ["LineSource"]


class LineSource(Source):
    """A program with a line for each call.

    The attributes are those of `Source`.
    """

    def _begin(self, starts: list[Variable]) -> None:
        self._memory = Memory(self._program)
        self._buffers = Buffers(self._backend, self._memory, self._names)
        self._scalars: dict[Any, str] = {}  # the names of 0-d arrays, by their number and dtype
        self._views = Views(self._backend, self._names, () if self._backend.immutable else self._held)
        self._said = ""  # the line of the user's code in the last comment
        self.views = self._views.of_state

    def _comments(self) -> list[str]:
        names, about = self._names, {}
        for (number, _), name in self._scalars.items():
            if type(number) is tuple:  # a constant: its type and its text
                about[name] = f"{name} = {number[1]}, an array"
        for x in self._program.constants:
            if x in names.of and not x.name:  # one with a name of its own is a number that `numbers` writes
                about[names[x]] = self._about_constant(x)
        constants = [about[name] for name in names.known if name in about]
        views = [f"{name} = {text}, made once" for name, text in self._views.texts.items()]
        return [*super()._comments(), *constants, *views]

    def _about_constant(self, x: Variable) -> str:
        """Return what a constant is: its value if it is a number or the same everywhere, else its shape and dtype."""
        name, value = self._names[x], x.value
        if prod(value.shape) == 1 or _is_repeated(value):
            return f"{name} = {self._backend.to_numpy(value).flat[0]!s}, an array"
        return f"{name}: {' '.join(described(value))}, a constant"

    # A call

    def _write(self, call: Call, place: int) -> None:
        if call.kind == NUMBER:
            self._write_number(call)
            return
        if call.line not in ("", self._said):
            self._line(f"# {call.line}")
            self._said = call.line
        if self._committed is not None:
            self.reads_late |= {self._memory.root[x] for x in call.inputs() if not x.is_number}
        if call.kind == CHECK:
            answer = call.outputs[0].value
            self._line(f"if {'not ' if answer else ''}{expression(call, self._names)}: raise GuardFailed")
        elif call.kind == WRITE and call.several:
            self._write_many(call)
        elif call.kind == WRITE:
            self._write_in_place(call, place)
        else:
            self._write_result(call, place)
        self._buffers.release(place)

    def _write_result(self, call: Call, place: int) -> None:
        """Write a call that returns new arrays or views."""
        found = self._into(call)
        if found is not None and not self._is_result(call):
            in_place = found.elementwise and not found.slow_in_place
            self._write_into(call, found, self._buffers.take(call, place, in_place))
            return
        whole = self._buffers.given_back(call) if is_view(call) else None
        if whole is not None:
            self._names.of[call.outputs[0]] = whole
            return
        if is_view(call) and self._buffers.is_whole(call.args[0]):
            self._views.of_buffer(call)
            return
        if self._views.is_of_state(call):
            self._views.of_part(call)
            return
        text = expression(call, self._names) if found is None else self._new(call, found)
        names = ", ".join([self._names.name(x, "r0") for x in call.outputs])
        # NumPy returns scalars instead of 0-d arrays for some results.
        if not call.several and call.outputs[0].value.shape == () and call.name != "copy":
            text = f"{self._names.bound('asarray', self._backend.box)}({text})"
        self._line(f"{names}{',' if call.several and len(call.outputs) == 1 else ''} = {text}", *call.outputs)

    def _is_result(self, call: Call) -> bool:
        """Return whether the program returns the result of a call, so that it must not be in a buffer."""
        ends = [self._memory.last[self._memory.root[x]] for x in call.outputs]
        return max(ends) == len(self._program.calls)

    def _into(self, call: Call) -> Into | None:
        """Return the function that computes a call into a given array, if there is one."""
        if call.several:
            return None
        found: Into | None = self._backend.into(call.function, call.args, call.kwargs, call.outputs[0].value)
        return found

    def _write_into(self, call: Call, found: Into, name: str) -> None:
        """Write a call that computes into an array."""
        self._names.of[call.outputs[0]] = name
        self._line(self._text_into(call, found, name), call.outputs[0])

    def _text_into(self, call: Call, found: Into, name: str) -> str:
        operands = [name if x is OUT else self._operand(x, found) for x in found.args]
        return f"{self._function(call, found)}({', '.join(operands)})"

    def _update(self, call: Call, found: Into) -> None:
        """Write a call that computes into its first argument."""
        target, out = self._names[call.args[0]], call.outputs[0]
        if not found.slow_in_place:
            self._write_into(call, found, target)
            return
        name = self._buffers.passing(out.value)
        self._line(self._text_into(call, found, name), out)
        self._line(f"{target}[...] = {name}")
        self._names.of[out] = target

    def _new(self, call: Call, found: Into) -> str:
        """Return the expression for a call with a new result: an operator, or the faster function `found`."""
        if call.function in INFIX and all(type(x) is Variable and not x.is_number for x in call.args):
            return expression(call, self._names)
        operands = ["None" if x is OUT else self._operand(x, found) for x in found.args]
        operands = operands[:-1] if operands[-1] == "None" else operands
        return f"{self._function(call, found)}({', '.join(operands)})"

    def _function(self, call: Call, found: Into) -> str:
        name = getattr(found.function, "__name__", call.name)
        return self._names.bound(f"{call.name}_reduce" if name == "reduce" else name, found.function)

    # Operands

    def _operand(self, x: Any, found: Into) -> str:
        """Return an operand as text. A number beside an array of floats becomes a 0-d array, which is faster."""
        arrays = [y.value for y in found.args if type(y) is Variable and not y.is_number]
        if found.elementwise and x in self._program.constants and _is_uniform(x.value, arrays):
            return self._element(x)
        element = self._views.element(x, arrays) if found.elementwise and type(x) is Variable else None
        if element is not None:
            return element
        is_number = type(x) in (int, float) or (type(x) is Variable and x.is_number)
        if not (found.elementwise and is_number and getattr(arrays[0].dtype, "kind", "") == "f"):
            return shown(x, self._names)
        key = x if type(x) is Variable else (type(x), repr(x)), arrays[0].dtype
        if key not in self._scalars:
            self._scalars[key] = self._scalar(x, arrays[0].dtype)
        return self._scalars[key]

    def _element(self, x: Variable) -> str:
        """Return the name of a 0-d array that holds the value of a constant whose elements are all equal."""
        value = x.value[(0,) * len(x.value.shape)]
        key = (type(value), str(value)), x.value.dtype
        if key not in self._scalars:
            self._scalars[key] = self._names.bound("c0", self._backend.box(value))
        return self._scalars[key]

    def _scalar(self, x: Any, dtype: Any) -> str:
        """Return the name of a 0-d array that holds a number."""
        is_variable = type(x) is Variable
        array = self._backend.xp.asarray(x.value if is_variable else x, dtype=dtype, device=self._native)
        name = self._names.bound("z0" if is_variable else "c0", array)
        if is_variable:
            self._number_lines.append(f"{name}[...] = {self._names[x]}")
        return name

    # Calls that write

    def _write_in_place(self, call: Call, place: int) -> None:
        """Write a call that changes its first argument, or a copy of it."""
        target, out = call.args[0], call.outputs[0]
        in_place, found = call in self._memory.in_place, self._into(call)
        if in_place and self._memory.root[target] not in self._memory.allocated:
            self._commit()
        if in_place and found is not None:
            self._update(call, found)
            return
        if in_place:
            name = self._names[target]
        else:
            name = self._names.unused("r0")
            self._line(f"{name} = copy({self._names[target]})", out)
        self._names.of[out] = name
        if call.function in INFIX:
            self._line(f"{name} {INFIX[call.function]} {shown(call.args[1], self._names)}", out)
            return
        rest = ", ".join([name, *(shown(x, self._names) for x in call.args[1:])])
        assigned = "" if name in self._names.known else f"{name} = "
        self._line(f"{assigned}{self._names.bound(call.name, call.function)}({rest})", out)

    def _write_many(self, call: Call) -> None:
        """Write a call that changes several arrays, or copies of them."""
        in_place = call in self._memory.in_place
        if in_place and not self._memory.allocated.issuperset(self._memory.root[x] for x in call.targets):
            self._commit()
        for x, out in zip(call.targets, call.outputs, strict=True):
            self._names.of[out] = self._names[x] if in_place else self._copied(x)
        new = {id(x): out for x, out in zip(call.targets, call.outputs, strict=True)}
        call.args = replace_nested(call.args, lambda x: new.get(id(x), x))
        self._line(expression(call, self._names).replace("], [", "],\n        ["))

    # The end

    def _finish(self) -> None:
        """Write the final values into the state, and return the rest."""
        program, names = self._program, self._names
        starts = {start for start, _ in program.state}
        taken = starts | set(program.inputs) | program.constants.keys()
        results = [self._result(x, taken) for x in (*program.outputs, *program.grads) if not x.is_number]
        changed = [(start, end) for start, end in program.state if end is not start]
        others = [(start, end) for start, end in changed if names.of.get(end) != names[start]]
        # A final value in the memory of another part of the state is copied before that part is overwritten.
        values = [self._copied(end) if self._memory.root[end] in starts else names[end] for _, end in others]
        self._commit()
        for (start, _), value in zip(others, values, strict=True):
            self._line(f"{names[start]} = {names.bound('fill', self._backend.fill)}({names[start]}, {value})")
        self._return(results)

    def _commit(self) -> None:
        """Note that from here on the state is written."""
        self._committed = len(self._lines) if self._committed is None else self._committed

    def _result(self, x: Variable, taken: set[Variable]) -> str:
        """Return the name of a result, copied if its memory is in `taken`: that of an input, or of another result."""
        root = self._memory.root[x]
        if root in taken:
            if self._committed is not None:
                self.reads_late.add(root)
            return self._copied(x)
        taken.add(root)
        return self._names[x]

    def _copied(self, x: Variable) -> str:
        name = self._names.unused("r0")
        self._line(f"{name} = copy({self._names[x]})", x)
        return name


def _is_uniform(x: Any, beside: Sequence[Any]) -> bool:
    """Return whether an array is one repeated element, and another array has its shape."""
    return _is_repeated(x) and any(y is not x and y.shape == x.shape for y in beside)


def _is_repeated(x: Any) -> bool:
    """Return whether an array is one element broadcast: all strides are 0."""
    strides = getattr(x, "strides", ())
    return len(strides) > 0 and not any(strides) and prod(x.shape) > 0
