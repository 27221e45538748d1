"""Setting elements of NumPy's arrays to 0 by a mask without branches, which are slow where they cannot be predicted."""

from __future__ import annotations

from typing import Final

import numpy as np

from .typing import Array, NativeDtype

__all__ = ["WHOLE", "zero_unless"]

WHOLE: Final[dict[str, NativeDtype]] = {"f": np.int32, "d": np.int64}  # integers as wide as the floats


def zero_unless(x: Array, condition: Array, out: Array) -> None:
    """Set an array to the elements of another of its dtype where a condition is true, and to 0 elsewhere."""
    whole = WHOLE[x.dtype.char]
    np.multiply(x.view(whole), condition, out.view(whole))
