"""NumPy's ufuncs, each as the agrad function that does the same, or as a composition of a few functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ... import ops
from ...backends import is_host
from ...core.tensor import Tensor
from .arguments import floats, tensors, truth_of

__all__ = ["UFUNCS"]


def _cbrt(x: Any) -> Tensor:
    x = floats(x)
    return ops.copysign(ops.pow(ops.abs(x), 1.0 / 3.0), x)


def _divmod(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    return ops.floor_divide(x1, x2), ops.remainder(x1, x2)


def _exp2(x: Any) -> Tensor:
    return ops.pow(2.0, floats(x))


def _float_power(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    return ops.pow(floats(x1), floats(x2))


def _fmax(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    return ops.where(ops.isnan(x2), x1, ops.where(ops.isnan(x1), x2, ops.maximum(x1, x2)))


def _fmin(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    return ops.where(ops.isnan(x2), x1, ops.where(ops.isnan(x1), x2, ops.minimum(x1, x2)))


def _fmod(x1: Any, x2: Any) -> Tensor:
    """Return the remainder with the sign of the dividend."""
    x1, x2 = tensors(x1, x2)
    negative = ops.less(x1, 0)
    rest = ops.remainder(ops.where(negative, ops.negative(x1), x1), ops.abs(x2))
    return ops.where(negative, ops.negative(rest), rest)


def _heaviside(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    x2 = floats(x2, x1)
    step = ops.astype(ops.greater(x1, 0), x2.dtype)
    return ops.where(ops.equal(x1, 0), x2, ops.where(ops.isnan(x1), math.nan, step))


def _ldexp(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    x1 = floats(x1)
    return ops.multiply(x1, ops.pow(2.0, ops.astype(x2, x1.dtype)))


def _logaddexp2(x1: Any, x2: Any) -> Tensor:
    scale = math.log(2.0)
    return ops.divide(ops.logaddexp(ops.multiply(floats(x1), scale), ops.multiply(floats(x2), scale)), scale)


def _matvec(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    return ops.matmul(x1, x2[..., None])[..., 0]


def _modf(x: Any) -> tuple[Tensor, Tensor]:
    x = floats(x)
    whole = ops.trunc(x)
    return ops.where(ops.isinf(x), 0.0, ops.subtract(x, whole)), whole


def _spacing(x: Any) -> Tensor:
    """Return the distance to the next representable number: constant between powers of 2, so it has no gradient."""
    x = floats(x).detach()
    size = ops.abs(x)
    return ops.copysign(ops.subtract(ops.nextafter(size, ops.full_like(size, math.inf)), size), x)


def _times(factor: float) -> Callable[[Any], Tensor]:
    return lambda x: ops.multiply(floats(x), factor)


def _vecdot(x1: Any, x2: Any, axis: int = -1) -> Tensor:
    return ops.vecdot(*tensors(x1, x2), axis=axis)


def _vecmat(x1: Any, x2: Any) -> Tensor:
    x1, x2 = tensors(x1, x2)
    return ops.matmul(ops.conj(x1)[..., None, :] if x1.dtype.is_complex else x1[..., None, :], x2)[..., 0, :]


def _of_floats(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a floating-point op that also accepts integers, as NumPy's ufuncs do."""

    def of_floats(*operands: Any) -> Tensor:
        found = [x for x in operands if isinstance(x, Tensor)]
        if any([x.dtype.differentiable for x in found]):
            return op(*operands)
        return op(*[floats(x) if isinstance(x, Tensor) else x for x in operands])

    return of_floats


def _of_truth(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a boolean op that also accepts numbers: nonzero values are True."""
    return lambda *operands: op(*[truth_of(x) for x in tensors(*operands)])


def _compared(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a comparison that takes a 0-d NumPy array as a number: NumPy passes its scalars as such arrays."""

    def compared(*operands: Any) -> Tensor:
        return op(*[x.item() if is_host(x) and getattr(x, "shape", None) == () else x for x in operands])

    return compared


UFUNCS: Final[dict[str, Callable[..., Any]]] = {
    "absolute": ops.abs,
    "add": ops.add,
    "arccos": _of_floats(ops.acos),
    "arccosh": _of_floats(ops.acosh),
    "arcsin": _of_floats(ops.asin),
    "arcsinh": _of_floats(ops.asinh),
    "arctan": _of_floats(ops.atan),
    "arctan2": _of_floats(ops.atan2),
    "arctanh": _of_floats(ops.atanh),
    "bitwise_and": ops.bitwise_and,
    "bitwise_or": ops.bitwise_or,
    "bitwise_xor": ops.bitwise_xor,
    "cbrt": _cbrt,
    "ceil": ops.ceil,
    "conjugate": ops.conj,
    "copysign": _of_floats(ops.copysign),
    "cos": _of_floats(ops.cos),
    "cosh": _of_floats(ops.cosh),
    "deg2rad": _times(math.pi / 180.0),
    "degrees": _times(180.0 / math.pi),
    "divide": _of_floats(ops.divide),
    "divmod": _divmod,
    "equal": _compared(ops.equal),
    "exp": _of_floats(ops.exp),
    "exp2": _exp2,
    "expm1": _of_floats(ops.expm1),
    "fabs": _of_floats(ops.abs),
    "float_power": _float_power,
    "floor": ops.floor,
    "floor_divide": ops.floor_divide,
    "fmax": _fmax,
    "fmin": _fmin,
    "fmod": _fmod,
    "greater": _compared(ops.greater),
    "greater_equal": _compared(ops.greater_equal),
    "heaviside": _heaviside,
    "hypot": _of_floats(ops.hypot),
    "invert": ops.bitwise_invert,
    "isfinite": ops.isfinite,
    "isinf": ops.isinf,
    "isnan": ops.isnan,
    "ldexp": _ldexp,
    "left_shift": ops.bitwise_left_shift,
    "less": _compared(ops.less),
    "less_equal": _compared(ops.less_equal),
    "log": _of_floats(ops.log),
    "log10": _of_floats(ops.log10),
    "log1p": _of_floats(ops.log1p),
    "log2": _of_floats(ops.log2),
    "logaddexp": _of_floats(ops.logaddexp),
    "logaddexp2": _logaddexp2,
    "logical_and": _of_truth(ops.logical_and),
    "logical_not": _of_truth(ops.logical_not),
    "logical_or": _of_truth(ops.logical_or),
    "logical_xor": _of_truth(ops.logical_xor),
    "matmul": ops.matmul,
    "matvec": _matvec,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "modf": _modf,
    "multiply": ops.multiply,
    "negative": ops.negative,
    "nextafter": _of_floats(ops.nextafter),
    "not_equal": _compared(ops.not_equal),
    "positive": ops.positive,
    "power": ops.pow,
    "rad2deg": _times(180.0 / math.pi),
    "radians": _times(math.pi / 180.0),
    "reciprocal": ops.reciprocal,
    "remainder": ops.remainder,
    "right_shift": ops.bitwise_right_shift,
    "rint": ops.round,
    "sign": ops.sign,
    "signbit": ops.signbit,
    "sin": _of_floats(ops.sin),
    "sinh": _of_floats(ops.sinh),
    "spacing": _spacing,
    "sqrt": _of_floats(ops.sqrt),
    "square": ops.square,
    "subtract": ops.subtract,
    "tan": _of_floats(ops.tan),
    "tanh": _of_floats(ops.tanh),
    "trunc": ops.trunc,
    "vecdot": _vecdot,
    "vecmat": _vecmat,
}
