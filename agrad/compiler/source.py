"""Source: a program printed as a Python function, and made to one.

Every call becomes a line. Where the library computes into a given array, results go into buffers that are made once and
used again as soon as nothing needs what they hold.
"""

from __future__ import annotations

import keyword
import linecache
import operator
from collections.abc import Callable, Sequence
from itertools import count
from math import inf, isfinite
from typing import Any, Final
from weakref import finalize

from ..backends.base import OUT
from ..core.device import Device
from ..virtual.traced.recording import CHECK, DRAW, NUMBER, WRITE, Call, Variable, described
from .memory import Memory
from .program import Program
from .state import identifier

__all__ = ["Elsewhere", "Source"]

_INFIX: Final = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=", operator.iadd: "+=",
    operator.isub: "-=", operator.imul: "*=", operator.itruediv: "/=", operator.ifloordiv: "//=", operator.imod: "%=",
    operator.ipow: "**=", operator.imatmul: "@=", operator.iand: "&=", operator.ior: "|=", operator.ixor: "^=",
    operator.ilshift: "<<=", operator.irshift: ">>=",
}  # fmt: skip
_PREFIX: Final = {operator.neg: "-", operator.pos: "+", operator.invert: "~"}
_WIDTH: Final = 56  # where comments begin
_files = count()


class Elsewhere(Exception):  # noqa: N818 - no error: another program is needed
    """A number or a check has another answer than when the program was recorded."""


