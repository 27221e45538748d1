"""Lines of the user's code: the one that is running, and the one that caused an error."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any, Final

__all__ = ["line_of", "running_line", "stack_level"]

_OURS: Final = (str(Path(__file__).parents[1]) + os.sep, "<agrad ")
_LIBRARIES: Final = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def line_of(error: BaseException) -> str:
    """Return the innermost line of user code in the tracebacks of an error and its causes; empty if there is none.

    Lines of agrad do not count; lines of the standard library and of installed libraries only if there are no others.
    """
    frames: list[FrameSummary] = []
    cause: BaseException | None = error
    while cause is not None:
        frames += [x for x in extract_tb(cause.__traceback__) if not x.filename.startswith(_OURS)]
        cause = cause.__cause__
    own = [x for x in frames if os.path.isabs(x.filename) and not x.filename.startswith(_LIBRARIES)]
    return "".join(f"{x.filename}, line {x.lineno}: {x.line}" for x in (own or frames)[-1:])


def running_line() -> str:
    """Return the text of the innermost running line that is not in agrad; empty if its file is unknown."""
    frame = _running_frame()[0]
    return "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()


def stack_level() -> int:
    """Return the `stacklevel` with which the caller's warning names the innermost line that is not in agrad."""
    return _running_frame()[1] - 1


def _running_frame() -> tuple[Any, int]:
    """Return the innermost frame that is not in agrad, or None, and how many frames lie below it."""
    frame: Any = sys._getframe(1)
    depth = 1
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame, depth = frame.f_back, depth + 1
    return frame, depth
