"""A program as loops, which numba compiles: ``agrad.compile(step, jit="numba")``.

`source` makes the function of a program, and `lowering` sorts its calls into the nests of loops of `nests`. `values`
knows where each variable is, `access` how an element of an array or a view is found, and `elements` the text that
computes one. Calls that are not elementwise are in `views`, `reductions`, `products`, `indices` and `writes`.
"""

from .source import LoopSource

__all__ = ["LoopSource"]
