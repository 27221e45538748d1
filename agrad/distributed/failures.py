"""The end of a process: after an error it ends all others, otherwise it waits for them."""

from __future__ import annotations

import atexit
import io
import sys
from contextlib import redirect_stderr
from time import sleep
from types import TracebackType
from typing import Final

from ..backends.endings import PeerError
from ..backends.mpi import World

__all__ = ["end_together"]

_FORWARDING: Final = 1.0  # seconds for mpiexec to read the output: after an abort it drops the rest


def end_together(world: World) -> None:
    """Make an uncaught error in this process print its traceback, then end all processes."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error.__cause__, PeerError):
            error.__cause__ = None  # the error of an op repeats its text
        text = io.StringIO()  # written in one call, since other processes may write too
        with redirect_stderr(text):
            before(kind, error, traceback)
        sys.stdout.flush()
        sys.stderr.write(f"rank {world.rank} of {world.size} ends all:\n{text.getvalue()}")
        sys.stderr.flush()
        sleep(_FORWARDING)
        world.abort(130 if issubclass(kind, KeyboardInterrupt) else 1)

    def at_exit() -> None:
        try:
            world.end()
        except (RuntimeError, KeyboardInterrupt) as error:
            hook(type(error), error, error.__traceback__)

    sys.excepthook = hook
    atexit.register(at_exit)
