"""Forward mode: time and memory of a Jacobian-vector product, compared with those of the function itself."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable

import agrad
from agrad import Tensor

from .compare import Row, interleave

OPS, SIZE = 100, 100_000


def sines(x: Tensor) -> Tensor:
    """Return the sine of the sine of the sine ... of x."""
    for _ in range(OPS):
        x = agrad.sin(x)
    return x


def peak(run: Callable[[], object]) -> int:
    """Return the peak memory of a call, in bytes."""
    run()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark; the peer is the function without tangents."""
    x = agrad.full(SIZE, 0.5, device=device)
    sides: dict[str, Callable[[], object]] = {"jvp": lambda: agrad.jvp(sines, [x], [x]), "function": lambda: sines(x)}
    seconds = interleave(sides, device, rounds=15)
    work = f"jvp of {OPS} sines of {SIZE:,} numbers"
    rows = [Row(work, "the function", seconds["jvp"], seconds["function"], 3.0)]
    if device != "cpu":
        print("tangents: memory is measured on the CPU: left out", file=sys.stderr)
        return rows
    memory = {name: peak(run) for name, run in sides.items()}
    most = 2.02  # twice the memory, and a few kB for Python objects
    return [*rows, Row(f"peak memory of a {work}", "the function", memory["jvp"], memory["function"], most, "B")]
