"""The namespace of traced arrays: the functions of the namespace below, with their calls recorded."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from ...backends import UnknownValueError
from ...backends.typing import Namespace
from .recording import PURE, Trace, replace_nested

__all__ = ["TracedNamespace"]

# Functions whose results have shapes that depend on values.
_UNSHAPED: Final = frozenset({"nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values"})


class TracedNamespace(ModuleType):
    """A namespace whose functions are made at their first use.

    Parameters
    ----------
    below : module
        The namespace below.
    array_type : type
        The class of the traced arrays.
    prefix : str
        The prefix of the recorded names of its functions: "linalg_" for an extension.
    """

    def __init__(self, below: Namespace, array_type: Any, prefix: str = "") -> None:
        super().__init__(f"{below.__name__}:traced")
        self._below, self._prefix, self._array_type = below, prefix, array_type

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._below, name)
        if isinstance(found, ModuleType):
            found = TracedNamespace(found, self._array_type, f"{name}_")
        elif callable(found) and not isinstance(found, type) and not name.startswith("__"):
            found = self._recording(f"{self._prefix}{name}", found)
        setattr(self, name, found)
        return found

    def _recording(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        array_type = self._array_type

        def recorded(*args: Any, **kwargs: Any) -> Any:
            trace = _trace_in((args, kwargs), array_type)
            if trace is None:
                return function(*args, **kwargs)
            if name in _UNSHAPED or (name == "repeat" and type(args[1]) is array_type):
                raise UnknownValueError(
                    f"{name} returns a shape that depends on values, which are not known when a function is recorded "
                    "for agrad.compile; call it before, and give the function its result"
                )
            return trace.run(PURE, name, function, *args, **kwargs)

        return recorded


def _trace_in(tree: Any, array_type: Any) -> Trace | None:
    """Return the trace of the first traced array or device among the arguments; None if there is none."""
    found: list[Trace] = []

    def note(x: Any) -> None:
        if type(x) is array_type:
            found.append(x.trace)
        elif type(x) is Trace:
            found.append(x)

    replace_nested(tree, note)
    return found[0] if found else None
