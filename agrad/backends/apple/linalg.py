"""Linear algebra of real matrices, which MLX computes on the CPU.

Results are evaluated at once, not lazily, so that an error about a matrix names the right line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import mlx.core as mx

from ..typing import Array
from . import elementwise

__all__ = ["FUNCTIONS"]

_WHERE_IT_IS: Final = "compute it on a device whose library has it: x.to('cpu')"


def _real(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def computed(*args: Any, **settings: Any) -> Any:
        arrays = [x for x in args if isinstance(x, mx.array)]
        if any(x.dtype == mx.complex64 for x in arrays):
            raise NotImplementedError(f"MLX has no {name} of complex numbers; {_WHERE_IT_IS}")
        if not all(x.size for x in arrays):
            raise NotImplementedError(f"MLX has no {name} of empty arrays; {_WHERE_IT_IS}")  # it would crash
        found = function(*args, **settings)
        mx.eval(found)
        return found

    return computed


def _cholesky(x: Array, /, *, upper: bool = False) -> Any:
    return mx.linalg.cholesky(x, upper=upper, stream=mx.cpu)


def _qr(x: Array, /, *, mode: str = "reduced") -> Any:
    if mode == "complete":
        raise NotImplementedError(f"MLX has no complete QR decomposition; {_WHERE_IT_IS}")
    return mx.linalg.qr(x, stream=mx.cpu)


def _svd(x: Array, /, *, full_matrices: bool = True) -> Any:
    u, s, vh = mx.linalg.svd(x, stream=mx.cpu)
    k = s.shape[-1]
    return (u, s, vh) if full_matrices else (u[..., :, :k], s, vh[..., :k, :])


def _singular_values(x: Array, /) -> Any:
    return mx.linalg.svd(x, compute_uv=False, stream=mx.cpu)


def _eig(x: Array, /) -> Any:
    values, vectors = mx.linalg.eig(x, stream=mx.cpu)
    return values, mx.conj(vectors) if x.dtype == mx.complex64 else vectors  # MLX returns complex ones conjugated


def _diagonal(x: Array, /, *, offset: int = 0) -> Any:
    return mx.diagonal(x, offset, axis1=-2, axis2=-1)


def _pinv(x: Array, /, *, rtol: Any = None) -> Any:
    u, s, vh = _svd(x, full_matrices=False)
    rtol = max(x.shape[-2:]) * float(mx.finfo(x.dtype).eps) if rtol is None else rtol
    kept = s > (rtol[..., None] if isinstance(rtol, mx.array) and rtol.ndim else rtol) * mx.max(
        s, axis=-1, keepdims=True
    )
    inverse = mx.where(kept, 1 / mx.where(kept, s, 1.0), 0.0)
    return (vh.swapaxes(-2, -1) * inverse[..., None, :]) @ u.swapaxes(-2, -1)


def _vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    size, settings = mx.abs(x), {"axis": axis, "keepdims": keepdims}
    if ord in (mx.inf, -mx.inf):
        return (mx.max if ord > 0 else mx.min)(size, **settings)
    if ord == 0:
        return mx.sum((size != 0).astype(size.dtype), **settings)
    return mx.sum(size, **settings) if ord == 1 else mx.sum(size**ord, **settings) ** (1 / ord)


def _solve(x1: Array, x2: Array, /) -> Any:
    if x2.ndim == 1 and x1.ndim > 2:
        return mx.linalg.solve(x1, mx.broadcast_to(x2[:, None], (*x1.shape[:-1], 1)), stream=mx.cpu)[..., 0]
    return mx.linalg.solve(x1, x2, stream=mx.cpu)


def _on_cpu_stream(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def computed(*args: Any, **settings: Any) -> Any:
        return function(*args, **settings, stream=mx.cpu)

    return computed


_REAL: Final[dict[str, Callable[..., Any]]] = {
    **{
        name: _on_cpu_stream(getattr(mx.linalg, name))
        for name in ("cross", "det", "eigh", "eigvalsh", "inv", "slogdet")
    },
    "cholesky": _cholesky,
    "pinv": _pinv,
    "qr": _qr,
    "solve": _solve,
    "svd": _svd,
    "svdvals": _singular_values,
}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _real(name, function) for name, function in _REAL.items()},
    "diagonal": _diagonal,
    "eig": _eig,
    "eigvals": _on_cpu_stream(mx.linalg.eigvals),
    "matmul": elementwise.FUNCTIONS["matmul"],
    "matrix_transpose": mx.matrix_transpose,
    "outer": mx.outer,
    "tensordot": mx.tensordot,
    "vecdot": elementwise.FUNCTIONS["vecdot"],
    "vector_norm": _vector_norm,
}
