"""Polynomials given by their coefficients, highest power first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ... import linalg, ops
from ...core.tensor import Tensor
from .arguments import Unsupported, floats, tensor, tensors
from .calculus import convolved
from .linear_algebra import TABLE as MATRICES

__all__ = ["TABLE"]


def _row(p: Any, like: Tensor | None = None) -> Tensor:
    return ops.reshape(floats(p, like), (-1,))


def _rows(a1: Any, a2: Any) -> list[Tensor]:
    return [_row(p) for p in tensors(a1, a2)]


def _polyval(p: Any, x: Any) -> Tensor:
    p, x = tensors(p, x)
    y = ops.zeros_like(x)
    for coefficient in p:
        y = ops.add(ops.multiply(y, x), coefficient)
    return y


def _polyadd(a1: Any, a2: Any) -> Tensor:
    a1, a2 = _rows(a1, a2)
    length = max(a1.shape[0], a2.shape[0])
    return ops.add(*[ops.pad(a, [(length - a.shape[0], 0)]) for a in (a1, a2)])


def _polysub(a1: Any, a2: Any) -> Tensor:
    a1, a2 = _rows(a1, a2)
    return _polyadd(a1, ops.negative(a2))


def _polymul(a1: Any, a2: Any) -> Tensor:
    return convolved(*_rows(a1, a2))


def _polydiv(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    u, v = _rows(u, v)
    count = u.shape[0] - v.shape[0] + 1
    if count < 1:
        return ops.zeros_like(u[:1]), u
    quotient, rest = [], u
    for _ in range(count):  # long division
        quotient.append(rest[0] / v[0])
        rest = ops.subtract(rest, ops.pad(quotient[-1] * v, [(0, rest.shape[0] - v.shape[0])]))[1:]
    return ops.stack(quotient), rest if rest.shape[0] else ops.zeros_like(u[:1])


def _powers(n: int, like: Tensor) -> Tensor:
    """Return the exponents n - 1, ..., 1, 0."""
    return ops.flip(ops.arange(n, dtype=like.dtype, device=like.device))


def _polyder(p: Any, m: int = 1) -> Tensor:
    p = _row(p)
    for _ in range(m):
        p = ops.multiply(p, _powers(p.shape[0], p))[:-1]
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    p = _row(p)
    constants = ops.zeros(m, dtype=p.dtype, device=p.device) if k is None else _row(k, p)
    if constants.shape[0] == 1 < m:
        constants = ops.broadcast_to(constants, (m,))
    for i in range(m):
        p = ops.concat([ops.divide(p, _powers(p.shape[0], p) + 1.0), constants[i : i + 1]])
    return p


def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None) -> Tensor:
    if full:
        raise Unsupported("full=True")
    x, y = (floats(a) for a in tensors(x, y))
    powers = MATRICES["vander"](x, deg + 1)
    if w is not None:
        w = tensor(w, x)
        powers, y = powers * w[:, None], y * (w[:, None] if y.ndim == 2 else w)
    scale = ops.sqrt(ops.sum(ops.square(powers), axis=0))
    rcond = x.shape[0] * ops.finfo(x.dtype).eps if rcond is None else rcond
    found = linalg.lstsq(powers / scale, y, rcond).x
    return found / (scale[:, None] if y.ndim == 2 else scale)


def _poly(seq_of_zeros: Any) -> Tensor:
    zeros = floats(seq_of_zeros)
    zeros = linalg.eigvals(zeros) if zeros.ndim == 2 else zeros
    p = ops.ones((1,), dtype=zeros.dtype, device=zeros.device)
    for zero in zeros:
        p = ops.concat([p, ops.zeros_like(p[:1])]) - ops.concat([ops.zeros_like(p[:1]), p * zero])
    paired = zeros.dtype.is_complex and bool(ops.all(ops.equal(ops.sort(ops.imag(zeros.detach())), _mirrored(zeros))))
    return ops.real(p) if paired else p


def _mirrored(zeros: Tensor) -> Tensor:
    return ops.sort(ops.negative(ops.imag(zeros.detach())))


def _roots(p: Any) -> Tensor:
    p = _row(p)
    places = ops.nonzero(p)[0].tolist()
    if not places:
        return p[:0]
    zeros = p.shape[0] - 1 - places[-1]  # the number of roots that are 0
    p = p[places[0] : places[-1] + 1]
    n = p.shape[0] - 1
    if n == 0:
        return ops.zeros(zeros, dtype=p.dtype, device=p.device)
    below = ops.eye(n, k=-1, dtype=p.dtype, device=p.device)[1:, :]
    found = linalg.eigvals(ops.concat([ops.reshape(-p[1:] / p[0], (1, n)), below], axis=0))
    return ops.concat([found, ops.zeros(zeros, dtype=found.dtype, device=p.device)]) if zeros else found


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "poly": _poly,
    "polyadd": _polyadd,
    "polyder": _polyder,
    "polydiv": _polydiv,
    "polyfit": _polyfit,
    "polyint": _polyint,
    "polymul": _polymul,
    "polysub": _polysub,
    "polyval": _polyval,
    "roots": _roots,
}
