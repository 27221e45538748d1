"""Comparing gradients with finite differences, and Tensors with what is expected: for agrad's tests and for yours."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from . import backends
from .core.dtypes import as_dtype
from .core.tape import enable_grad, no_grad
from .core.tensor import Tensor
from .core.transforms import gradients
from .ops.manipulation import reshape

__all__ = ["assert_close", "check_grads"]

_TOLERANCES = {"float16": 1e-3, "bfloat16": 1.6e-2, "float32": 1e-5, "complex64": 1e-5}  # of other types: 1e-9


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    *,
    eps: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the gradients of a function, up to an order, with central differences in double precision.

    The outputs of `f` are weighted with random numbers and summed. How the sum changes when an argument moves by
    ``-eps`` and ``+eps`` along a random direction must agree with the gradient; where it does not, each entry is
    moved alone to find the worst. The gradient is itself a function, of the arguments and the weights, and is checked
    in the same way for the next order. A complex entry is moved along both axes; its gradient is that of PyTorch's
    convention, ``d/dRe + 1j * d/dIm``.

    Parameters
    ----------
    f : callable
        Returns a Tensor, or a tuple, list or dict of Tensors. It must be smooth near `args`.
    args : Tensor or sequence
        Floats, and Tensors of a floating type, are made double and varied; anything else is passed on as it is.
    order : int
        The highest order of derivative to check; 1 checks gradients, 2 also gradients of gradients.
    eps : float
        The step of the differences.
    rtol, atol : float
        The relative and absolute tolerance.
    seed : int
        Of the weights and directions.

    Raises
    ------
    AssertionError
        If a gradient differs: with the argument, the index, and both values where they differ most.
    TypeError
        If `f` returns something else than Tensors.
    ValueError
        If there is nothing to vary, or `order` is below 1.
    RuntimeError
        If an argument's device does not compute in double precision.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import check_grads
    >>> check_grads(lambda x, y: agrad.exp(x) / y, [agrad.asarray([0.5, 1.0]), 2.0], order=3)
    """
    if order < 1:
        raise ValueError(f"order must be at least 1, not {order}")
    given = [_doubled(x) for x in ([args] if isinstance(args, Tensor) else args)]
    varied = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.dtype.differentiable]
    if not varied:
        raise ValueError("there is nothing to vary: no argument is a float or a Tensor of a floating type")

    def function(*points: Tensor) -> list[Tensor]:
        filled = list(given)
        for i, point in zip(varied, points, strict=True):
            filled[i] = point
        return list(_flatten(f(*filled)))

    check = _Check(getattr(f, "__name__", "f"), eps, rtol, atol, Random(seed))
    with enable_grad():
        check(function, [given[i] for i in varied], [f"argument {i}" for i in varied], 1, order)


def assert_close(actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None) -> None:
    """Compare shapes and values, and between Tensors also dtype and device; NaN equals NaN.

    Parameters
    ----------
    actual, expected : Tensor, array, nested list or number
    rtol, atol : float, optional
        The relative and absolute tolerance; by default 1e-5 for single precision and 1e-9 for double precision,
        and 0 where neither side is floating.

    Raises
    ------
    AssertionError
        If they differ: with the index and both values where they differ most.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import assert_close
    >>> assert_close(agrad.asarray([0.1, 0.2]) * 3, [0.3, 0.6])
    """
    a, e = _as_tensor(actual), _as_tensor(expected)
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        _same("dtype", a.dtype, e.dtype)
        _same("device", a.device, e.device)
    _same("shape", a.shape, e.shape)
    tolerance = max(_tolerance(x) for x in (a, e))
    rtol = tolerance if rtol is None else rtol
    atol = tolerance if atol is None else atol
    if difference := _worst(_numbers(a), _numbers(e), a.shape, rtol, atol):
        raise AssertionError(f"values differ (rtol={rtol}, atol={atol}): {difference}")


