"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import mlx.core as mx

from ..typing import Array
from .creation import without_device

__all__ = ["FUNCTIONS"]

_SAME: Final = (
    "fft", "ifft", "fftn", "ifftn", "rfft", "irfft", "rfftn", "irfftn", "fftshift", "ifftshift",
)  # fmt: skip
_INVERSE: Final = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    return mx.fft.irfft(mx.conj(x), n=n, axis=axis, norm=_INVERSE[norm])


def _ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    return mx.conj(mx.fft.rfft(x, n=n, axis=axis, norm=_INVERSE[norm]))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(mx.fft, name) for name in _SAME},
    **{name: without_device(getattr(mx.fft, name)) for name in ("fftfreq", "rfftfreq")},
    "hfft": _hfft,
    "ihfft": _ihfft,
}
