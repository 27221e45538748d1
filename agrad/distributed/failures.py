"""The end of one process: an error in it ends all, and it waits for the others where it ends well."""

from __future__ import annotations

import atexit
import sys
from types import TracebackType

from ..backends.mpi import World

__all__ = ["end_together"]


def end_together(world: World) -> None:
    """Make an uncaught error in this process end all of them, after its traceback was printed."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        print(f"rank {world.rank} of {world.size} ends all:", file=sys.stderr)
        before(kind, error, traceback)
        _abort(world, 130 if issubclass(kind, KeyboardInterrupt) else 1)

    def at_exit() -> None:
        try:
            world.end()
        except (RuntimeError, KeyboardInterrupt) as error:
            hook(type(error), error, error.__traceback__)

    sys.excepthook = hook
    atexit.register(at_exit)


def _abort(world: World, status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    world.abort(status)
