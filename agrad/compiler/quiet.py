"""Quiet: whether Python ignores the warnings about NaN and infinity that NumPy gives in a program."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..backends.base import Backend

__all__ = ["PROGRAM", "Quiet"]

PROGRAM = "agrad.program"  # the module that a program belongs to


class Quiet:
    """Two versions of a program: it as it is, and one that turns NumPy's warnings off, which takes a microsecond.

    Where the filters of warnings ignore them anyway, as by default, the first one runs. It must not where they make
    errors of warnings: the program would stop halfway.

    Attributes
    ----------
    first : object
        The first filter, if the filters ignored the warnings when they were last looked at.
    run, quietly : callable
        The two versions.
    """

    def __init__(self, run: Callable[..., Any], backend: Backend) -> None:
        self.run, self.quietly = run, backend.without_warnings()(run)
        self.first = warnings.filters[0] if backend.warns_caller and warnings.filters and _ignored() else None


def _ignored() -> bool:
    """Return whether the first filter that a warning of a program matches ignores it."""
    for action, message, category, module, line in warnings.filters:
        of_programs = module is None or (not isinstance(module, str) and module.match(PROGRAM))
        if message is None and line == 0 and issubclass(RuntimeWarning, category) and of_programs:
            return action == "ignore"
    return False
