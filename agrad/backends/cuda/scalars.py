"""Numbers in a GPU's memory, which the host writes before a launch: many in one kernel, and only after a change.

Their values are arguments of the kernel. A copy would have to wait until the GPU has read the previous values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cupy
import numpy as np

__all__ = ["Scalars"]

_WORDS: Final = 64  # of 8 bytes, in one launch
_SOURCE: Final = f"""
struct Words {{ unsigned long long word[{_WORDS}]; }};

extern "C" __global__ void agrad_write_scalars(Words words, unsigned long long* to) {{
    to[threadIdx.x] = words.word[threadIdx.x];
}}
"""
_TABLE: Final = np.dtype([("word", np.uint64, _WORDS)])
_write = cupy.RawKernel(_SOURCE, "agrad_write_scalars")


class Scalars:
    """0-d arrays on the current device."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._count = 0

    def new(self, dtype: Any) -> tuple[Any, Callable[[Any], None]]:
        """Return a 0-d array, and a function that sets the number that `flush` writes into it."""
        place = self._count % _WORDS
        self._count += 1
        if place == 0:
            self._blocks.append(_Block())
        return self._blocks[-1].word(place, np.dtype(dtype))

    def flush(self) -> None:
        """Write the numbers that have changed, on the current stream."""
        for block in self._blocks:
            block.flush()


class _Block:
    """The numbers that one launch writes."""

    def __init__(self) -> None:
        self._host = np.zeros((), _TABLE)
        self._written = self._host.tobytes()
        self._device = cupy.zeros(_WORDS, np.uint64)

    def word(self, place: int, dtype: Any) -> tuple[Any, Callable[[Any], None]]:
        array = self._device[place : place + 1].view(dtype)[0]
        here = self._host["word"][place : place + 1].view(dtype)

        def write(number: Any) -> None:
            here[0] = number

        return array, write

    def flush(self) -> None:
        now = self._host.tobytes()
        if now != self._written:
            _write((1,), (_WORDS,), (self._host, self._device))
            self._written = now
