"""`check_grads`: derivatives of any order, compared with central differences along random directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..core.dtypes import as_dtype
from ..core.grad_mode import enable_grad
from ..core.gradients import gradients
from ..core.tensor import Tensor
from ..ops.creation import asarray
from ..transforms.jvp import jvp
from .comparison import flat_values, inner, relative_error, tensor_of, worst

__all__ = ["check_grads"]

Function = Callable[..., list[Tensor]]


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    *,
    eps: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the derivatives of a function, up to an order, with central differences in double precision.

    Reverse mode: the outputs of `f` are weighted with random numbers and summed. The difference of this sum when an
    argument moves by ``-eps`` and ``+eps`` along a random direction must agree with the gradient; where it does not,
    each entry is moved alone to find the worst one. Forward mode: all arguments move together, and the difference of
    each output must agree with `agrad.jvp`. The derivative is itself a function, of the arguments and of the weights or
    directions, and is checked in the same way for the next order. A complex entry is moved along both axes; its
    gradient follows PyTorch's convention, ``d/dRe + 1j * d/dIm``.

    Parameters
    ----------
    f : callable
        Returns a Tensor, or a tuple, list or dict of Tensors. It must be smooth near `args`.
    args : Tensor, array or sequence
        Floats and floating Tensors and arrays are converted to Tensors of double precision and varied; anything else is
        passed unchanged.
    order : int
        The highest order of derivative to check; 1 checks gradients, 2 also gradients of gradients.
    modes : sequence of str
        ``"rev"`` checks gradients, ``"fwd"`` Jacobian-vector products. With ``"rev"``, the next order checks the
        derivatives of the gradients, otherwise those of the Jacobian-vector products.
    eps : float
        The step of the differences.
    rtol, atol : float
        The relative and absolute tolerance.
    seed : int
        The seed of the random weights and directions.

    Raises
    ------
    AssertionError
        If a derivative differs; the message names the argument or output, and shows the index and both values where
        they differ most.
    TypeError
        If `f` returns anything but Tensors.
    ValueError
        If no argument can be varied, if `order` is below 1, or if a mode is unknown.
    RuntimeError
        If an argument's device has no double precision.

    Examples
    --------
    >>> import agrad
    >>> from agrad.testing import check_grads
    >>> check_grads(lambda x, y: agrad.exp(x) / y, [agrad.asarray([0.5, 1.0]), 2.0], order=3)
    """
    if order < 1:
        raise ValueError(f"order must be at least 1, not {order}")
    if not modes or not {"rev", "fwd"} >= set(modes):
        raise ValueError(f"modes must be 'rev', 'fwd' or both, not {modes!r}")
    given = [_doubled(x) for x in ([args] if hasattr(args, "shape") else args)]
    varied = [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.dtype.differentiable]
    if not varied:
        raise ValueError("there is nothing to vary: no argument is a float, or a floating Tensor or array")

    def function(*points: Tensor) -> list[Tensor]:
        filled = list(given)
        for i, point in zip(varied, points, strict=True):
            filled[i] = point
        return list(_flatten(f(*filled)))

    check = _Check(getattr(f, "__name__", "f"), set(modes), eps, rtol, atol, Random(seed))
    with enable_grad():
        check(function, [given[i] for i in varied], [f"argument {i}" for i in varied], 1, order)


