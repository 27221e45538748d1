"""Random numbers, each a function of a seed, the number of the draw and the position in the array."""

from __future__ import annotations

import cupy

from .philox import SOURCE

__all__ = ["dropout_mask", "integers", "normal", "uniform"]

_DRAW = "unsigned int words[4]; philox(seed, draw, i, words);"

uniform = cupy.ElementwiseKernel(
    "uint64 seed, uint64 draw", "T out", f"{_DRAW} out = to_uniform(words, (T)0)", "agrad_uniform", preamble=SOURCE
)
normal = cupy.ElementwiseKernel(
    "uint64 seed, uint64 draw", "T out", f"{_DRAW} out = to_normal(words, (T)0)", "agrad_normal", preamble=SOURCE
)
integers = cupy.ElementwiseKernel(
    "uint64 seed, uint64 draw, int64 low, uint64 count", "int64 out",
    f"{_DRAW} out = low + (long long)(word64(words) % count)", "agrad_integers", preamble=SOURCE,
)  # fmt: skip
dropout_mask = cupy.ElementwiseKernel(
    "uint64 seed, uint64 draw, float64 keep", "T out",
    f"{_DRAW} out = (T)(to_uniform(words, 0.0f) < keep ? 1 / keep : 0.0)", "agrad_dropout_mask", preamble=SOURCE,
)  # fmt: skip