def _as_tensor(x: Any) -> Tensor:
    """Return what is compared as a Tensor: lists and numbers in double precision."""
    if isinstance(x, Tensor):
        return x
    return Tensor(backends.read(x), device="cpu") if backends.is_host(x) else Tensor(x)


def _same(what: str, actual: Any, expected: Any) -> None:
    if actual != expected:
        raise AssertionError(f"{what} is {actual}, expected {expected}")


def _tolerance(x: Tensor) -> float:
    return _TOLERANCES.get(x.dtype.name, 1e-9) if x.dtype.differentiable else 0.0


# Finite differences


@dataclass
class _Check:
    """The settings of a call of `check_grads`; calling it checks one order, and then the next."""

    name: str
    eps: float
    rtol: float
    atol: float
    random: Random

    def __call__(
        self, f: Callable[..., list[Tensor]], points: list[Tensor], names: list[str], level: int, order: int
    ) -> None:
        leaves = [point.detach().requires_grad_() for point in points]
        outputs = f(*leaves)
        weights = [_tensor(self._draw(output), output) for output in outputs]
        analytic = _pull(outputs, leaves, weights, create_graph=False)
        what = f"the gradient of {self.name} of order {level}"
        unfit = [x.dtype.name for x in outputs if x.dtype.name not in ("float64", "complex128")]
        for i, gradient in enumerate(analytic):
            if difference := self._difference(f, points, i, weights, gradient):
                missing = "; no rule leads there" if gradient is None else ""
                note = f"; {unfit[0]} is too coarse for differences: compute in float64" if unfit else ""
                raise AssertionError(f"{what} with respect to {names[i]} is wrong: {difference}{missing}{note}")
        if level == order:
            return

        def gradient_function(*values: Tensor) -> list[Tensor]:
            xs, ws = values[: len(points)], values[len(points) :]
            return [g for g in _pull(f(*xs), xs, ws, create_graph=True) if g is not None]

        for raw, recorded in zip(
            [g for g in analytic if g is not None], gradient_function(*leaves, *weights), strict=True
        ):
            if difference := _worst(_numbers(recorded), _numbers(raw), raw.shape, 1e-9, 1e-9, ("recorded", "raw")):
                raise AssertionError(f"{what} is another one under create_graph: {difference}")
        weight_names = [f"the weights of output {i}" for i in range(len(outputs))]
        self(gradient_function, [*points, *weights], [*names, *weight_names], level + 1, order)

    def _draw(self, like: Tensor) -> list[Any]:
        """Return random numbers of size 0.5 to 1.5, so that none hides an entry."""

        def draw() -> float:
            return self.random.uniform(0.5, 1.5) * self.random.choice((-1, 1))

        return [complex(draw(), draw()) if like.dtype.is_complex else draw() for _ in range(like.size)]

    def _difference(
        self,
        f: Callable[..., list[Tensor]],
        points: list[Tensor],
        i: int,
        weights: list[Tensor],
        gradient: Tensor | None,
    ) -> str:
        """Say how the gradient of `points[i]` differs from what is seen when it moves; nothing if they agree."""
        point = points[i]
        values = _numbers(point)

        def slope(direction: Sequence[Any]) -> float:
            sums = []
            for step in (self.eps, -self.eps):
                xs = [x.detach().requires_grad_() for x in points]
                moved = [value + step * d for value, d in zip(values, direction, strict=True)]
                xs[i] = _tensor(moved, point).requires_grad_()
                sums.append(sum(_inner(_numbers(out), _numbers(w)) for out, w in zip(f(*xs), weights, strict=True)))
            return (sums[0] - sums[1]) / (2 * self.eps)

        found = [0.0] * point.size if gradient is None else _numbers(gradient)
        direction = self._draw(point)
        analytic, numeric = _inner(found, direction), slope(direction)
        if math.isfinite(analytic) and _error(analytic, numeric, self.rtol, self.atol) <= 1:
            return ""
        axes = [[float(j == k) for j in range(point.size)] for k in range(point.size)]
        entries: list[Any] = [slope(axis) for axis in axes]
        if point.dtype.is_complex:
            entries = [re + 1j * slope([1j * d for d in axis]) for re, axis in zip(entries, axes, strict=True)]
        alone = _worst(found, entries, point.shape, self.rtol, self.atol, ("analytic", "numeric"))
        return alone or f"along a random direction numeric {numeric!r}, analytic {analytic!r}"


