"""Quiet: how NumPy's warnings about NaN and infinity are suppressed in a program."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..backends.base import Backend

__all__ = ["PROGRAM", "Quiet"]

PROGRAM = "agrad.program"  # the module that a program belongs to


class Quiet:
    """Two versions of a program: the plain one, and one that turns NumPy's warnings off, which takes a microsecond.

    The plain one runs if Python's warning filters ignore the warnings, as they do by default. If they turned the
    warnings into errors, it would stop halfway.

    Attributes
    ----------
    first : object
        The first warning filter, if the filters ignored the warnings when the program was made; otherwise None.
    run, quietly : callable
        The plain version, and the one without warnings.
    """

    def __init__(self, run: Callable[..., Any], backend: Backend) -> None:
        self.run, self.quietly = run, backend.without_warnings()(run)
        self.first = warnings.filters[0] if backend.warns_caller and warnings.filters and _ignored() else None


def _ignored() -> bool:
    """Return whether the warning filters ignore the warnings of a program."""
    for action, message, category, module, line in warnings.filters:
        of_programs = module is None or (not isinstance(module, str) and module.match(PROGRAM))
        if message is None and line == 0 and issubclass(RuntimeWarning, category) and of_programs:
            return action == "ignore"
    return False
