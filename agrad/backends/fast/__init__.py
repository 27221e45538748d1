"""Convolution and pooling of NumPy arrays in loops that numba compiles, on all cores: the extra `fast`.

The same sums as in `sliding_windows.py`, for float32 and float64 and one or two axes under the windows.
"""

from .convolution import convolve, convolve_input, convolve_weight
from .parts import suits
from .pooling import spread, window_max, window_sum

__all__ = ["convolve", "convolve_input", "convolve_weight", "spread", "suits", "window_max", "window_sum"]
