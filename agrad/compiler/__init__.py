"""`agrad.compile`: a function, recorded once, as a straight program of array calls.

`inputs` takes the arguments apart, `state` finds what the function reads and changes besides them, and `record` runs it
over traced arrays. `program` holds what was recorded, `expand` and `memory` prepare it, and `source` prints it as
Python. An `entry` is a program with the `conditions` under which it holds; `compiled` keeps several and chooses among
them.
"""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
