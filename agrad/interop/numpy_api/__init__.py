"""NumPy's functions, implemented with agrad's: `agrad.interop.protocols` calls them when NumPy is given a Tensor.

Each module has a `TABLE` that maps NumPy's names to functions that take NumPy's arguments; `tables` merges them.
Nothing here is imported before NumPy is first called with a Tensor.
"""
