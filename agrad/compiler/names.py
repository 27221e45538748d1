"""Names of variables and other objects in a program's source."""

from __future__ import annotations

import keyword
from itertools import count
from typing import Any

from ..virtual.traced.recording import Variable
from .state import identifier

__all__ = ["Names"]


class Names:
    """The names in a program's source.

    Attributes
    ----------
    of : dict of Variable to str
    known : dict of str to object
        The objects that the source refers to by name: functions, buffers, constants.
    """

    def __init__(self, constants: dict[Variable, Any], **known: Any) -> None:
        self.of: dict[Variable, str] = {}
        self.known: dict[str, Any] = dict(known)
        self._constants = constants
        self._taken = {*known, *keyword.kwlist, "numbers", "slice"}
        self._by_value: dict[Any, str] = {}

    def unused(self, word: str) -> str:
        """Return a name that is not in use: `word`, or `word` with another number at its end."""
        if word in self._taken:
            stem = word.rstrip("0123456789")
            word = next(name for name in (f"{stem}{i}" for i in count(1)) if name not in self._taken)
        self._taken.add(word)
        return word

    def name(self, x: Variable, word: str) -> str:
        """Give a variable a new name like `word`, and return it."""
        self.of[x] = found = self.unused(word)
        return found

    def bound(self, word: str, value: Any) -> str:
        """Return the name of an object; if it has none yet, a new one like `word`."""
        method = getattr(value, "__func__", None)  # a bound method is a new object each time
        key = id(value) if method is None else (id(value.__self__), method)
        if key not in self._by_value:
            found = self._by_value[key] = self.unused(identifier(word))
            self.known[found] = value
        return self._by_value[key]

    def __getitem__(self, x: Variable) -> str:
        """Return the name of a variable. A constant gets its name at the first call."""
        if x not in self.of and x in self._constants:
            self.of[x] = self.bound(x.name or "c0", x.value)
        return self.of[x]
