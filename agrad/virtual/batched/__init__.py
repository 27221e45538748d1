"""Arrays with an axis that the code does not see: what `agrad.vmap` runs a function on.

`arrays` has the class, `backend` what the standard lacks, and the other modules the functions of the namespace, by the
kind of rule that they follow. Each module lists its own in a table ``FUNCTIONS``.
"""
