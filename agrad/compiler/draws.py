"""Draws: the random numbers of a program that is captured, each of them a function of a seed and a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backends.base import Backend, Capturer

__all__ = ["Draws"]


class Draws:
    """The generator of a program that is captured: draws take their seed and number from arrays without axes.

    Attributes
    ----------
    stands_in : bool
        Whether the program draws from this object, and not from the generator itself.
    """

    def __init__(self, count: int, generator: Callable[[], Any], capturer: Capturer, backend: Backend) -> None:
        self._generator, self._backend = generator, backend
        self._places = [[capturer.scalar(backend.xp.uint64) for _ in range(2)] for _ in range(count)]
        self._next = iter(self._places)
        self._before: Any = None
        self.stands_in = True

    def generator(self) -> Any:
        """Return what a program draws from."""
        return self if self.stands_in else self._generator()

    def draw(self) -> tuple[Any, Any]:
        """Return the seed and the number of a draw."""
        (seed, _), (number, _) = next(self._next)
        return seed, number

    def prepare(self) -> None:
        """Take from the generator what the draws of the next call need."""
        if self._places:
            generator = self._generator()
            self._before = self._backend.get_state(generator)
            self._next = iter(self._places)
            for places in self._places:
                for (_, write), value in zip(places, generator.draw(), strict=True):
                    write(value)

    def undo(self) -> None:
        """Give back what `prepare` took last."""
        if self._places:
            self._backend.set_state(self._generator(), self._before)
