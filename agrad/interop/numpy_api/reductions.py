"""Sums, means, extrema, cumulative functions and quantiles, with NumPy's arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ... import ops
from ...core.tensor import Tensor
from ...core.typing import DTypeLike
from .arguments import Unsupported, axes_of, axis_of, floats, full_mask, integers, tensor, tensors, truth_of

__all__ = ["REDUCTIONS", "TABLE"]


def _axis(axis: Any) -> Any:
    return None if axis is None else integers(axis)


def _filled(a: Any, where: Any, fill: complex) -> Tensor:
    """Return an array with `fill` where the mask is False."""
    a = tensor(a)
    if full_mask(where):
        return a
    mask = truth_of(where, a)
    return ops.where(mask, a, ops.full_like(a, fill))


def _counted(a: Tensor, where: Any, axis: Any, keepdims: bool) -> Any:
    """Return how many elements the mask selects for each result, as floats."""
    if full_mask(where):
        return math.prod(a.shape[i] for i in axes_of(_axis(axis), a.ndim))
    mask = ops.broadcast_to(truth_of(where, a), a.shape)
    return ops.sum(ops.astype(mask, floats(a).dtype), axis=_axis(axis), keepdims=keepdims)


# Sums and products


def _sum(
    a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False, initial: Any = 0, where: Any = True
) -> Tensor:
    total = ops.sum(_filled(a, where, 0), axis=_axis(axis), dtype=dtype, keepdims=keepdims)
    return total if type(initial) is int and initial == 0 else ops.add(total, initial)


def _prod(
    a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False, initial: Any = 1, where: Any = True
) -> Tensor:
    product = ops.prod(_filled(a, where, 1), axis=_axis(axis), dtype=dtype, keepdims=keepdims)
    return product if type(initial) is int and initial == 1 else ops.multiply(product, initial)


def _cumulative(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def cumulative(a: Any, axis: Any = None, dtype: DTypeLike = None) -> Tensor:
        a = tensor(a)
        a, axis = (ops.reshape(a, (-1,)), 0) if axis is None else (a, axis_of(axis, a.ndim))
        return op(a, axis=axis, dtype=dtype)

    return cumulative


def _cumulative_of_standard(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def cumulative(x: Any, /, *, axis: Any = None, dtype: DTypeLike = None, include_initial: bool = False) -> Tensor:
        return op(tensor(x), axis=_axis(axis), dtype=dtype, include_initial=include_initial)

    return cumulative


# Means and variances


def _mean(a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False, where: Any = True) -> Tensor:
    a = floats(a) if dtype is None else ops.astype(tensor(a), dtype)
    if full_mask(where):
        return ops.mean(a, axis=_axis(axis), keepdims=keepdims)
    return ops.divide(_sum(a, axis, keepdims=keepdims, where=where), _counted(a, where, axis, keepdims))


def _var(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    correction: Any = None,
) -> Tensor:
    a = floats(a) if dtype is None else ops.astype(tensor(a), dtype)
    correction = float(ddof if correction is None else correction)
    if full_mask(where):
        return ops.var(a, axis=_axis(axis), correction=correction, keepdims=keepdims)
    a = _filled(a, where, 0)  # a masked NaN would make the gradient NaN
    centered = ops.subtract(a, _mean(a, axis, keepdims=True, where=where))
    squares = ops.square(ops.abs(centered))
    divisor = ops.subtract(_counted(a, where, axis, keepdims), correction)
    return ops.divide(_sum(squares, axis, keepdims=keepdims, where=where), divisor)


def _std(
    a: Any,
    axis: Any = None,
    dtype: DTypeLike = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    correction: Any = None,
) -> Tensor:
    if not full_mask(where):
        return ops.sqrt(_var(a, axis, dtype, ddof, keepdims, where, correction))
    a = floats(a) if dtype is None else ops.astype(tensor(a), dtype)
    return ops.std(a, axis=_axis(axis), correction=float(ddof if correction is None else correction), keepdims=keepdims)


def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        a = floats(a)
        mean = ops.mean(a, axis=_axis(axis), keepdims=keepdims)
        count = math.prod(a.shape[i] for i in axes_of(_axis(axis), a.ndim))
        return (mean, ops.full_like(mean, float(count))) if returned else mean
    a, weights = tensors(a, weights)
    a = floats(a)
    if weights.shape != a.shape:
        if weights.ndim != 1 or axis is None:
            raise Unsupported(f"weights of shape {weights.shape} for values of shape {a.shape}")
        weights = ops.reshape(weights, tuple(n if i == axis_of(axis, a.ndim) else 1 for i, n in enumerate(a.shape)))
    weights = ops.broadcast_to(weights, a.shape)
    total = ops.sum(weights, axis=_axis(axis), keepdims=keepdims)
    mean = ops.divide(ops.sum(ops.multiply(a, weights), axis=_axis(axis), keepdims=keepdims), total)
    return (mean, ops.broadcast_to(total, mean.shape)) if returned else mean


# Extrema and logical reductions


def _extreme(reduce: Callable[..., Tensor], of_two: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Tensor:
        if initial is None:
            if not full_mask(where):
                raise ValueError("max and min with where= need initial=, the result where no element is selected")
            return reduce(tensor(a), axis=_axis(axis), keepdims=keepdims)
        a = tensor(a)
        if not full_mask(where):
            a = ops.where(truth_of(where, a), a, initial)
        return of_two(reduce(a, axis=_axis(axis), keepdims=keepdims), initial)

    return extreme


_max, _min = _extreme(ops.max, ops.maximum), _extreme(ops.min, ops.minimum)


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return ops.subtract(_max(a, axis, keepdims), _min(a, axis, keepdims))


def _all(a: Any, axis: Any = None, keepdims: bool = False, *, where: Any = True) -> Tensor:
    return ops.all(_filled(truth_of(a), where, True), axis=_axis(axis), keepdims=keepdims)


def _any(a: Any, axis: Any = None, keepdims: bool = False, *, where: Any = True) -> Tensor:
    return ops.any(_filled(truth_of(a), where, False), axis=_axis(axis), keepdims=keepdims)


def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    return ops.count_nonzero(tensor(a), axis=_axis(axis), keepdims=keepdims)


def _logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    return ops.logsumexp(floats(a), axis=_axis(axis), keepdims=keepdims)


# Reductions that ignore NaN


def _not_nan(a: Any) -> tuple[Tensor, Tensor]:
    """Return an array, and a mask of its elements that are not NaN."""
    a = tensor(a)
    return a, ops.logical_not(ops.isnan(a))


def _nansum(a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False) -> Tensor:
    a, known = _not_nan(a)
    return _sum(a, axis, dtype, keepdims, where=known)


def _nanprod(a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False) -> Tensor:
    a, known = _not_nan(a)
    return _prod(a, axis, dtype, keepdims, where=known)


def _nanmean(a: Any, axis: Any = None, dtype: DTypeLike = None, keepdims: bool = False) -> Tensor:
    a, known = _not_nan(a)
    return _mean(a, axis, dtype, keepdims, known)


def _nanvar(a: Any, axis: Any = None, dtype: DTypeLike = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    a, known = _not_nan(a)
    return _var(a, axis, dtype, ddof, keepdims, known)


def _nanstd(a: Any, axis: Any = None, dtype: DTypeLike = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    return ops.sqrt(_nanvar(a, axis, dtype, ddof, keepdims))


def _nanextreme(extreme: Callable[..., Tensor], end: float) -> Callable[..., Tensor]:
    def nanextreme(a: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        a, known = _not_nan(a)
        found = extreme(_filled(a, known, end) if a.dtype.differentiable else a, axis, keepdims)
        return ops.where(ops.any(known, axis=_axis(axis), keepdims=keepdims), found, math.nan)

    return nanextreme


def _nancumulative(op: Callable[..., Tensor], neutral: int) -> Callable[..., Tensor]:
    def nancumulative(a: Any, axis: Any = None, dtype: DTypeLike = None) -> Tensor:
        a, known = _not_nan(a)
        return _cumulative(op)(_filled(a, known, neutral), axis, dtype)

    return nancumulative


# Quantiles


def _quantiles(
    a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False, *, skip: bool = False
) -> Tensor:
    """Return quantiles along axes, ignoring NaN if `skip`; the axes of `q` come first."""
    if method not in _POSITIONS:
        raise Unsupported(f"method={method!r}")
    a = floats(a)
    q = tensor(q, a)
    axes = axes_of(axis, a.ndim)
    kept = tuple(i for i in range(a.ndim) if i not in axes)
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    rows = ops.reshape(ops.permute_dims(a, (*kept, *axes)), (*(a.shape[i] for i in kept), -1))
    found = _along_last(rows, ops.reshape(q, (-1,)), method, skip)
    found = ops.moveaxis(found, -1, 0)
    return ops.reshape(found, (*q.shape, *(shape if keepdims else rows.shape[:-1])))


def _along_last(rows: Tensor, q: Tensor, method: str, skip: bool) -> Tensor:
    """Return the quantiles of each row: (..., n) and (k,) give (..., k)."""
    is_nan = ops.isnan(rows)
    count = ops.sum(ops.astype(ops.logical_not(is_nan), rows.dtype), axis=-1, keepdims=True)
    position = ops.multiply(q, ops.subtract(count, 1.0)) if skip else ops.multiply(q, float(rows.shape[-1] - 1))
    position = ops.broadcast_to(position, (*rows.shape[:-1], q.shape[0]))
    below, above, share = _POSITIONS[method](position)
    ordered = ops.sort(rows, axis=-1)
    low, high = (ops.take_along_axis(ordered, _index(i, rows.shape[-1]), axis=-1) for i in (below, above))
    found = ops.add(low, ops.multiply(ops.subtract(high, low), share))
    undefined = ops.equal(count, 0.0) if skip else ops.any(is_nan, axis=-1, keepdims=True)
    return ops.where(undefined, math.nan, found)


def _index(position: Tensor, length: int) -> Tensor:
    return ops.astype(ops.clip(position.detach(), 0.0, float(length - 1)), "int64")


def _linear(position: Tensor) -> tuple[Tensor, Tensor, Any]:
    below = ops.floor(position)
    return below, ops.ceil(position), ops.subtract(position, below)


# From a fractional position in sorted order: the index below, the index above, and the weight of the latter.
_POSITIONS: Final[dict[str, Callable[[Tensor], tuple[Tensor, Tensor, Any]]]] = {
    "linear": _linear,
    "lower": lambda position: (ops.floor(position), ops.floor(position), 0.0),
    "higher": lambda position: (ops.ceil(position), ops.ceil(position), 0.0),
    "midpoint": lambda position: (ops.floor(position), ops.ceil(position), 0.5),
    "nearest": lambda position: (ops.round(position), ops.round(position), 0.0),
}


def _quantile(
    a: Any, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return _quantiles(a, q, axis, method, keepdims)


def _percentile(
    a: Any, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return _quantiles(a, ops.divide(tensor(q, floats(a)), 100.0), axis, method, keepdims)


def _median(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Tensor:
    return _quantiles(a, 0.5, axis, keepdims=keepdims)


def _nanquantile(
    a: Any, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return _quantiles(a, q, axis, method, keepdims, skip=True)


def _nanpercentile(
    a: Any, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return _quantiles(a, ops.divide(tensor(q, floats(a)), 100.0), axis, method, keepdims, skip=True)


def _nanmedian(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Tensor:
    return _quantiles(a, 0.5, axis, keepdims=keepdims, skip=True)


TABLE: Final[dict[str, Callable[..., Any]]] = {
    "all": _all,
    "amax": _max,
    "amin": _min,
    "any": _any,
    "average": _average,
    "count_nonzero": _count_nonzero,
    "cumprod": _cumulative(ops.cumulative_prod),
    "cumsum": _cumulative(ops.cumulative_sum),
    "cumulative_prod": _cumulative_of_standard(ops.cumulative_prod),
    "cumulative_sum": _cumulative_of_standard(ops.cumulative_sum),
    "max": _max,
    "mean": _mean,
    "median": _median,
    "min": _min,
    "nancumprod": _nancumulative(ops.cumulative_prod, 1),
    "nancumsum": _nancumulative(ops.cumulative_sum, 0),
    "nanmax": _nanextreme(_max, -math.inf),
    "nanmean": _nanmean,
    "nanmedian": _nanmedian,
    "nanmin": _nanextreme(_min, math.inf),
    "nanpercentile": _nanpercentile,
    "nanprod": _nanprod,
    "nanquantile": _nanquantile,
    "nanstd": _nanstd,
    "nansum": _nansum,
    "nanvar": _nanvar,
    "percentile": _percentile,
    "prod": _prod,
    "ptp": _ptp,
    "quantile": _quantile,
    "std": _std,
    "sum": _sum,
    "var": _var,
}

# The `reduce` method of a ufunc, by the name of the ufunc.
REDUCTIONS: Final[dict[str, Callable[..., Tensor]]] = {
    "add": _sum,
    "logaddexp": _logsumexp,
    "logical_and": partial(_all),
    "logical_or": partial(_any),
    "maximum": _max,
    "minimum": _min,
    "multiply": _prod,
}
