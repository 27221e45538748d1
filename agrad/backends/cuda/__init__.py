"""Parts of CuPy's backend: kernels, and replacements for CuPy's functions that wait or deviate from the standard."""
