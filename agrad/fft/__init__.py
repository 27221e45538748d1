"""The array API standard's extension for Fourier transforms, with gradients."""

from ..spellings import answer_in_module
from .frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from .real import hfft, ihfft, irfft, irfftn, rfft, rfftn
from .transforms import fft, fftn, ifft, ifftn

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft",
    "rfftfreq", "rfftn",
]  # fmt: skip

answer_in_module(__name__)
