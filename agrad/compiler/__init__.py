"""`agrad.compile`: a function, recorded once, as a straight program of array calls.

`inputs` takes the arguments apart, `state` finds what the function reads and changes besides them, and `record` runs it
over traced arrays. `program` holds what was recorded, `expand` and `memory` prepare it, and `source` prints it as
Python, with `names`, `expressions` and `buffers`. `wiring` makes the function that asks for the `conditions` of a
program and runs it. An `entry` is all that together; `compiled` keeps several and chooses among them.
"""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
