"""Differences, integrals, convolution, interpolation, covariances, and elementwise functions that are not ufuncs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import Array, DTypeLike, Namespace
from .arguments import Unsupported, axes_of, axis_of, floats, tensor, tensors

__all__ = ["TABLE", "convolved"]

# Differences


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    a = tensor(a)
    edges = [x if x is None else _edge(tensor(x, a), a, axis) for x in (prepend, append)]
    return ops.diff(a, n=n, axis=axis, prepend=edges[0], append=edges[1])


def _edge(x: Tensor, a: Tensor, axis: int) -> Tensor:
    """Return `prepend` or `append` of `diff` as an array; a scalar becomes one slice along the axis."""
    if x.ndim:
        return x
    return ops.broadcast_to(x, tuple(1 if i == axis_of(axis, a.ndim) else n for i, n in enumerate(a.shape)))


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    ary = ops.reshape(tensor(ary), (-1,))
    parts = [to_begin, ops.diff(ary), to_end]
    return ops.concat([ops.reshape(tensor(part, ary), (-1,)) for part in parts if part is not None])


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = floats(f)
    axes = axes_of(axis, f.ndim)
    spacings = list(varargs) if len(varargs) == len(axes) else list(varargs or [1.0]) * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient takes one spacing, or one per axis ({len(axes)} here), not {len(varargs)}")
    slopes = [_slopes(f, h, i, edge_order) for h, i in zip(spacings, axes, strict=True)]
    return slopes[0] if len(slopes) == 1 and not isinstance(axis, tuple) else tuple(slopes)


def _slopes(f: Tensor, spacing: Any, axis: int, edge_order: int) -> Tensor:
    """Return the derivative along an axis, by central differences of second order in the interior."""
    rows = ops.moveaxis(f, axis, -1)
    n = rows.shape[-1]
    if n < edge_order + 1 or edge_order not in (1, 2):
        raise ValueError(f"edge_order must be 1 or 2 and less than the {n} elements along the axis, not {edge_order}")
    steps = _steps(tensor(spacing, f), n)
    differences = ops.diff(rows, axis=-1) / steps  # slopes between neighbours
    left, right = steps[:-1], steps[1:]
    inner = (differences[..., :-1] * right + differences[..., 1:] * left) / (left + right)
    first, last = differences[..., :1], differences[..., -1:]
    if edge_order == 2:
        first, last = 2.0 * first - inner[..., :1], 2.0 * last - inner[..., -1:]
    return ops.moveaxis(ops.concat([first, inner, last], axis=-1), -1, axis)


def _steps(spacing: Tensor, n: int) -> Tensor:
    """Return the distances between neighbours, from one spacing or from coordinates."""
    return ops.broadcast_to(spacing, (n - 1,)) if spacing.ndim == 0 else ops.diff(spacing)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    y, x = (floats(y), None) if x is None else tensors(y, x)
    rows = ops.moveaxis(y, axis, -1)
    steps = dx if x is None else ops.diff(x if x.ndim == 1 else ops.moveaxis(x, axis, -1))
    return ops.sum((rows[..., 1:] + rows[..., :-1]) * 0.5 * steps, axis=-1)


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2.0 * math.pi) -> Tensor:
    p = floats(p)
    rows = ops.moveaxis(p, axis, -1)
    jumps = ops.diff(rows.detach(), axis=-1)  # the number of periods to add is constant in p
    half = period / 2.0
    inside = ops.remainder(jumps + half, period) - half
    inside = ops.where(ops.logical_and(ops.equal(inside, -half), ops.greater(jumps, 0)), half, inside)
    small = ops.less(ops.abs(jumps), half if discont is None else max(discont, half))
    added = ops.cumulative_sum(ops.where(small, 0.0, inside - jumps), axis=-1)
    return ops.moveaxis(ops.concat([rows[..., :1], rows[..., 1:] + added], axis=-1), -1, axis)


# Convolution


def convolved(a: Tensor, v: Tensor) -> Tensor:
    """Return the full convolution of two vectors: lengths n and m give n + m - 1."""
    m = v.shape[0]
    padded = ops.pad(a, [(m - 1, m - 1)])
    starts = ops.arange(a.shape[0] + m - 1, device=a.device)
    windows = ops.take(padded, starts[:, None] + ops.arange(m, device=a.device), axis=0)
    return ops.matmul(windows, ops.flip(v))


def _convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    a, v = (ops.reshape(x, (-1,)) if not x.ndim else x for x in tensors(a, v))
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    if v.shape[0] == 0:
        raise ValueError("convolve needs at least one element in each argument")
    full = convolved(a, v)
    n, m = a.shape[0], v.shape[0]
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    return full[start : start + length]


def _correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    a, v = (ops.reshape(x, (-1,)) if not x.ndim else x for x in tensors(a, v))
    n, m = a.shape[0], v.shape[0]
    full = convolved(a, ops.flip(ops.conj(v) if v.dtype.is_complex else v))
    shorter, longer = min(n, m), max(n, m)
    middle = (shorter - 1) // 2 if n >= m else shorter // 2
    start, length = {
        "full": (0, n + m - 1), "same": (middle, longer), "valid": (shorter - 1, longer - shorter + 1),
    }[mode]  # fmt: skip
    return full[start : start + length]


# Interpolation


def _interp(x: Array, xp: Namespace, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Tensor:
    x, xp, fp = tensors(x, xp, fp)
    x, xp = floats(x), floats(xp)
    if period is not None:
        x, xp, fp, left, right = _periodic(x, xp, fp, period)
    known = xp.detach()
    above = ops.clip(ops.searchsorted(known, x.detach(), side="right"), 1, xp.shape[0] - 1)
    below = above - 1
    x0, x1, y0, y1 = (ops.take(row, i) for row, i in ((xp, below), (xp, above), (fp, below), (fp, above)))
    found = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    found = ops.where(ops.less(x, known[0]), fp[0] if left is None else left, found)
    found = ops.where(ops.greater(x, known[-1]), fp[-1] if right is None else right, found)
    return ops.where(ops.isnan(x), x, found)


def _periodic(x: Tensor, xp: Tensor, fp: Tensor, period: float) -> tuple[Tensor, Tensor, Tensor, None, None]:
    """Return the sample points sorted within one period, extended by one neighbour on each side."""
    x, xp = ops.remainder(x, period), ops.remainder(xp, period)
    order = ops.argsort(xp.detach())
    xp, fp = ops.take(xp, order), ops.take(fp, order)
    xp = ops.concat([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, ops.concat([fp[-1:], fp, fp[:1]]), None, None


# Elementwise functions


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return ops.clip(tensor(a), low, high)


def _round(a: Any, decimals: int = 0) -> Tensor:
    a = tensor(a)
    if decimals == 0 or not a.dtype.differentiable:
        return ops.round(a)
    scale = 10.0**decimals
    return ops.divide(ops.round(ops.multiply(a, scale)), scale)


def _angle(z: Any, deg: bool = False) -> Tensor:
    z = floats(z)
    angle = ops.atan2(ops.imag(z), ops.real(z)) if z.dtype.is_complex else ops.atan2(ops.zeros_like(z), z)
    return ops.multiply(angle, 180.0 / math.pi) if deg else angle


def _real(val: Any) -> Tensor:
    val = tensor(val)
    return ops.real(val) if val.dtype.is_complex else val


def _imag(val: Any) -> Tensor:
    val = tensor(val)
    return ops.imag(val) if val.dtype.is_complex else ops.zeros_like(val)


def _real_if_close(a: Any, tol: float = 100) -> Tensor:
    a = tensor(a)
    if not a.dtype.is_complex:
        return a
    least = tol * ops.finfo(a.dtype).eps if tol > 1 else tol
    return ops.real(a) if bool(ops.all(ops.abs(ops.imag(a.detach())) < least)) else a


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    if not copy:
        raise Unsupported("copy=False")
    x = tensor(x)
    if x.dtype.is_complex:
        raise Unsupported("complex numbers")
    if not x.dtype.differentiable:
        return x
    limits = ops.finfo(x.dtype)
    x = ops.where(ops.isnan(x), nan, x)
    x = ops.where(ops.equal(x, math.inf), limits.max if posinf is None else posinf, x)
    return ops.where(ops.equal(x, -math.inf), limits.min if neginf is None else neginf, x)


def _sinc(x: Any) -> Tensor:
    from ...special import sinc

    return sinc(floats(x))


def _i0(x: Any) -> Tensor:
    from ...special import i0

    return i0(floats(x))


# Statistics of several variables


def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
    aweights: Any = None, *, dtype: DTypeLike = None,
) -> Tensor:  # fmt: skip
    m, y = (floats(m), None) if y is None else tensors(m, y)
    rows = [_variables(x, rowvar) for x in (m, y) if x is not None]
    x = ops.concat(rows, axis=0) if len(rows) > 1 else rows[0]
    x = x if dtype is None else ops.astype(x, dtype)
    if fweights is not None or aweights is not None:
        return _weighted_cov(x, fweights, aweights, int(not bias) if ddof is None else ddof)
    centered = x - ops.mean(x, axis=1, keepdims=True)
    divisor = x.shape[1] - (int(not bias) if ddof is None else ddof)
    return _without_ones(ops.matmul(centered, _adjoint(centered)) / divisor)


def _variables(x: Tensor, rowvar: bool) -> Tensor:
    """Return an array with a variable in each row."""
    if x.ndim < 2:
        return ops.reshape(x, (1, -1))
    return x if rowvar or x.shape[0] == 1 else ops.matrix_transpose(x)


def _adjoint(x: Tensor) -> Tensor:
    return ops.matrix_transpose(ops.conj(x) if x.dtype.is_complex else x)


def _without_ones(x: Tensor) -> Tensor:
    return ops.reshape(x, tuple(n for n in x.shape if n != 1))


def _weighted_cov(x: Tensor, fweights: Any, aweights: Any, ddof: int) -> Tensor:
    weights = ops.ones((x.shape[1],), dtype=ops.finfo(x.dtype).dtype, device=x.device)
    for given in (fweights, aweights):
        weights = weights if given is None else weights * tensor(given, x)
    total = ops.sum(weights)
    centered = x - ops.sum(x * weights, axis=1, keepdims=True) / total
    share = total if aweights is None else ops.sum(weights * tensor(aweights, x))
    divisor = total - ddof * (share / total if aweights is not None else 1.0)
    return _without_ones(ops.matmul(centered * weights, _adjoint(centered)) / divisor)


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: DTypeLike = None) -> Tensor:
    c = _cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    n = c.shape[0]
    variances = ops.real(_diagonal(c, n)) if c.dtype.is_complex else _diagonal(c, n)
    deviations = ops.sqrt(variances)
    return c / deviations[:, None] / deviations[None, :]


def _diagonal(c: Tensor, n: int) -> Tensor:
    return ops.reshape(c, (-1,))[:: n + 1]


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "angle": _angle,
    "around": _round,
    "clip": _clip,
    "convolve": _convolve,
    "corrcoef": _corrcoef,
    "correlate": _correlate,
    "cov": _cov,
    "diff": _diff,
    "ediff1d": _ediff1d,
    "fix": lambda x: ops.trunc(tensor(x)),
    "gradient": _gradient,
    "i0": _i0,
    "imag": _imag,
    "interp": _interp,
    "nan_to_num": _nan_to_num,
    "real": _real,
    "real_if_close": _real_if_close,
    "round": _round,
    "sinc": _sinc,
    "trapezoid": _trapezoid,
    "unwrap": _unwrap,
}
