"""A program as loops that numba compiles: ``agrad.compile(step, jit="numba")``.

`source` makes the function of a program, and `lowering` sorts its calls into loop nests, which are defined in `nests`.
`values` records where each variable is stored, `access` how an element of an array or view is indexed, and `elements`
the expression for one element of a call. Calls that are not elementwise are in `views`, `reductions`, `products`,
`indices` and `writes`.
"""

from .source import LoopSource

__all__ = ["LoopSource"]
