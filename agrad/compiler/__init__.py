"""`agrad.compile`: record a function once, and run it as a list of array calls.

The modules, in the order in which a call needs them:

- `compiled` keeps the programs of a function, and chooses one of them or records another.
- `inputs` finds the arrays and constants in the arguments, `state` the Tensors and numbers that the function reads or
  changes besides them.
- `record` runs the function on traced arrays, which an `exchange` puts in place of the real ones.
- `program` is the list of recorded calls, and drops what is not needed; `expand` divides calls into steps.
- `source` prints a program as Python: `lines` a line for each call, with `memory`, `buffers`, `views`, `names` and
  `expressions`; `loops` nests of loops for numba. `capture` makes a CUDA graph of it, with `scalars` and `draws`.
- `entry` is a program with its function, which `wiring` writes: it checks the `conditions` of the program (against
  `snapshots` of the state), runs it (`quiet`, without NumPy's warnings) and stores the results.
"""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
