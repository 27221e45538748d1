"""Shared by the loops: compiling them, and dividing their work among threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numba
import numpy as np

from ..sliding_windows import Lengths, Windows

__all__ = ["share", "steps", "suits", "two"]

PART = 1 << 20  # bytes of a part of the work, most of which stays in a core's L2 cache
FEW = 32  # output channels up to which copying windows costs more than large matrix products save
LANES = 16  # samples that fill a core's vector registers: larger parts are multiples
STREAMS = 8  # samples that the L1 cache holds if they are a multiple of 4096 bytes apart
_CORES = numba.config.NUMBA_NUM_THREADS  # the number of cores, or the environment variable of that name
_njit = partial(numba.njit, cache=True, nogil=True, error_model="numpy")
# Fused multiply-adds are allowed everywhere, another order of sums only in functions marked `summing`.
compiled: Callable[..., Any] = _njit(fastmath={"contract"})
summing: Callable[..., Any] = _njit(fastmath={"contract", "reassoc"})


def suits(windows: Windows, *arrays: Any, outputs: int = 0) -> bool:
    """Return whether the loops support these arrays, and are faster for them.

    They support float32 and float64 in the machine's own byte order, of one dtype. A convolution with many outputs (of
    a group) or with strides is left to large matrix products.
    """
    dtype = arrays[0].dtype
    quick = not outputs or (outputs <= FEW and windows.stride[-1] == 1)
    alike = dtype in (np.float32, np.float64) and all(x.dtype == dtype for x in arrays)
    return quick and alike and len(windows.kernel) <= 2


def share(work: Callable[[slice], Any], count: int, size: int) -> list[Any]:
    """Do the work on `count` samples in parts, the same number on each core; return the results of the parts."""
    rounds = -(-count * size // (PART * _CORES))
    step = -(-count // (rounds * _CORES)) if count * size > PART else count
    step = -(-step // LANES) * LANES if step > LANES else max(1, step)
    parts = [slice(start, start + step) for start in range(0, count, step)]
    mine, *shares = [parts[i::_CORES] for i in range(min(_CORES, len(parts)))] or [[]]
    try:
        others = [_threads().submit(_each, work, theirs) for theirs in shares]
    except RuntimeError:  # at shutdown, Python starts no new threads
        return _each(work, parts)
    return sum((other.result() for other in others), _each(work, mine))


def _each(work: Callable[[slice], Any], parts: list[slice]) -> list[Any]:
    return [work(part) for part in parts]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CORES, "agrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process has the pool, but none of its threads


# One axis is treated as two, the first of length 1.


def two(values: Any, missing: Any) -> Any:
    """Return a value for each of two axes, with `missing` for the first if only one is given."""
    return (missing, *values) if len(values) == 1 else tuple(values)


def steps(windows: Windows) -> tuple[Lengths, Lengths, Lengths]:
    """Return the padding before, the stride and the dilation, for two axes each."""
    return two([before for before, _ in windows.padding], 0), two(windows.stride, 1), two(windows.dilation, 1)
