"""Trace: the calls of an array library's functions, recorded as they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ...backends import UnknownValueError
from ..base import Level
from ..lines import running_line

__all__ = [
    "CHECK", "DRAW", "EXCHANGE", "NUMBER", "PURE", "WRITE", "Call", "Freed", "Memory", "Trace", "Variable", "described",
    "replace_nested",
]  # fmt: skip

# The kinds of calls.
PURE: Final = "pure"  # returns new arrays or views, and changes nothing
WRITE: Final = "write"  # changes the memory of its first argument, and returns it; or that of several arguments
DRAW: Final = "draw"  # draws random numbers
EXCHANGE: Final = "exchange"  # returns a result of a collective, which the other processes must call too
CHECK: Final = "check"  # checks whether values are in a range; the other answer needs another program
NUMBER: Final = "number"  # computes with numbers on the host


class Variable:
    """A value of the program: an input, a part of the state, or what a call returned.

    Attributes
    ----------
    value : array or number
        Its value while the program was recorded.
    name : str or None
        The name of an input or a part of the state.
    view_of : Variable or None
        The variable whose memory it shares.
    is_number : bool
        Whether it is a number on the host.
    """

    __slots__ = ("is_number", "name", "value", "view_of")

    def __init__(self, value: Any, name: str | None = None, view_of: Variable | None = None, number: bool = False):
        self.value, self.name, self.view_of, self.is_number = value, name, view_of, number

    def free(self) -> None:
        """Free the array, of which only the shape and the dtype remain."""
        if not self.is_number and hasattr(self.value, "shape"):
            self.value, self.view_of = Freed(self.value.shape, self.value.dtype), None


class Freed:
    """What remains of an array that a finished program no longer needs."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Any, dtype: Any) -> None:
        self.shape, self.dtype = tuple(shape), dtype


