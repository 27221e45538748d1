"""Lines of the user's code: the one that is running, and the one that an error comes from."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from traceback import extract_tb
from typing import Final

__all__ = ["line_of", "running_line"]

_OURS: Final = (str(Path(__file__).parents[1]) + os.sep, "<agrad ")


def line_of(error: Exception) -> str:
    """Return the innermost line of an error's traceback that is not in agrad; empty if there is none."""
    frames = [x for x in extract_tb(error.__traceback__) if not x.filename.startswith(_OURS)]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def running_line() -> str:
    """Return the text of the innermost running line that is not in agrad; empty if its file is unknown."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back  # type: ignore[assignment]
    return "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