def _doubled(x: Any) -> Any:
    """Return a float or a floating Tensor as a Tensor in double precision, and anything else as it is."""
    if isinstance(x, (float, complex)):
        x = Tensor(x)
    if not isinstance(x, Tensor) or not x.dtype.differentiable:
        return x
    if not x.device.backend.supports_float64:
        raise RuntimeError(
            f"{x.device} does not compute in float64, which finite differences need; "
            "set JAX_ENABLE_X64=1 for jax, or check on another device"
        )
    return Tensor(x, dtype=as_dtype("complex128" if x.dtype.is_complex else "float64"))


def _flatten(result: Any) -> Iterator[Tensor]:
    """Yield the Tensors of a floating type in what a function returned."""
    if isinstance(result, Tensor):
        if result.dtype.differentiable:
            yield result
    elif isinstance(result, (Mapping, tuple, list)):
        for part in result.values() if isinstance(result, Mapping) else result:
            yield from _flatten(part)
    else:
        raise TypeError(f"the function must return Tensors, not {type(result).__name__}: gradients would end there")


def _pull(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor], create_graph: bool
) -> Sequence[Tensor | None]:
    tracked = [(out, weight) for out, weight in zip(outputs, weights, strict=True) if out.requires_grad]
    if not tracked:
        return [None] * len(inputs)
    outs, ws = zip(*tracked, strict=True)
    return gradients(outs, inputs, ws, create_graph=create_graph, allow_unused=True)


def _inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """Return the real inner product, which is what complex gradients are defined by."""
    return math.fsum((x * y.conjugate()).real for x, y in zip(xs, ys, strict=True))


# Numbers in lists: the functions under test take no part in testing themselves


def _numbers(x: Tensor) -> list[Any]:
    values, depth = x.tolist(), x.ndim
    if depth == 0:
        return [values]
    for _ in range(depth - 1):
        values = [value for row in values for value in row]
    return list(values)


def _tensor(numbers: list[Any], like: Tensor) -> Tensor:
    with no_grad():
        return reshape(Tensor(numbers, dtype=like.dtype, device=like.device), like.shape)


def _worst(
    actual: list[Any],
    expected: list[Any],
    shape: tuple[int, ...],
    rtol: float,
    atol: float,
    names: tuple[str, str] = ("actual", "expected"),
) -> str:
    """Say where two lists of numbers differ most; nothing if they are close."""
    errors = [_error(a, e, rtol, atol) for a, e in zip(actual, expected, strict=True)]
    wrong = sum(error > 1 for error in errors)
    if not wrong:
        return ""
    place = max(range(len(errors)), key=errors.__getitem__)
    index, rest = [], place
    for length in reversed(shape):
        rest, i = divmod(rest, length)
        index.append(i)
    where = f"at index {tuple(reversed(index))} " if shape else ""
    return (
        f"{where}{names[1]} {expected[place]!r}, {names[0]} {actual[place]!r} ({wrong} of {len(errors)} entries differ)"
    )


def _error(actual: Any, expected: Any, rtol: float, atol: float) -> float:
    """Return the error in units of what is tolerated."""
    if actual == expected or (cmath.isnan(actual) and cmath.isnan(expected)):
        return 0.0
    error = abs(actual - expected)
    if not math.isfinite(error):
        return math.inf
    allowed = atol + rtol * abs(expected)
    return float(error / allowed) if allowed else math.inf
