"""Draws: the random numbers of a captured program, each draw a function of a seed and a counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backends.base import Backend, Capturer

__all__ = ["Draws"]


class Draws:
    """The generator of a captured program: draws read their seed and counter from 0-d arrays.

    Attributes
    ----------
    stands_in : bool
        Whether the program draws from this object, and not from the real generator.
    """

    def __init__(self, count: int, generator: Callable[[], Any], capturer: Capturer, backend: Backend) -> None:
        self._generator, self._backend = generator, backend
        self._places = [[capturer.scalar(backend.xp.uint64) for _ in range(2)] for _ in range(count)]
        self._next = iter(self._places)
        self._before: Any = None
        self.stands_in = True

    def generator(self) -> Any:
        """Return the generator that the program draws from: this object or the real one."""
        return self if self.stands_in else self._generator()

    def draw(self) -> tuple[Any, Any]:
        """Return the seed and the counter of a draw."""
        (seed, _), (number, _) = next(self._next)
        return seed, number

    def prepare(self) -> None:
        """Advance the real generator, and set the seeds and counters of the next call."""
        if self._places:
            generator = self._generator()
            self._before = self._backend.get_state(generator)
            self._next = iter(self._places)
            for places in self._places:
                for (_, write), value in zip(places, generator.draw(), strict=True):
                    write(value)

    def undo(self) -> None:
        """Reset the real generator to its state before the last `prepare`."""
        if self._places:
            self._backend.set_state(self._generator(), self._before)
