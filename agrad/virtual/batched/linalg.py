"""Linear algebra and Fourier transforms, which libraries already compute for stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ...backends.typing import Array
from .arrays import BatchedArray, aligned, leading
from .axes import shifted
from .shapes import FUNCTIONS as SHAPES
from .shapes import required, reshape

__all__ = ["FUNCTIONS", "system"]


def _of_matrices(name: str) -> Callable[..., Any]:
    """Make a function of stacks of matrices, with one or several results."""

    def of_matrices(x: Array, /, *args: Any, **settings: Any) -> Any:
        if x.ndim < 2:
            raise ValueError(f"{name} takes matrices, of shape (..., m, n), not an array of shape {x.shape}")
        out = getattr(x.level.xp.linalg, name)(x.value, *args, **settings)
        if not isinstance(out, tuple):
            return x.like(out)
        parts = [x.like(part) for part in out]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)

    return of_matrices


def system(x1: Array, x2: Array) -> tuple[list[Any], int, Any]:
    """Return the values of matrices and columns with aligned stack axes; their common `lead`; and the level."""
    values, lead, level = leading((x1, x2))
    values, _, _ = aligned([BatchedArray(value, lead, level) for value in values])
    return values, lead, level


def _solve(x1: Array, x2: Array, /) -> BatchedArray:
    vector = x2.ndim == 1
    (v1, v2), lead, level = system(x1, x2[:, None] if vector else x2)
    out = level.xp.linalg.solve(v1, v2)
    return BatchedArray(out[..., 0] if vector else out, lead, level)


def _vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> BatchedArray:
    norm = x.level.xp.linalg.vector_norm
    if not x.lead or axis is not None:
        axis = shifted(axis, x.ndim) if x.lead else axis
        return x.like(norm(x.value, axis=axis, keepdims=keepdims, ord=ord))
    out = x.like(norm(reshape(x, (x.size,)).value, axis=1, ord=ord))
    return reshape(out, (1,) * x.ndim) if keepdims else out


def _cross(x1: Array, x2: Array, /, *, axis: int = -1) -> BatchedArray:
    rank = max(x1.ndim, x2.ndim)
    (v1, v2), lead, level = aligned((x1, x2))
    return BatchedArray(level.xp.linalg.cross(v1, v2, axis=shifted(axis, rank) - 1 - rank), lead, level)


def _outer(x1: Array, x2: Array, /) -> BatchedArray:
    product: BatchedArray = x1[:, None] * x2[None, :]
    return product


def _frequencies(name: str) -> Callable[..., BatchedArray]:
    """Make a function of a length, whose result is the same for the whole batch."""

    def frequencies(n: int, /, *, device: Any = None, **settings: Any) -> BatchedArray:
        level = required(device, f"fft.{name}")
        return BatchedArray(getattr(level.xp.fft, name)(n, device=level.native, **settings), 0, level)

    return frequencies


def _shift(name: str) -> Callable[..., BatchedArray]:
    def shift(x: Array, /, *, axes: Any = None) -> BatchedArray:
        if x.lead:
            axes = shifted(range(x.ndim) if axes is None else axes, x.ndim)
        return x.like(getattr(x.level.xp.fft, name)(x.value, axes=axes))

    return shift


def _along(name: str) -> Callable[..., BatchedArray]:
    """Make a transform along one axis."""

    def along(x: Array, /, *, axis: int = -1, **settings: Any) -> BatchedArray:
        axis = shifted(axis, x.ndim) if x.lead else axis
        return x.like(getattr(x.level.xp.fft, name)(x.value, axis=axis, **settings))

    return along


def _along_several(name: str) -> Callable[..., BatchedArray]:
    """Make a transform along several axes: by default the last ``len(s)``, or all if `s` is None."""

    def along_several(x: Array, /, *, s: Array = None, axes: Any = None, **settings: Any) -> BatchedArray:
        if x.lead:
            axes = range(0 if s is None else x.ndim - len(s), x.ndim) if axes is None else axes
            axes = shifted(axes, x.ndim)
        return x.like(getattr(x.level.xp.fft, name)(x.value, s=s, axes=axes, **settings))

    return along_several


_OF_MATRICES: Final = (
    "cholesky", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matrix_norm", "matrix_power",
    "matrix_rank", "pinv", "qr", "slogdet", "svd", "svdvals", "trace",
)  # fmt: skip
FUNCTIONS: Final[dict[str, Any]] = {
    **{f"linalg.{name}": _of_matrices(name) for name in _OF_MATRICES},
    "linalg.cross": _cross,
    "linalg.outer": _outer,
    **{f"fft.{name}": _frequencies(name) for name in ("fftfreq", "rfftfreq")},
    **{f"fft.{name}": _shift(name) for name in ("fftshift", "ifftshift")},
    "linalg.matrix_transpose": SHAPES["matrix_transpose"],
    "linalg.solve": _solve,
    "linalg.vector_norm": _vector_norm,
    **{f"fft.{name}": _along(name) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{f"fft.{name}": _along_several(name) for name in ("fftn", "ifftn", "rfftn", "irfftn")},
}
