"""Arrays with a hidden batch axis, on which `agrad.vmap` runs a function.

`arrays` defines the class, `backend` what the array API standard lacks, and the other modules the functions of the
namespace, grouped by their batching rule. Each module lists its functions in a table ``FUNCTIONS``.
"""
