"""Convolution and pooling of NumPy arrays in loops that numba compiles, on all cores: the extra `fast`.

The same sums as in `sliding_windows.py`, for float32 and float64 and one or two axes under the windows.
"""

from .convolution import convolve, convolve_input, convolve_weight
from .parts import suits
from .pooling import add_to_windows, window_max, window_sum

__all__ = ["add_to_windows", "convolve", "convolve_input", "convolve_weight", "suits", "window_max", "window_sum"]
