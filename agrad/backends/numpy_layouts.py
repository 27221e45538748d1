"""The memory layouts of NumPy's arrays: convolution leaves the samples, the first axis, last in memory.

Elementwise functions of arrays in different layouts take ten times as long as those of one layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .typing import Array

__all__ = ["contiguous", "has_samples_last", "laid_out_like"]


def has_samples_last(x: Array) -> bool:
    """Return whether neighbours in memory belong to different samples."""
    return bool(x.ndim > 2 and 0 < x.strides[0] < x.strides[-1])


def laid_out_like(array: Array, x: Array) -> Any:
    """Return `x` in the memory layout of an array of its shape, copied if only one of them has the samples last."""
    return x if has_samples_last(x) == has_samples_last(array) else _transposed(x, np.empty_like(array, x.dtype))


def contiguous(x: Array) -> Any:
    """Return `x`, or a copy that is contiguous in memory."""
    return _transposed(x, np.empty(x.shape, x.dtype)) if has_samples_last(x) else np.ascontiguousarray(x)


def _transposed(x: Array, out: Array) -> Any:
    for channel in range(x.shape[1]):  # channel by channel, since that much stays in the cache
        out[:, channel] = x[:, channel]
    return out
