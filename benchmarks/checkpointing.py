"""Memory of a chain of blocks, forward and backward: without checkpoints, in segments, and in nested halves."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from math import isqrt

import agrad
from agrad import Tensor

from .compare import Row, interleave

BLOCKS, SIZE = 1024, 16_384


def whole(x: Tensor, blocks: int) -> Tensor:
    """Run a chain of blocks, each of which saves its input."""
    for _ in range(blocks):
        x = agrad.sin(x)
    return x


def in_segments(x: Tensor, blocks: int) -> Tensor:
    """Run √n checkpointed segments of √n blocks, each of which saves only its input."""
    length = isqrt(blocks)
    segment = agrad.checkpoint(lambda x: whole(x, length))
    for _ in range(blocks // length):
        x = segment(x)
    return x


def in_halves(x: Tensor, blocks: int) -> Tensor:
    """Run two checkpointed halves, each of which consists of two halves in turn."""
    if blocks == 1:
        return whole(x, 1)
    half = agrad.checkpoint(lambda x: in_halves(x, blocks // 2))
    return half(half(x))


def run(way: Callable[[Tensor, int], Tensor], blocks: int = BLOCKS) -> None:
    """Run a chain forward and backward."""
    x = agrad.full(SIZE, 0.5, requires_grad=True, device="cpu")
    way(x, blocks).sum().backward()


def peak(way: Callable[[Tensor, int], Tensor], blocks: int = BLOCKS) -> int:
    """Return the peak memory of a run, in bytes."""
    tracemalloc.start()
    try:
        run(way, blocks)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(device: str) -> list[Row]:
    """Return the rows of this benchmark; the peer is the chain without checkpoints."""
    if device != "cpu":
        print("checkpointing: measured on the CPU: left out", file=sys.stderr)
        return []
    most = peak(whole)
    ways = {"√n segments": (in_segments, 0.08), "nested halves": (in_halves, 0.025)}
    rows = [
        Row(f"peak memory of {BLOCKS:,} blocks in {name}", "no checkpoints", peak(way), most, goal, "B")
        for name, (way, goal) in ways.items()
    ]
    seconds = interleave({"whole": lambda: run(whole)} | {name: _runner(way) for name, (way, _) in ways.items()})
    return rows + [
        Row(f"{BLOCKS:,} blocks in {name}, forward + backward", "no checkpoints", seconds[name], seconds["whole"])
        for name in ways
    ]


def _runner(way: Callable[[Tensor, int], Tensor]) -> Callable[[], None]:
    return lambda: run(way)