class Call:
    """One call of a function.

    Attributes
    ----------
    kind : str
        PURE, WRITE, DRAW, EXCHANGE, CHECK or NUMBER.
    name : str
        The name of the function: in the namespace, of the backend's method, or a word for an operator.
    function : callable
    args, kwargs
        The arguments, with Variables in place of arrays and traced numbers.
    outputs : list of Variable
    several : bool
        Whether the function returns a tuple or list of `outputs`, and not one array.
    line : str
        The line of the user's code that led to it.
    targets : list of Variable
        The arguments that a WRITE changes; its outputs are these afterwards.
    """

    __slots__ = ("args", "function", "kind", "kwargs", "line", "name", "outputs", "several", "targets")

    def __init__(self, kind: str, name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.kind, self.name, self.function, self.args, self.kwargs = kind, name, function, args, kwargs
        self.outputs: list[Variable] = []
        self.several, self.line = False, running_line()
        self.targets: list[Variable] = [args[0]] if kind == WRITE else []

    def inputs(self) -> list[Variable]:
        """Return the Variables among the arguments."""
        found: list[Variable] = []
        replace_nested((*self.args, *self.kwargs.values()), lambda x: found.append(x) if type(x) is Variable else None)
        return found


class Memory:
    """The memory that traced arrays share with their views; its version counts the writes to it."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0


class Trace(Level):
    """The native device of traced arrays: one recording.

    Attributes
    ----------
    calls : list of Call
        The calls of array functions, in order.
    numbers : list of Call
        The calls that compute numbers; they take no arrays, and so can all run first.
    guards : list of (Variable, bool)
        Numbers that the recorded code branched on, with their truth values.
    device : object
        The device of the traced arrays.
    generator : object
        The random generator of the device.
    read_values : bool
        Whether values were read for an error message.
    refused : UnknownValueError or None
        The error of the last attempt to read values, which fails the recording also if the function catches it.
    optimizers : list
        The optimizers of the state: no other may take a step.
    """

    __slots__ = (
        "_memories", "calls", "device", "generator", "guards", "numbers", "optimizers", "read_values", "refused",
    )  # fmt: skip

    def __init__(self, library: Any, backend: Any, xp: Any, native: Any, generator: Any) -> None:
        super().__init__(library, backend, xp, native)
        self.optimizers: list[Any] = []
        self.device: Any = None
        self.calls: list[Call] = []
        self.numbers: list[Call] = []
        self.guards: list[tuple[Variable, bool]] = []
        self.generator, self.read_values = generator, False
        self.refused: UnknownValueError | None = None
        self._memories: dict[int, Memory] = {}  # of the inputs, by the numbers of their memory

    def input(self, value: Any, name: str) -> Any:
        """Return an array from outside as a traced array. Arrays that share a buffer share a `Memory`."""
        memory = Memory()
        if not self.backend.immutable:
            memory = self._memories.setdefault(self.backend.buffer_of(value), memory)
        return self.library.array_type(value, Variable(value, name), memory, self)

    def run(self, kind: str, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function on the arrays behind traced ones, write the call down, and return traced arrays."""
        self._check_open(name)
        call = Call(kind, name, function, self._variables(args), self._variables(kwargs))
        given = self._values(args)
        if kind == WRITE:
            given = (self.backend.copy(given[0]), *given[1:])
        result = function(*given, **self._values(kwargs))
        return self._recorded(call, result, args)

    def write_many(self, name: str, function: Callable[..., Any], targets: Sequence[Any], *args: Any) -> list[Any]:
        """Call a function that changes several arrays among its arguments; return the new traced arrays for these."""
        self._check_open(name)
        call = Call(WRITE, name, function, self._variables(args), {})
        call.several, call.targets = True, [x.variable for x in targets]
        copies = {id(x): self.backend.copy(x.checked()) for x in targets}
        function(*replace_nested(args, lambda x: copies[id(x)] if id(x) in copies else self._value(x)))
        self.calls.append(call)
        return [self._wrapped(call, copies[id(x)], (x,)) for x in targets]

    def close(self) -> None:
        """Refuse further calls, and forget the recorded ones, whose arrays it would keep alive."""
        self.open, self.refused = False, None
        self.calls, self.numbers, self.guards, self._memories = [], [], [], {}

    def _check_open(self, name: str) -> None:
        if not self.open:
            raise UnknownValueError(
                f"{name} got a Tensor kept from a function under agrad.compile after the call had ended; return it "
                "from the function"
            )

    def draw(self, name: str, function: Callable[..., Any], generator: Any, *args: Any) -> Any:
        """Draw random numbers, and record the call."""
        if generator is not self.generator:
            raise UnknownValueError(
                "the function made a new random generator, by manual_seed, fork_rng or checkpoint, and drew from it, "
                "which agrad.compile cannot repeat; seed before the call"
            )
        return self.run(DRAW, name, function, generator, *args)

    def _recorded(self, call: Call, result: Any, args: Any) -> Any:
        """Wrap what a call returned; record the call if it returned arrays."""
        call.several = isinstance(result, (tuple, list))
        listed = list(result) if call.several else [result]
        if not all(map(self.backend.is_array, listed)):
            return result
        arrays = [self._wrapped(call, self.backend.box(x), args) for x in listed]
        self.calls.append(call)
        if not call.several:
            return arrays[0]
        return type(result)(*arrays) if hasattr(result, "_fields") else type(result)(arrays)

    def _wrapped(self, call: Call, value: Any, args: Any) -> Any:
        writes = call.kind == WRITE and not self.backend.immutable
        like = args[0] if writes else self._owner(value, args)
        variable = Variable(value, None, None if like is None else like.variable)
        call.outputs.append(variable)
        memory = Memory() if like is None else like.memory
        memory.version += writes
        return self.library.array_type(value, variable, memory, self)

    def _owner(self, value: Any, args: Any) -> Any:
        """Return the argument whose memory a result shares, if there is one."""
        arrays: list[Any] = []
        kind = self.library.array_type
        replace_nested(args, lambda x: arrays.append(x) if type(x) is kind else None)
        buffer = self.backend.buffer_of(value) if arrays else None
        return next((x for x in arrays if self.backend.buffer_of(x.value) == buffer), None)

    def _variables(self, tree: Any) -> Any:
        native: Callable[[Any], Any] = lambda x: self.native if x is self else x
        return replace_nested(tree, lambda x: x.variable if self._is_traced(x) else native(x))

    def _values(self, tree: Any) -> Any:
        return replace_nested(tree, self._value)

    def _is_traced(self, x: Any) -> bool:
        return hasattr(type(x), "variable") and hasattr(type(x), "trace")

    def _value(self, x: Any) -> Any:
        if x is self:
            return self.native
        if not self._is_traced(x):
            return x
        if x.trace is not self:
            raise UnknownValueError("a Tensor kept from an earlier call of a function under agrad.compile was used")
        return x.checked()


def replace_nested(tree: Any, replace: Callable[[Any], Any]) -> Any:
    """Return nested tuples, lists, dicts and slices with every other object in them replaced."""
    if type(tree) in (tuple, list):
        return type(tree)(replace_nested(part, replace) for part in tree)
    if type(tree) is dict:
        return {key: replace_nested(part, replace) for key, part in tree.items()}
    if type(tree) is slice:
        return slice(*[replace_nested(part, replace) for part in (tree.start, tree.stop, tree.step)])
    return replace(tree)


def described(value: Any) -> Sequence[str]:
    """Return the shape and the dtype of an array as text."""
    return str(tuple(value.shape)), getattr(value.dtype, "name", None) or str(value.dtype).rpartition(".")[2]
