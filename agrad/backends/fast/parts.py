"""What the loops share: how they are compiled, and how their work is shared out."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numba
import numpy as np

from ..windows import Lengths, Windows

__all__ = ["share", "steps", "suits", "two"]

PART = 1 << 20  # bytes of a part of the work: it, or most of it, stays in a core's second cache
FEW = 32  # outputs up to which copying windows costs more than the large products of them save
LANES = 16  # samples that fill a core's registers: a part of more has a multiple of them
STREAMS = 8  # samples that the first cache has room for where they lie a multiple of 4096 bytes apart
_CORES = numba.config.NUMBA_NUM_THREADS  # the cores, unless the environment variable of that name says otherwise
_njit = partial(numba.njit, cache=True, nogil=True, error_model="numpy")
# A product and a sum may be one instruction; sums may be taken in another order only where `summing` says so.
compiled: Callable[..., Any] = _njit(fastmath={"contract"})
summing: Callable[..., Any] = _njit(fastmath={"contract", "reassoc"})


def suits(windows: Windows, *arrays: Any, outputs: int = 0) -> bool:
    """Whether the loops take these arrays, and are the quicker way for them.

    They take float32 and float64 in the machine's own byte order, of one dtype. A convolution with many outputs (of a
    group) or with strides is left to large matrix products.
    """
    dtype = arrays[0].dtype
    quick = not outputs or (outputs <= FEW and windows.stride[-1] == 1)
    alike = dtype in (np.float32, np.float64) and all(x.dtype == dtype for x in arrays)
    return quick and alike and len(windows.kernel) <= 2


def share(work: Callable[[slice], Any], count: int, size: int) -> list[Any]:
    """Do the work on so many samples in parts, as many on each core, and return what each part gave."""
    rounds = -(-count * size // (PART * _CORES))
    step = -(-count // (rounds * _CORES)) if count * size > PART else count
    step = -(-step // LANES) * LANES if step > LANES else max(1, step)
    parts = [slice(start, start + step) for start in range(0, count, step)]
    mine, *shares = [parts[i::_CORES] for i in range(min(_CORES, len(parts)))] or [[]]
    try:
        others = [_threads().submit(_each, work, theirs) for theirs in shares]
    except RuntimeError:  # while Python ends there are no threads any more
        return _each(work, parts)
    return sum((other.result() for other in others), _each(work, mine))


def _each(work: Callable[[slice], Any], parts: list[slice]) -> list[Any]:
    return [work(part) for part in parts]


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_CORES, "agrad")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a fork has the pool, but none of its threads


# One axis is treated as two, the first of length 1.


def two(values: Any, missing: Any) -> Any:
    """Return a value for each of two axes, `missing` for the first where there is one axis."""
    return (missing, *values) if len(values) == 1 else tuple(values)


def steps(windows: Windows) -> tuple[Lengths, Lengths, Lengths]:
    """Return the padding before, the stride and the dilation."""
    return two([before for before, _ in windows.padding], 0), two(windows.stride, 1), two(windows.dilation, 1)
