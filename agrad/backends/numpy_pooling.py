"""The gradient of max pooling for NumPy, written in the memory layout of the indices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .numpy_layouts import laid_out_like
from .numpy_masks import zero_unless
from .sliding_windows import Lengths, Windows, split
from .typing import Array

__all__ = ["add_at_indices"]


def add_at_indices(g: Array, indices: Array, lengths: Lengths, windows: Windows) -> Any:
    """Add floats to zeros, each at its flat kernel index in `indices`: see `Backend.add_to_windows`."""
    lead, counts = split(g.shape, windows)
    g = laid_out_like(indices, g)
    padded, part = windows.padded(lengths), np.empty_like(g)
    is_tiled = not windows.overlap and prod(counts) * prod(windows.kernel) == prod(padded)
    total = (np.empty_like if is_tiled else np.zeros_like)(indices, g.dtype, shape=(*lead, *padded))
    for number, (_, key) in enumerate(windows.keys(counts)):
        elements = total[key]
        if windows.overlap:
            zero_unless(g, indices == number, part)
            elements += part
        else:
            zero_unless(g, indices == number, elements)
    return total[windows.inside(lengths)]