@dataclass
class _Check:
    """The settings of a call of `check_grads`; calling it checks one order, then the next."""

    name: str
    modes: set[str]
    eps: float
    rtol: float
    atol: float
    random: Random

    def __call__(self, f: Function, points: list[Tensor], names: list[str], level: int, order: int) -> None:
        checks = {"rev": self._backward, "fwd": self._forward}
        further, *_ = [
            check(f, points, names, level, level == order) for mode, check in checks.items() if mode in self.modes
        ]
        if level < order:
            self(*further, level + 1, order)

    # Forward

    def _forward(
        self, f: Function, points: list[Tensor], names: list[str], level: int, last: bool
    ) -> tuple[Function, list[Tensor], list[str]]:
        """Check the Jacobian-vector product of all arguments; return it as the function to check next."""

        def product(*values: Tensor) -> list[Tensor]:
            return list(jvp(f, values[: len(points)], values[len(points) :])[1])

        directions = [self._draw(point) for point in points]
        tangents = [tensor_of(d, point) for d, point in zip(directions, points, strict=True)]
        lower, upper = ([flat_values(out) for out in f(*self._moved(points, directions, s))] for s in (-1, 1))
        for i, found in enumerate(product(*points, *tangents)):
            numeric = [(a - b) / (2 * self.eps) for a, b in zip(upper[i], lower[i], strict=True)]
            if difference := worst(
                flat_values(found), numeric, found.shape, self.rtol, self.atol, ("analytic", "numeric")
            ):
                what = f"the jvp of {self.name} of order {level} for output {i}"
                raise AssertionError(f"{what} is wrong: {difference}{_precision_hint([found])}")
        return product, [*points, *tangents], [*names, *(f"the tangent of {name}" for name in names)]

    def _moved(self, points: list[Tensor], directions: list[list[Any]], sign: int) -> list[Tensor]:
        """Return the points moved by one step along their directions."""
        moved = []
        for point, direction in zip(points, directions, strict=True):
            values = [value + sign * self.eps * d for value, d in zip(flat_values(point), direction, strict=True)]
            moved.append(tensor_of(values, point).requires_grad_())
        return moved

    # Backward

    def _backward(
        self, f: Function, points: list[Tensor], names: list[str], level: int, last: bool
    ) -> tuple[Function, list[Tensor], list[str]]:
        """Check the gradient of a weighted sum of the outputs; return it as the function to check next."""
        leaves = [point.detach().requires_grad_() for point in points]
        outputs = f(*leaves)
        weights = [tensor_of(self._draw(output), output) for output in outputs]
        analytic = _pull(outputs, leaves, weights, create_graph=False)
        what = f"the gradient of {self.name} of order {level}"
        for i, gradient in enumerate(analytic):
            if difference := self._difference(f, points, i, weights, gradient):
                missing = "; no gradient flows there" if gradient is None else ""
                problem = f"{what} with respect to {names[i]} is wrong: {difference}{missing}"
                raise AssertionError(problem + _precision_hint(outputs))

        def pulled(*values: Tensor) -> list[Tensor]:
            xs, ws = values[: len(points)], values[len(points) :]
            return [g for g in _pull(f(*xs), xs, ws, create_graph=True) if g is not None]

        if not last:  # the last order records nothing: its rules may support raw arrays only
            plain = [g for g in analytic if g is not None]
            for raw, recorded in zip(plain, pulled(*leaves, *weights), strict=True):
                if difference := worst(
                    flat_values(recorded), flat_values(raw), raw.shape, 1e-9, 1e-9, ("recorded", "raw")
                ):
                    raise AssertionError(f"{what} differs under create_graph: {difference}")
        weight_names = [f"the weights of output {i}" for i in range(len(outputs))]
        return pulled, [*points, *weights], [*names, *weight_names]

    def _difference(
        self, f: Function, points: list[Tensor], i: int, weights: list[Tensor], gradient: Tensor | None
    ) -> str:
        """Describe how the gradient of `points[i]` differs from the differences; an empty string if they agree."""
        point = points[i]

        def slope(direction: list[Any]) -> float:
            sums = []
            for sign in (1, -1):
                xs = [x.detach().requires_grad_() for x in points]
                (xs[i],) = self._moved([point], [direction], sign)
                sums.append(
                    sum(inner(flat_values(out), flat_values(w)) for out, w in zip(f(*xs), weights, strict=True))
                )
            return (sums[0] - sums[1]) / (2 * self.eps)

        found = [0.0] * point.size if gradient is None else flat_values(gradient)
        direction = self._draw(point)
        analytic, numeric = inner(found, direction), slope(direction)
        if math.isfinite(analytic) and relative_error(analytic, numeric, self.rtol, self.atol) <= 1:
            return ""
        axes = [[float(j == k) for j in range(point.size)] for k in range(point.size)]
        entries: list[Any] = [slope(axis) for axis in axes]
        if point.dtype.is_complex:
            entries = [re + 1j * slope([1j * d for d in axis]) for re, axis in zip(entries, axes, strict=True)]
        alone = worst(found, entries, point.shape, self.rtol, self.atol, ("analytic", "numeric"))
        return alone or f"along a random direction numeric {numeric!r}, analytic {analytic!r}"

    def _draw(self, like: Tensor) -> list[Any]:
        """Return random numbers of magnitude 0.5 to 1.5: one close to 0 would hide an entry."""

        def draw() -> float:
            return self.random.uniform(0.5, 1.5) * self.random.choice((-1, 1))

        return [complex(draw(), draw()) if like.dtype.is_complex else draw() for _ in range(like.size)]


def _precision_hint(outputs: Sequence[Tensor]) -> str:
    """Return a hint if the precision of the outputs is too low for differences."""
    names = [x.dtype.name for x in outputs if x.dtype.name not in ("float64", "complex128")]
    return f"; {names[0]} is too imprecise for differences: compute in float64" if names else ""


def _doubled(x: Any) -> Any:
    """Return a float, or a floating Tensor or array, as a Tensor in double precision; anything else unchanged."""
    given = x
    if isinstance(x, (float, complex)) or hasattr(x, "dtype"):
        x = asarray(x)
    if not isinstance(x, Tensor) or not x.dtype.differentiable:
        return given
    if not x.device.backend.supports_float64:
        raise RuntimeError(
            f"{x.device} has no float64, which finite differences need; "
            "set JAX_ENABLE_X64=1 for jax, or check on another device"
        )
    return Tensor(x, dtype=as_dtype("complex128" if x.dtype.is_complex else "float64"))


def _flatten(result: Any) -> Iterator[Tensor]:
    """Yield the floating Tensors in the result of a function."""
    if isinstance(result, Tensor):
        if result.dtype.differentiable:
            yield result
    elif isinstance(result, (Mapping, tuple, list)):
        for part in result.values() if isinstance(result, Mapping) else result:
            yield from _flatten(part)
    else:
        raise TypeError(f"the function must return Tensors, not {type(result).__name__}; no gradient flows there")


def _pull(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor], create_graph: bool
) -> Sequence[Tensor | None]:
    tracked = [(out, weight) for out, weight in zip(outputs, weights, strict=True) if out.requires_grad]
    if not tracked:
        return [None] * len(inputs)
    outs, ws = zip(*tracked, strict=True)
    return gradients(outs, inputs, ws, create_graph=create_graph, allow_unused=True)