class Source:
    """A program as a Python function of the arrays of its inputs and its state, and the numbers.

    Attributes
    ----------
    text : str
        The function.
    run : callable
        It. It returns the outputs, the new gradients, the new numbers, and the arrays of the state that it changed.
    takes : list of Variable
        Its parameters.
    changes : list of int
        Which arrays of the state it changes.
    draws : bool
        Whether it draws random numbers.
    committed : int
        The number of the first line after which the state is written.
    """

    def __init__(self, program: Program, device: Device, generator: Callable[[], Any], title: str) -> None:
        self._program, self._backend, self._native = program, device.backend, device.native
        self._memory = Memory(program)
        self._names: dict[Variable, str] = {}
        self._scalars: dict[Any, str] = {}  # numbers as arrays without axes, by what they are
        self._globals: dict[str, Any] = {"Elsewhere": Elsewhere, "generator": generator, "copy": self._backend.copy}
        self._by_value: dict[Any, str] = {}
        self._taken = {*self._globals, *keyword.kwlist}  # all names so far
        self._lines: list[tuple[str, str]] = []
        self._committed: int | None = None  # the place of the first line that writes to the state
        self._buffers: dict[Variable, str] = {}  # by root: the buffer that holds its memory
        self._idle: dict[Any, list[str]] = {}  # by layout: buffers that hold nothing needed
        self._layouts: dict[str, Any] = {}
        self.takes = self._parameters()
        for x in self.takes:
            self._guard(x)
        for i, call in enumerate(program.calls):
            self._write(call, i)
            self._release(i)
        self.changes = [i for i, (start, end) in enumerate(program.state) if end is not start]
        self._finish()
        self.draws = any(call.kind == DRAW for call in program.calls)
        self.text = self._text(title)
        self.run = self._made(title)

    # Names

    def _parameters(self) -> list[Variable]:
        program = self._program
        needed = {x for call in program.calls for x in call.inputs()} | set(program.results())
        needed |= {start for start, end in program.state if end is not start}
        starts = [*program.inputs, *(x for x, _ in program.state), *(x for x, _ in program.numbers)]
        found = [x for x in starts if x in needed]
        for x in found:
            self._names[x] = self._unused(x.name or "x")
        return found

    def _named(self, x: Variable) -> str:
        if x in self._names:
            return self._names[x]
        if x in self._program.constants:
            return self._bound("c0", x.value)
        raise AssertionError(f"a variable of the program has no name: {x.value!r}")

    def _bound(self, name: str, value: Any) -> str:
        """Return a global name for an object."""
        method = getattr(value, "__func__", None)  # a bound method is a new object each time
        key = id(value) if method is None else (id(value.__self__), method)
        if key not in self._by_value:
            word = self._unused(identifier(name))
            self._globals[word], self._by_value[key] = value, word
        return self._by_value[key]

    def _unused(self, word: str) -> str:
        """Return a name like `word` that nothing has yet, with another number at its end."""
        stem = word.rstrip("0123456789")
        found = (
            word
            if word not in self._taken
            else next(w for w in (f"{stem}{i}" for i in count(1)) if w not in self._taken)
        )
        self._taken.add(found)
        return found

    def _new_name(self, letter: str) -> str:
        return self._unused(f"{letter}0")

    # Expressions

    def _shown(self, x: Any) -> str:
        """Return an argument as source text."""
        if type(x) is Variable:
            return self._named(x)
        if type(x) is tuple:
            return f"({', '.join(map(self._shown, x))}{',' if len(x) == 1 else ''})"
        if type(x) is list:
            return f"[{', '.join(map(self._shown, x))}]"
        if type(x) is slice:
            return f"slice({self._shown(x.start)}, {self._shown(x.stop)}, {self._shown(x.step)})"
        if x is None or x is ... or type(x) in (bool, int, str):
            return "..." if x is ... else repr(x)
        if type(x) is float:
            return (
                repr(x) if isfinite(x) else self._bound("inf" if x == inf else "minus_inf" if x == -inf else "nan", x)
            )
        return self._bound(_name_of(x), x)

    def _expression(self, call: Call) -> str:
        args = list(call.args)
        infix = _INFIX.get(call.function)
        if infix and len(args) == 2:
            left, right = (f"({text})" if text.startswith("-") else text for text in map(self._shown, args))
            return f"{left} {infix} {right}"
        if call.function in _PREFIX:
            return f"{_PREFIX[call.function]}{self._shown(args[0])}"
        if call.name == "matrix_transpose":
            return f"{self._shown(args[0])}.mT"
        if call.function is operator.getitem:
            return f"{self._shown(args[0])}[{self._key(args[1])}]"
        shown = ["generator()" if call.kind == DRAW and i == 0 else self._shown(x) for i, x in enumerate(args)]
        shown += [f"{name}={self._shown(value)}" for name, value in call.kwargs.items()]
        name = "abs" if call.function is abs else self._bound(call.name, call.function)
        return f"{name}({', '.join(shown)})"

    def _key(self, key: Any) -> str:
        if type(key) is slice and not any(type(part) is Variable for part in (key.start, key.stop, key.step)):
            parts = ["" if part is None else str(part) for part in (key.start, key.stop)]
            return ":".join([*parts, str(key.step)] if key.step is not None else parts)
        if type(key) is tuple and key:
            return ", ".join(map(self._key, key)) + ("," if len(key) == 1 else "")
        return self._shown(key)

    # Lines

    def _line(self, text: str, *about: Variable) -> None:
        arrays = [x for x in about if not x.is_number]
        self._lines.append((text, ", ".join(" ".join(described(x.value)) for x in arrays)))

    def _write(self, call: Call, i: int) -> None:
        if call.kind == CHECK:
            answer = call.outputs[0].value
            self._line(f"if {'not ' if answer else ''}{self._expression(call)}: raise Elsewhere")
        elif call.kind == NUMBER:
            self._names[call.outputs[0]] = self._new_name("n")
            self._line(f"{self._names[call.outputs[0]]} = {self._expression(call)}")
            self._guard(call.outputs[0])
        elif call.kind == WRITE:
            self._write_in_place(call, i)
        elif not self._write_into(call, i):
            self._write_new(call)

    def _guard(self, x: Variable) -> None:
        for guarded, answer in self._program.guards:
            if guarded is x:
                self._line(f"if {'not ' if answer else ''}{self._named(x)}: raise Elsewhere")

    def _write_new(self, call: Call) -> None:
        """Write a call that returns new arrays or views."""
        for x in call.outputs:
            self._names[x] = self._new_name("r")
        names = ", ".join(self._names[x] for x in call.outputs)
        trailing = "," if call.several and len(call.outputs) == 1 else ""
        expression = self._new(call)
        # NumPy returns its scalars for some results without axes.
        if not call.several and call.outputs[0].value.shape == () and call.name not in ("copy", "constant"):
            expression = f"{self._bound('asarray', self._backend.box)}({expression})"
        self._line(f"{names}{trailing} = {expression}", *call.outputs)

    def _new(self, call: Call) -> str:
        """Return the expression for a new array: of the function that computes into one, if that is known."""
        found = (
            None if call.several else self._backend.into(call.function, call.args, call.kwargs, call.outputs[0].value)
        )
        numbers = [x for x in call.args if type(x) is not Variable or x.is_number]
        if found is None or (call.function in _INFIX and not numbers):
            return self._expression(call)
        operand: Callable[[Any], str] = (lambda x: self._operand(x, found.args)) if found.elementwise else self._shown
        shown = ["None" if x is OUT else operand(x) for x in found.args]
        shown = shown[:-1] if shown[-1] == "None" else shown
        return f"{self._into_name(call, found)}({', '.join(shown)})"

    def _into(self, call: Call) -> Any:
        """Return the function that computes a call into a given array, if there is one."""
        if call.several:
            return None
        return self._backend.into(call.function, call.args, call.kwargs, call.outputs[0].value)

    def _into_name(self, call: Call, found: Any) -> str:
        name = getattr(found.function, "__name__", call.name)
        return self._bound(f"{call.name}_reduce" if name == "reduce" else name, found.function)

    def _write_in_place(self, call: Call, i: int) -> None:
        target, out = call.args[0], call.outputs[0]
        if call in self._memory.in_place and self._memory.root[target] not in self._memory.free:
            self._commit()
        if self._write_into(call, i):
            return
        if call in self._memory.in_place:
            name = self._named(target)
        else:
            name = self._new_name("r")
            self._line(f"{name} = copy({self._named(target)})", out)
        self._names[out] = name
        if call.function in _INFIX:
            self._line(f"{name} {_INFIX[call.function]} {self._shown(call.args[1])}", out)
            return
        rest = ", ".join([name, *map(self._shown, call.args[1:])])
        self._line(
            f"{'' if name in self._layouts else f'{name} = '}{self._bound(call.name, call.function)}({rest})", out
        )

    # Buffers

    def _write_into(self, call: Call, i: int) -> bool:
        """Write a call that computes into a buffer or in place, if the library has one; return whether it did."""
        out, found = call.outputs[0], self._into(call)
        if found is None or (call.kind == WRITE and call not in self._memory.in_place):
            return False
        if call.kind == WRITE:
            place = self._named(call.args[0])
        elif self._memory.last[self._memory.root[out]] == len(self._program.calls):
            return False  # it is a result: no buffer may hold it
        else:
            place = self._buffer_for(call, i, found.elementwise)
        operand: Callable[[Any], str] = (lambda x: self._operand(x, found.args)) if found.elementwise else self._shown
        operands = [place if x is OUT else operand(x) for x in found.args]
        self._names[out] = place
        self._line(f"{self._into_name(call, found)}({', '.join(operands)})", out)
        return True

    def _operand(self, x: Any, args: Sequence[Any]) -> str:
        """Return an operand; a number beside an array of floats as an array without axes, which is faster."""
        arrays = [y for y in args if type(y) is Variable and not y.is_number]
        is_number = type(x) in (int, float) or (type(x) is Variable and x.is_number)
        dtype = arrays[0].value.dtype
        if not is_number or getattr(dtype, "kind", "") != "f":
            return self._shown(x)
        key = (x if type(x) is Variable else (type(x), repr(x)), dtype)
        if key not in self._scalars:
            number = x.value if type(x) is Variable else x
            array = self._backend.xp.asarray(number, dtype=dtype, device=self._native)
            self._scalars[key] = self._bound("z0" if type(x) is Variable else "c0", array)
            if type(x) is Variable:
                self._line(f"{self._scalars[key]}[...] = {self._named(x)}")
        return self._scalars[key]

    def _buffer_for(self, call: Call, i: int, elementwise: bool) -> str:
        """Return the name of a buffer for a result: that of an operand that is not needed again, or an idle one."""
        out = call.outputs[0]
        layout = _layout(out.value)
        name = self._operand_buffer(call, i, layout) if elementwise else None
        idle = self._idle.setdefault(layout, [])
        if name is None and idle:
            name = idle.pop()
        if name is None:
            name = self._new_name("t")
            self._layouts[name], self._globals[name] = layout, self._backend.empty_as(out.value)
        self._buffers[self._memory.root[out]] = name
        return name

    def _operand_buffer(self, call: Call, i: int, layout: Any) -> str | None:
        """Return the buffer of an operand that dies at a call, which then writes over it."""
        roots = {x: self._memory.root[x] for x in call.inputs() if not x.is_number}
        for x, root in roots.items():
            alone = not any(other is root for y, other in roots.items() if y is not x)
            whole = root in self._buffers and self._names[x] == self._buffers[root]
            if alone and whole and self._memory.dies_at(x, i) and _layout(x.value) == layout:
                return self._buffers.pop(root)
        return None

    def _release(self, i: int) -> None:
        """Give the buffers back whose memory is not used after a call."""
        for root, name in list(self._buffers.items()):
            if self._memory.last[root] <= i:
                del self._buffers[root]
                self._idle.setdefault(self._layouts[name], []).append(name)

    # The end

    def _finish(self) -> None:
        """Write the final values into the state, and return the rest."""
        program, starts = self._program, {start for start, _ in self._program.state}
        taken = starts | set(program.inputs) | program.constants.keys()
        results = [self._result(x, taken) for x in (*program.outputs, *program.grads)]
        results += [self._named(end) for start, end in program.numbers if end is not start]
        changed = [(start, end) for start, end in program.state if end is not start]
        others = [(start, end) for start, end in changed if self._names.get(end) != self._names[start]]
        # Where a final value is in the memory of another part of the state, it is copied before that is written.
        values = [self._copied(end) if self._memory.root[end] in starts else self._shown(end) for _, end in others]
        self._commit()
        for (start, _), value in zip(others, values, strict=True):
            name = self._names[start]
            self._line(f"{name} = {self._bound('fill', self._backend.fill)}({name}, {value})")
        results += [self._names[start] for start, _ in changed]
        self._line(f"return ({', '.join(results)}{',' if len(results) == 1 else ''})")

    def _commit(self) -> None:
        """Note that from here on the state is written."""
        self._committed = len(self._lines) if self._committed is None else self._committed

    def _result(self, x: Variable, taken: set[Variable]) -> str:
        """Return a result, copied where its memory is also somebody else's."""
        if x.is_number:
            return self._named(x)
        root = self._memory.root[x]
        if root in taken:
            return self._copied(x)
        taken.add(root)
        return self._named(x)

    def _copied(self, x: Variable) -> str:
        name = self._new_name("r")
        self._line(f"{name} = copy({self._named(x)})", x)
        return name

    def _text(self, title: str) -> str:
        parameters = ", ".join(self._names[x] for x in self.takes)
        lines = [f"def {identifier(title)}({parameters}):"]
        arrays = [x for x in self.takes if not x.is_number]
        lines += [f"    # {self._names[x]}: {' '.join(described(x.value))}" for x in arrays]
        self.committed = len(lines) + 1 + (self._committed or 0)
        lines += [f"    {text.ljust(_WIDTH)}  # {about}" if about else f"    {text}" for text, about in self._lines]
        return "\n".join(lines) + "\n"

    def _made(self, title: str) -> Callable[..., Any]:
        file = f"<agrad program {next(_files)}>"
        known = {**self._globals, "__name__": "agrad.program"}
        exec(compile(self.text, file, "exec"), known)
        linecache.cache[file] = len(self.text), None, self.text.splitlines(keepends=True), file
        made: Callable[..., Any] = known.pop(identifier(title))  # so that it does not refer to itself
        finalize(made, linecache.cache.pop, file, None)
        self._code = made.__code__
        return self._backend.quiet()(made)

    def failed(self, error: Exception) -> None:
        """Raise RuntimeError if an error came when a part of the state was written already."""
        at = error.__traceback__
        while at is not None and at.tb_frame.f_code is not self._code:
            at = at.tb_next
        if at is not None and at.tb_lineno > self.committed:
            raise RuntimeError(
                "a program of agrad.compile failed while it wrote the state, which is now mixed"
            ) from error


def _layout(array: Any) -> Any:
    """Return what is equal for arrays of one shape, dtype and order of axes in memory."""
    return tuple(array.shape), str(array.dtype), getattr(array, "strides", None)


def _name_of(x: Any) -> str:
    """Return a name for a dtype, a function or another constant."""
    name = getattr(x, "__name__", None) or getattr(x, "name", None) or str(x).rpartition(".")[2]
    return name if isinstance(name, str) and name.isidentifier() else type(x).__name__.lower()
