"""Views that are made once: views of buffers with the program, views of the state when its arrays are replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

from ..backends.base import Backend
from ..virtual.traced.recording import Call, Variable, replace_nested
from .expressions import expression
from .memory import VIEWS
from .names import Names

__all__ = ["Views", "is_view"]


class Views:
    """The views that exist before a program is called.

    Parameters
    ----------
    backend : Backend
    names : Names
    held : sequence of Variable
        The parts of the state whose arrays stay the same from call to call.

    Attributes
    ----------
    of_state : dict of str to (Variable, callable)
        The views of the state by their names: the part of the state, and the function that makes the view of its array.
    """

    def __init__(self, backend: Backend, names: Names, held: Sequence[Variable]) -> None:
        self._backend, self._names, self._held = backend, names, frozenset(held)
        self._made: dict[str, str] = {}  # names by texts
        self.of_state: dict[str, tuple[Variable, Callable[[Any], Any]]] = {}

    @property
    def texts(self) -> dict[str, str]:
        """The expressions of the views, by their names."""
        return {name: text for text, name in self._made.items()}

    def of_buffer(self, call: Call) -> None:
        """Make the view of a buffer that a call returns."""
        buffer, text = call.args[0], expression(call, self._names)
        given = replace_nested(call.args, lambda x: self._names.known[self._names[x]] if x is buffer else x)
        if text not in self._made:
            self._made[text] = self._names.bound("v0", call.function(*given, **call.kwargs))
        self._names.of[call.outputs[0]] = self._made[text]

    def is_of_state(self, call: Call) -> bool:
        """Return whether a call returns a view of a part of the state."""
        return is_view(call) and call.args[0] in self._held

    def of_part(self, call: Call) -> None:
        """Add the view of a part of the state that a call returns."""
        start, *args = call.args
        make = lambda array: call.function(array, *args, **call.kwargs)
        self._names.of[call.outputs[0]] = self._of_part(expression(call, self._names), start, make)

    def element(self, x: Variable, beside: Sequence[Any]) -> str | None:
        """Return the name of a 0-d view of a part of the state that has a single element.

        NumPy takes 0.3 µs with it instead of 0.7. None unless an operand beside it is larger, with as many axes.
        """
        if x not in self._held or prod(x.value.shape) != 1:
            return None
        if not any(prod(y.shape) > 1 and len(y.shape) >= len(x.value.shape) for y in beside):
            return None
        return self._of_part(f"reshape({self._names[x]}, ())", x, partial(self._backend.xp.reshape, shape=()))

    def _of_part(self, text: str, start: Variable, make: Callable[[Any], Any]) -> str:
        if text not in self._made:
            self._made[text] = name = self._names.unused("v0")
            self.of_state[name] = start, make
        return self._made[text]


def is_view(call: Call) -> bool:
    """Return whether a call returns a view of its first argument, and takes no other array or number."""
    view = call.name in VIEWS and len(call.outputs) == 1 and call.outputs[0].view_of is not None
    return view and call.inputs() == [call.args[0]]
