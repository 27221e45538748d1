"""Convolution and pooling of NumPy arrays by loops that numba compiles, on all cores: the extra `fast`.

The functions are those of `sliding_windows.py`, for float32 and float64 and windows over one or two axes.
"""

from .convolution import convolve, convolve_input, convolve_weight
from .parts import suits
from .pooling import add_to_windows, window_max, window_sum

__all__ = ["add_to_windows", "convolve", "convolve_input", "convolve_weight", "suits", "window_max", "window_sum"]
