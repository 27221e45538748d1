"""The end of one process: an error in it ends all, and it waits for the others where it ends well."""

from __future__ import annotations

import atexit
import io
import sys
from contextlib import redirect_stderr
from time import sleep
from types import TracebackType
from typing import Final

from ..backends.mpi import World

__all__ = ["end_together"]

_FORWARDING: Final = 1.0  # seconds in which mpiexec reads what was printed: it drops what it reads after an abort


def end_together(world: World) -> None:
    """Make an uncaught error in this process end all of them, after its traceback was printed."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        text = io.StringIO()  # written at once, since other processes may write too
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
