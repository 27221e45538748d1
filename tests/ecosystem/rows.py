"""How a consumer of arrays is written down: one row per function, with what becomes of a Tensor's gradient in it.

A row reads ``works("scipy.stats.pmean", [positive(7), 3])``: where the function is found, and what it is called with.
``refuses`` and ``detaches`` read alike. ``tests/ecosystem/test_consumers.py`` runs each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from tests.cases import Maker

# A function without array API support may fail late: where it needs NumPy or an attribute of NumPy's arrays.
REFUSAL = "|".join([
    "would lose", "object has no attribute", "Cannot interpret 'agrad.float64'", "a bytes-like object is required",
    "cannot be copied or pickled", "Multiple namespaces for array inputs",
])  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A call of another library's function.

    Attributes
    ----------
    status : str
        ``"works"``: the gradient is that of finite differences. ``"refuses"``: an error says how to detach.
        ``"constant"``: the result depends on ranks alone; its derivative is zero, and it is not tracked.
        ``"takes"``: of untracked Tensors, and with functions that return them, the result is that of NumPy's arrays.
        ``"detaches"``: a number is read out of a Tensor, with a warning; what depends on that number has no gradient.
    function : str
        Where it is found: module and name, or module, class and method.
    args : list
        Makers of arrays, and settings that are passed on as they are. Floating arrays are tracked Tensors.
    settings : dict
        Settings by keyword.
    call : callable, optional
        Calls the function where it wants its arguments in another way; it makes its arrays with the namespace of one
        that it is given, for it is called with NumPy's as well.
    note : str
        Tells rows of one function apart: which argument it is, or which of its ways.
    tolerance : float
        Of the gradient, relative and absolute.
    strict : bool
        Whether the library keeps to the standard there, so that array-api-strict follows.
    error : str
        What the error of a refusal says, if the library refuses before agrad has to.
    expected : optional
        The result, where it is known.
    """

    status: str
    function: str
    args: list[Any]
    settings: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None
    note: str = ""
    tolerance: float = 1e-6
    strict: bool = True
    error: str = REFUSAL
    expected: Any = None

    @property
    def library(self) -> str:
        return self.function.partition(".")[0]

    @property
    def told(self) -> tuple[str, str, str]:
        """What is counted: opt_einsum has one function for all expressions."""
        return self.library, self.status, str(self) if self.library == "opt_einsum" else self.function

    def run(self, args: list[Any]) -> Any:
        """Call the function with arguments that were made."""
        function = find(self.function)
        return self.call(function, *args, **self.settings) if self.call else function(*args, **self.settings)

    def __str__(self) -> str:
        return f"{self.function} ({self.note})" if self.note else self.function


def find(path: str) -> Any:
    """Return what is found by a path of attributes and of modules, which are imported where they have to be."""
    passed, *names = path.split(".")
    found = import_module(passed)
    for name in names:
        passed = f"{passed}.{name}"
        found = getattr(found, name) if hasattr(found, name) else import_module(passed)
    return found


def _row(status: str, function: str, args: list[Any], note: str = "", **settings: Any) -> Row:
    own = {
        name: settings.pop(name) for name in ("call", "tolerance", "strict", "error", "expected") if name in settings
    }
    return Row(status, function, args, settings, note=note, **own)


works = partial(_row, "works")
refuses = partial(_row, "refuses")
constant = partial(_row, "constant")
detaches = partial(_row, "detaches")
takes = partial(_row, "takes")


def each_of(status: Callable[..., Row], module: str, names: str, args: list[Any], **settings: Any) -> list[Row]:
    """Return a row for each function of a module."""
    return [status(f"{module}.{name}", args, **settings) for name in names.split()]


def fixed(maker: Maker) -> Callable[..., Any]:
    """Make an array that is not tracked."""
    make: Any = lambda random: maker(random)
    make.fixed = True
    return make
