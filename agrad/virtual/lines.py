"""Lines of the user's code: the one that is running, and the one that an error comes from."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

__all__ = ["line_of", "running_line", "stack_level"]

_OURS: Final = (str(Path(__file__).parents[1]) + os.sep, "<agrad ")


def line_of(error: Exception) -> str:
    """Return the innermost line of an error's traceback that is not in agrad; empty if there is none."""
    frames = [x for x in extract_tb(error.__traceback__) if not x.filename.startswith(_OURS)]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def running_line() -> str:
    """Return the text of the innermost running line that is not in agrad; empty if its file is unknown."""
    frame = _running_frame()[0]
    return "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


def stack_level() -> int:
    """Return the `stacklevel` by which a warning of the caller's names the innermost line that is not in agrad."""
    return _running_frame()[1] - 1


def _running_frame() -> tuple[Any, int]:
    """Return the innermost frame that is not in agrad, or None, and how many frames lie below it."""
    frame: Any = sys._getframe(1)
    depth = 1
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame, depth = frame.f_back, depth + 1
    return frame, depth
