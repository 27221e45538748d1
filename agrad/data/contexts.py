"""The contexts in which batches are made: with random numbers of their own, whichever thread makes them, and when."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final

from ..random.generators import Generators, Seed, current

__all__ = ["END", "BatchGenerators", "batch_here", "context_of", "steps"]

END: Final = object()


class BatchGenerators(Generators):
    """The generators of a batch, and what seeded transforms go by where threads share them.

    Parameters
    ----------
    seed : int or tuple
    numbers : tuple of int
        The epoch of the loader, and the number of the batch in it.
    """

    def __init__(self, seed: Seed, numbers: tuple[int, ...]) -> None:
        super().__init__(seed)
        self.numbers = numbers
        self._turns: dict[int, int] = {}

    def turn(self, transform: Any) -> tuple[int, ...]:
        """Return a round for the next draws of a transform, which neither it nor another batch has had."""
        turn = self._turns[id(transform)] = self._turns.get(id(transform), -1) + 1
        return (*self.numbers, turn)


def batch_here() -> BatchGenerators | None:
    """Return the generators of the batch that is being made in the running context, if one is."""
    generators = current.get()
    return generators if isinstance(generators, BatchGenerators) else None


def context_of(generators: Generators) -> Context:
    """Return a copy of the running context that draws from other generators."""
    context = copy_context()
    context.run(current.set, generators)
    return context


def steps(context: Context, items: Generator[Any]) -> Iterator[Callable[[], Any]]:
    """Yield functions without end: each returns the next item, or `END`.

    The whole generator runs in one context. What it enters, ``with agrad.no_grad():`` for instance, holds between two
    items too, and never outside of it.
    """
    try:
        while True:
            yield partial(context.run, next, items, END)
    finally:
        context.run(items.close)
