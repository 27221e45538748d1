"""Numbers in the memory of a GPU, which the host writes before a launch: many in one kernel, and only what has changed.

Their values travel as the kernel's arguments. A copy would have to wait until the GPU has read the ones before.
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
    """Arrays without axes, on the current device."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._count = 0

    def new(self, dtype: Any) -> tuple[Any, Callable[[Any], None]]:
        """Return an array without axes, and a function that sets the number which `flush` will write into it."""
        place = self._count % _WORDS
        self._count += 1
        if place == 0:
            self._blocks.append(_Block())
        return self._blocks[-1].word(place, np.dtype(dtype))

    def flush(self) -> None:
        """Write what has changed, on the current stream."""
        for block in self._blocks:
            block.flush()


class _Block:
    """As many numbers as one launch writes."""

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
