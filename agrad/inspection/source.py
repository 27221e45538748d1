"""The line of user code that is running."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["Place", "user_place"]

_OURS = str(Path(__file__).parents[1]) + os.sep


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        return f"{self.file}, line {self.line}" + (f": {text}" if text else "")


def user_place() -> Place:
    """Return the innermost line on the stack that is not agrad's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_OURS, "<agrad ")):
        frame = frame.f_back
    return Place(frame.f_code.co_filename, frame.f_lineno)
