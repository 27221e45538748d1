"""The warning that a float32 layer computes in float64, because its input is float64."""

from __future__ import annotations

import sys
import warnings
from itertools import count

from ...core.dtypes import DType

__all__ = ["warn_of_float64"]

_warned = False


def warn_of_float64(input: DType, weight: DType) -> None:
    """Warn, once in a process, if the input of a layer is float64 and its weight float32."""
    global _warned
    if _warned or (input.name, weight.name) != ("float64", "float32"):
        return
    _warned = True
    warnings.warn(
        "a layer with float32 weights got a float64 input (NumPy's floats are float64), and computes in float64, which "
        "takes more time and memory; write agrad.asarray(x, dtype=agrad.float32) for float32, or "
        "model.to(agrad.float64) if you need float64 (this warning is given once)",
        UserWarning,
        stacklevel=_level_of_caller(),
    )


def _level_of_caller() -> int:
    """Return the `stacklevel` of the first function outside of agrad."""
    for level in count(1):
        if not sys._getframe(level).f_globals.get("__name__", "").startswith("agrad."):
            return level
    raise AssertionError("unreachable: the bottom of the stack is not agrad's")
