"""A chain of 1,000,000 recorded ops, forward and backward: the time per op must not grow with their number.

Python's garbage collector is off, since it would run in one chain or the other at random.
"""

from __future__ import annotations

import gc

import agrad

from .compare import Row, interleave

SHORT, LONG = 250_000, 1_000_000


def chain(ops: int, device: str) -> None:
    """Run a chain of additions forward and backward."""
    a = agrad.tensor(1.0, requires_grad=True, device=device)
    x = a
    for _ in range(ops):
        x = x + 1.0
    x.backward()


def measure(device: str) -> list[Row]:
    """Return the row of this benchmark: microseconds per op, of the long chain and of a quarter of it."""
    sides = {"agrad": lambda: chain(LONG, device), "short": lambda: chain(SHORT, device)}
    gc.disable()
    try:
        seconds = interleave(sides, device, rounds=2)
    finally:
        gc.enable()
    ours, theirs = seconds["agrad"] / LONG, seconds["short"] / SHORT
    return [Row("one op in a graph of 1,000,000", "one in a graph of 250,000", ours, theirs, 1.3)]
