"""`agrad.compile`: record a function once, and run it as a list of array calls.

`inputs` finds the arrays and constants in the arguments, `state` the Tensors and numbers that the function reads or
changes besides them, and `record` runs the function on traced arrays. `program` holds the recorded calls, `expand` and
`memory` prepare them, and `source` prints them as Python, with `names`, `expressions` and `buffers`. `wiring` makes the
function that checks the `conditions` of a program and runs it. An `entry` is one program with its function; `compiled`
keeps several entries and chooses among them.
"""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
