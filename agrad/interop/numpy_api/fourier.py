"""The functions of numpy.fft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ... import fft
from ...core.tensor import Tensor
from .arguments import floats, integers, tensor

__all__ = ["TABLE"]


def _one(transform: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a transform along one axis, with NumPy's arguments."""

    def along(a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Tensor:
        return transform(floats(a), n=n, axis=axis, norm="backward" if norm is None else norm)

    return along


def _several(transform: Callable[..., Tensor], default: Any) -> Callable[..., Tensor]:
    """Return a transform along several axes, with NumPy's arguments."""

    def along(a: Any, s: Any = None, axes: Any = default, norm: Any = None) -> Tensor:
        lengths, axes = (None if x is None else integers(x) for x in (s, axes))
        if lengths is not None and axes is None:
            axes = tuple(range(-len(lengths), 0))
        return transform(floats(a), s=lengths, axes=axes, norm="backward" if norm is None else norm)

    return along


def _shift(shift: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def shifted(x: Any, axes: Any = None) -> Tensor:
        return shift(tensor(x), axes=None if axes is None else integers(axes))

    return shifted


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "fft.fft": _one(fft.fft),
    "fft.fft2": _several(fft.fftn, (-2, -1)),
    "fft.fftn": _several(fft.fftn, None),
    "fft.fftshift": _shift(fft.fftshift),
    "fft.hfft": _one(fft.hfft),
    "fft.ifft": _one(fft.ifft),
    "fft.ifft2": _several(fft.ifftn, (-2, -1)),
    "fft.ifftn": _several(fft.ifftn, None),
    "fft.ifftshift": _shift(fft.ifftshift),
    "fft.ihfft": _one(fft.ihfft),
    "fft.irfft": _one(fft.irfft),
    "fft.irfft2": _several(fft.irfftn, (-2, -1)),
    "fft.irfftn": _several(fft.irfftn, None),
    "fft.rfft": _one(fft.rfft),
    "fft.rfft2": _several(fft.rfftn, (-2, -1)),
    "fft.rfftn": _several(fft.rfftn, None),
}
