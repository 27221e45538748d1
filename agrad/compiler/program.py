"""Program: a recorded function as a list of calls, and the passes that shorten it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..virtual.traced.recording import CHECK, DRAW, EXCHANGE, NUMBER, PURE, Call, Variable, replace_nested

__all__ = ["Program", "shortened"]

# They return uninitialized arrays.
_UNSET: Final = frozenset({"empty", "empty_like"})
# Two calls of these are not known to return the same.
_UNLIKE: Final = _UNSET | {"constant"}
# They return what depends on the shape and the dtype of their argument only.
_SHAPED: Final = frozenset({"ones_like", "zeros_like"})


class Program:
    """The calls of a recorded function, in order.

    Attributes
    ----------
    inputs : list of Variable
        The arrays among the arguments.
    state : list of (Variable, Variable)
        Each array of the state, at the start and at the end.
    grads : list of Variable
        The new gradients of Tensors of the state.
    outputs : list of Variable
        The arrays and numbers that the function returns.
    numbers : list of (Variable, Variable)
        Each number of the state, at the start and at the end.
    calls : list of Call
        The calls that compute numbers come first.
    guards : list of (Variable, bool)
        Numbers that the function branched on, each with the truth value for which the program is valid.
    constants : dict of Variable to array
        The arrays that depend on no input.
    """

    def __init__(
        self,
        inputs: list[Variable],
        state: list[tuple[Variable, Variable]],
        grads: list[Variable],
        outputs: list[Variable],
        numbers: list[tuple[Variable, Variable]],
        calls: list[Call],
        guards: list[tuple[Variable, bool]],
    ) -> None:
        self.inputs, self.state, self.grads, self.outputs = inputs, state, grads, outputs
        self.numbers, self.calls, self.guards = numbers, calls, guards
        self.constants: dict[Variable, Any] = {}

    def checks_of_inputs(self) -> list[tuple[int, Call]]:
        """Remove the checks of inputs, which can run before everything else; return them with the inputs' indices."""
        places = {x: i for i, x in enumerate(self.inputs)}
        found = [call for call in self.calls if call.kind == CHECK and call.args[0] in places]
        self.calls = [call for call in self.calls if call not in found]
        return [(places[call.args[0]], call) for call in found]

    def results(self) -> list[Variable]:
        """Return the variables that are needed at the end."""
        finals = [end for start, end in (*self.state, *self.numbers) if end is not start]
        return [*self.outputs, *self.grads, *finals, *(variable for variable, _ in self.guards)]

    def replace(self, new: dict[Variable, Variable]) -> None:
        """Replace variables in the results."""
        self.outputs = [new.get(x, x) for x in self.outputs]
        self.grads = [new.get(x, x) for x in self.grads]
        self.state = [(start, new.get(end, end)) for start, end in self.state]
        self.numbers = [(start, new.get(end, end)) for start, end in self.numbers]
        self.guards = [(new.get(x, x), answer) for x, answer in self.guards]

    def free_values(self) -> None:
        """Free the arrays of the recorded call; of each, only its shape and its dtype remain."""
        used = {x for call in self.calls for x in call.inputs()} | set(self.results())
        self.constants = {x: array for x, array in self.constants.items() if x in used}
        starts = [start for start, _ in self.state]
        for x in (*self.inputs, *starts, *used, *(x for call in self.calls for x in call.outputs)):
            x.free()


def shortened(program: Program) -> Program:
    """Fold constants, compute common subexpressions once, and drop unused calls."""
    _drop_dead(program)
    _share(program)  # constants that are made alike, too
    _fold(program)
    _share(program)
    _drop_dead(program)
    return program


def _fold(program: Program) -> None:
    """Keep what depends on no input as a constant, except for arrays that are made to be written."""
    written = {x for call in program.calls for x in call.targets}
    calls = []
    for call in program.calls:
        made = not call.inputs() or call.name in _SHAPED
        known = made or all(x in program.constants for x in call.inputs())
        written_later = made and not written.isdisjoint(call.outputs) and call.name != "constant"
        if call.kind == PURE and known and not written_later and call.name not in _UNSET:
            program.constants |= {x: x.value for x in call.outputs}
        else:
            calls.append(call)
    program.calls = calls


def _share(program: Program) -> None:
    """Compute common subexpressions once."""
    new: dict[Variable, Variable] = {}
    first: dict[Any, Call] = {}
    calls = []
    for call in program.calls:
        _rename(call, new)
        key = _key(call) if call.kind in (PURE, NUMBER) and call.name not in _UNLIKE else None
        same = None if key is None else first.setdefault(key, call)
        if same is None or same is call:
            calls.append(call)
        else:
            new |= dict(zip(call.outputs, same.outputs, strict=True))
    program.calls = calls
    program.replace(new)


def _rename(call: Call, new: dict[Variable, Variable]) -> None:
    rename: Callable[[Any], Any] = lambda x: new.get(x, x) if type(x) is Variable else x
    call.args, call.kwargs = replace_nested(call.args, rename), replace_nested(call.kwargs, rename)
    call.targets = [new.get(x, x) for x in call.targets]
    for x in call.outputs:
        x.view_of = new.get(x.view_of, x.view_of) if x.view_of is not None else None


def _key(call: Call) -> Any:
    """Return a key that is equal for calls that compute the same value."""
    parts: list[Any] = []

    def note(x: Any) -> None:
        # The repr tells 0.0 from -0.0, and the type 1 from 1.0 and True.
        known = x if type(x) is Variable else (type(x), repr(x)) if type(x) in _PLAIN else id(x)
        parts.append(known)

    replace_nested((call.args, call.kwargs), note)
    return call.kind, call.name, _structure(call.args), tuple(call.kwargs), tuple(parts)


_PLAIN: Final = frozenset({bool, int, float, complex, str, type(None)})


def _structure(tree: Any) -> Any:
    """Return the nesting of tuples, lists and slices."""
    if type(tree) in (tuple, list):
        return type(tree), tuple(map(_structure, tree))
    return slice if type(tree) is slice else None


def _drop_dead(program: Program) -> None:
    """Drop calls whose results are not used; draws, exchanges and checks stay."""
    needed = set(program.results())
    calls = []
    for call in reversed(program.calls):
        if call.kind in (DRAW, EXCHANGE, CHECK) or not needed.isdisjoint(call.outputs):
            needed |= set(call.inputs())
            calls.append(call)
    program.calls = calls[::-1]
