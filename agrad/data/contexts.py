"""The contexts in which batches are made: each has its own random generators, whatever thread runs it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final

from ..random.generators import Generators, Seed, current

__all__ = ["END", "BatchGenerators", "batch_here", "context_of", "steps"]

END: Final = object()


class BatchGenerators(Generators):
    """The random generators of a batch, with the batch's number, from which seeded transforms derive their draws.

    Parameters
    ----------
    seed : int or tuple
        The seed of the generators.
    numbers : tuple of int
        The epoch of the loader, and the number of the batch in the epoch.
    """

    def __init__(self, seed: Seed, numbers: tuple[int, ...]) -> None:
        super().__init__(seed)
        self.numbers = numbers
        self._turns: dict[int, int] = {}

    def turn(self, transform: Any) -> tuple[int, ...]:
        """Return a key for the next draws of a transform, unique to this batch and call."""
        turn = self._turns[id(transform)] = self._turns.get(id(transform), -1) + 1
        return (*self.numbers, turn)


def batch_here() -> BatchGenerators | None:
    """Return the generators of the batch being made in the current context; None if none is being made."""
    generators = current.get()
    return generators if isinstance(generators, BatchGenerators) else None


def context_of(generators: Generators) -> Context:
    """Return a copy of the current context that draws from the given generators."""
    context = copy_context()
    context.run(current.set, generators)
    return context


def steps(context: Context, items: Generator[Any]) -> Iterator[Callable[[], Any]]:
    """Yield functions, endlessly: each returns the next item, or `END` when there is none.

    The whole generator runs in one context, so that a ``with agrad.no_grad():`` in it stays in effect between two
    items and never affects the caller.
    """
    try:
        while True:
            yield partial(context.run, next, items, END)
    finally:
        context.run(items.close)
