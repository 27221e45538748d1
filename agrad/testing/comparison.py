"""Comparison of Tensors with expected values, in Python's own numbers: the tested code does not test itself."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any

from .. import backends
from ..core.device import Device
from ..core.grad_mode import no_grad
from ..core.tensor import Tensor, wrap
from ..ops.manipulation import reshape

__all__ = ["assert_close", "flat_values", "index_of", "inner", "relative_error", "tensor_of", "worst"]

_TOLERANCES = {"float16": 1e-3, "bfloat16": 1.6e-2, "float32": 1e-5, "complex64": 1e-5}  # of other types: 1e-9


def assert_close(actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None) -> None:
    """Raise AssertionError unless namespace, device, dtype, shape and values agree; NaN equals NaN.

    Of lists and numbers, and of a NumPy array and a Tensor, only shape and values are compared.

    Parameters
    ----------
    actual, expected : Tensor, array, nested list or number
        The values to compare.
    rtol, atol : float, optional
        The relative and absolute tolerance; by default 1e-5 for single precision and 1e-9 for double precision,
        and 0 where neither side is floating.

    Raises
    ------
    AssertionError
        If they differ; the message shows the index and both values where they differ most.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import assert_close
    >>> assert_close(agrad.asarray([0.1, 0.2]) * 3, [0.3, 0.6])
    """
    a, e = _as_tensor(actual), _as_tensor(expected)
    namespaces = _namespace(actual), _namespace(expected)
    if None not in namespaces and set(namespaces) != {"agrad", "numpy"}:
        _same("namespace", *namespaces)
        _same("device", a.device, e.device)
        _same("dtype", a.dtype, e.dtype)
    _same("shape", a.shape, e.shape)
    tolerance = max(_tolerance(x) for x in (a, e))
    rtol = tolerance if rtol is None else rtol
    atol = tolerance if atol is None else atol
    if difference := worst(flat_values(a), flat_values(e), a.shape, rtol, atol):
        raise AssertionError(f"values differ (rtol={rtol}, atol={atol}): {difference}")


def _as_tensor(x: Any) -> Tensor:
    """Return a value to compare as a Tensor; lists and numbers in double precision."""
    if isinstance(x, Tensor):
        return x
    if _namespace(x) is not None:
        return wrap(x, Device.of(x))
    return Tensor(backends.read(x), device="cpu") if backends.is_host(x) else Tensor(x)


def _namespace(x: Any) -> str | None:
    """Return the name of the library whose array `x` is; None for numbers, lists and NumPy's scalars."""
    if isinstance(x, Tensor):
        return "agrad"
    try:
        backend = backends.of(x)
    except TypeError:
        return None
    return backends.KINDS.get(backend.kind, backend.kind) if backend.is_array(x) else None


def _same(what: str, actual: Any, expected: Any) -> None:
    if actual != expected:
        raise AssertionError(f"{what} is {actual}, expected {expected}")


def _tolerance(x: Tensor) -> float:
    return _TOLERANCES.get(x.dtype.name, 1e-9) if x.dtype.differentiable else 0.0


# Flat lists of Python numbers


def flat_values(x: Tensor) -> list[Any]:
    """Return the elements as a flat list of Python numbers."""
    values, depth = x.tolist(), x.ndim
    if depth == 0:
        return [values]
    for _ in range(depth - 1):
        values = [value for row in values for value in row]
    return list(values)


def tensor_of(values: list[Any], like: Tensor) -> Tensor:
    """Return a Tensor of these elements, with the shape, dtype and device of `like`."""
    with no_grad():
        return reshape(Tensor(values, dtype=like.dtype, device=like.device), like.shape)


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """Return the real inner product, by which complex gradients are defined."""
    return math.fsum((x * y.conjugate()).real for x, y in zip(xs, ys, strict=True))


def worst(
    actual: Sequence[Any],
    expected: Sequence[Any],
    shape: tuple[int, ...],
    rtol: float,
    atol: float,
    names: tuple[str, str] = ("actual", "expected"),
) -> str:
    """Describe where two lists of numbers differ most; an empty string if they are close."""
    errors = [relative_error(a, e, rtol, atol) for a, e in zip(actual, expected, strict=True)]
    wrong = sum(error > 1 for error in errors)
    if not wrong:
        return ""
    k = max(range(len(errors)), key=errors.__getitem__)
    where = f"at index {index_of(k, shape)} " if shape else ""
    return f"{where}{names[1]} {expected[k]!r}, {names[0]} {actual[k]!r} ({wrong} of {len(errors)} entries differ)"


def index_of(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the index of the element at a position in the flat list."""
    index = []
    for length in reversed(shape):
        place, i = divmod(place, length)
        index.append(i)
    return tuple(reversed(index))


def relative_error(actual: Any, expected: Any, rtol: float, atol: float) -> float:
    """Return the error as a multiple of the tolerance."""
    if actual == expected or (cmath.isnan(actual) and cmath.isnan(expected)):
        return 0.0
    error = abs(actual - expected)
    if not math.isfinite(error):
        return math.inf
    allowed = atol + rtol * abs(expected)
    return float(error / allowed) if allowed else math.inf
