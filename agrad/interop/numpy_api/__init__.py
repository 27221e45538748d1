"""NumPy's functions, written with agrad's: what `agrad.interop.protocols` calls when NumPy is given a Tensor.

Each file is a chapter with a `TABLE` from NumPy's names to functions that take NumPy's arguments. `tables` puts them
together. Nothing here is imported before NumPy is first given a Tensor.
"""
