"""Implicit differentiation: gradients of the solutions of equations, however the solutions were found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..checks import check_callable
from ..core.grad_mode import enable_grad, no_grad, recording
from ..core.gradients import gradients
from ..core.lifting import lifted
from ..core.tape import seed, tick
from ..core.tensor import Tensor, wrap
from ..ops.elementwise import conj
from . import krylov, pytrees
from .deferred import Saved, arrays_of, check_same_arrays, keep_tape, new_handles, pull_back, record
from .linearized import Linearized, input_of, outside
from .numbers import Condition, Number, chosen, every, is_lost, largest, some
from .stop_gradient import stop_gradient

__all__ = ["fixed_point", "root"]

Function = Callable[..., Any]


def fixed_point(f: Function, x0: Any, *theta: Any, tol: float | None = None, max_iterations: int = 1000) -> Any:
    """Return the fixed point of a function, the x with ``f(x, *theta) == x``, by iterating ``x = f(x, *theta)``.

    Parameters
    ----------
    f : callable
        Returns a pytree of the structure, shapes and dtypes of its first argument. It must be a contraction: bring any
        two points near the solution closer together.
    x0 : floating Tensor, array, number or pytree
        The starting point; the solution does not depend on it, and no gradient flows to it.
    *theta
        Further arguments of `f`. Gradients flow to the Tensors in them, and to those that `f` closes over.
    tol : float, optional
        The iteration stops at a step of at most ``tol * (1 + |x|)``; by default 1e-10, and 1e-5 in single precision.
    max_iterations : int
        The maximum number of calls of `f`.

    Returns
    -------
    Tensor or pytree
        The solution.

    Raises
    ------
    RuntimeError
        If the iteration does not converge; in the backward pass, if the linear equations have no solution.
    ValueError
        If `f` returns Tensors of another structure, shape or dtype than `x0`.

    Notes
    -----
    By the implicit function theorem the derivative of the solution is ``(1 - df/dx)⁻¹ df/dtheta``. The backward pass
    solves the transposed linear equations by GMRES, from vector-Jacobian products only, and calls `f` once: its time
    and memory do not depend on the number of iterations. The solution of these equations is differentiated in the same
    way, so there are gradients of any order. Under `vmap`, it iterates until all examples have converged; an example
    that has converged keeps its solution.

    Examples
    --------
    >>> import agrad
    >>> f = lambda x, a: (x + a / x) / 2  # Heron's square root
    >>> agrad.fixed_point(f, 1.0, 2.0)
    Tensor(1.4142135, dtype=float32, device='cpu')
    >>> slope = agrad.grad(lambda a: agrad.fixed_point(f, 1.0, a))
    >>> print(f"{slope(2.0).item():.4f}")
    0.3536
    """
    check_callable("agrad.fixed_point", f)
    x = _start(x0)
    limit = _tolerance(x, tol)
    step: Number = math.inf
    done: Condition = False
    with no_grad():
        for _ in range(max_iterations):
            following = _like(f(pytrees.unflatten(x0, x), *theta), x0)
            step, size = krylov.norm(krylov.add(following, x, -1.0)), krylov.norm(following)
            x = [chosen(done, a, b) for a, b in zip(x, following, strict=True)]
            done = done | (step <= limit * (1 + size)) | is_lost(step)
            if every(done):
                break
        else:
            raise RuntimeError(
                f"fixed_point did not converge in {max_iterations} iterations: the last step is {largest(step):.2g}; "
                "if f is not a contraction, write root(lambda x, *theta: f(x, *theta) - x, ...), or start closer"
            )
    if some(is_lost(step)):
        raise RuntimeError("fixed_point diverged to inf or NaN; f is not a contraction: start closer, or write root")
    return _attached(lambda x, *theta: _differences(f(x, *theta), x), pytrees.unflatten(x0, x), theta, "fixed_point")


def root(f: Function, x0: Any, *theta: Any, tol: float | None = None, max_iterations: int = 50) -> Any:
    """Return a root of a function, an x with ``f(x, *theta) == 0``, by Newton's method.

    Parameters
    ----------
    f : callable
        Returns a pytree of the structure, shapes and dtypes of its first argument.
    x0 : floating Tensor, array, number or pytree
        The starting point; no gradient flows to it.
    *theta
        As in `fixed_point`.
    tol : float, optional
        The iteration stops at a step of at most ``tol * (1 + |x|)``; by default 1e-10, and 1e-5 in single precision.
    max_iterations : int
        The maximum number of steps.

    Returns
    -------
    Tensor or pytree
        The solution.

    Raises
    ------
    RuntimeError, ValueError
        As `fixed_point`.

    Notes
    -----
    Each step solves linear equations by GMRES, from Jacobian-vector products only, and is halved until the norm of `f`
    does not grow. The derivative is ``-(df/dx)⁻¹ df/dtheta``, computed as in `fixed_point`, also under `vmap`.

    Examples
    --------
    >>> import agrad
    >>> agrad.root(lambda x, a: x**3 - a, 1.0, 8.0)
    Tensor(2., dtype=float32, device='cpu')
    >>> slope = agrad.grad(lambda a: agrad.root(lambda x, a: x**3 - a, 1.0, a))
    >>> print(f"{slope(8.0).item():.4f}")
    0.0833
    """
    check_callable("agrad.root", f)
    x = _start(x0)
    limit = _tolerance(x, tol)
    size: Number = math.inf
    done: Condition = False
    with no_grad():
        for _ in range(max_iterations):
            at = Linearized(lambda x: f(x, *theta), (pytrees.unflatten(x0, x),), {}, (0,))
            values = _like(at.outputs, x0)
            size = krylov.norm(values)
            done = done | (size == 0)
            if every(done):
                break
            target = [chosen(done, 0 * y, -y) for y in values]
            step = krylov.solve(at.push, target, "the Jacobian of the function in root")
            x, length = _line_search(lambda x: _like(f(pytrees.unflatten(x0, x), *theta), x0), x, step, size)
            done = done | (length <= limit * (1 + krylov.norm(x)))
            if every(done):
                break
        else:
            raise RuntimeError(
                f"root did not converge in {max_iterations} iterations: the norm of f is {largest(size):.2g}; "
                "start closer"
            )
    return _attached(f, pytrees.unflatten(x0, x), theta, "root")


def _line_search(
    f: Callable[[list[Tensor]], list[Tensor]], x: list[Tensor], step: list[Tensor], size: Number
) -> tuple[list[Tensor], Number]:
    """Return the point after a step that is halved until the norm of `f` is at most `size`, and the step's length."""
    length = krylov.norm(step)
    factor: Number = 1.0
    is_tiny = length <= 1e-3 * _tolerance(x, None) * (1 + krylov.norm(x))
    for _ in range(30):
        point = krylov.add(x, step, factor)
        fits = (krylov.norm(f(point)) <= size) | is_tiny
        if every(fits):
            return point, length * factor
        factor = chosen(fits, factor, 0.5 * factor)
    raise RuntimeError(f"root is stuck where the norm of f is {largest(size):.2g}: no step reduces it; start elsewhere")


def _start(x0: Any) -> list[Tensor]:
    return [input_of(x, linked=False).detach() for x in pytrees.flatten(x0)]


def _tolerance(x: Sequence[Tensor], tol: float | None) -> float:
    doubles = all(part.dtype.name in ("float64", "complex128") for part in x)
    return tol if tol is not None else 1e-10 if doubles else 1e-5


def _like(found: Any, x0: Any) -> list[Tensor]:
    """Return the leaves of the result of a function; ValueError unless they match those of `x0`."""
    leaves = pytrees.flatten_like(found, x0, "what the function returns")
    for y, x in zip(leaves, _start(x0), strict=True):
        if not isinstance(y, Tensor) or (y.shape, y.dtype) != (x.shape, x.dtype):
            told = f"{y.dtype!r} of shape {y.shape}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
            same = isinstance(y, Tensor) and y.shape == x.shape
            advice = f"; write agrad.asarray(x0, dtype={y.dtype!r}) for x0" if same else ""
            raise ValueError(
                f"the function must return Tensors like x0, {x.dtype!r} of shape {x.shape}, not {told}{advice}"
            )
    return leaves


def _differences(a: Any, b: Any) -> Any:
    return pytrees.unflatten(b, [x - y for x, y in zip(pytrees.flatten(a), pytrees.flatten(b), strict=True)])


# The derivative


def _attached(f: Function, solution: Any, theta: Sequence[Any], name: str) -> Any:
    """Return a solution of ``f(x, *theta) = 0`` on the tape; its parents are the Tensors that `f` depends on."""
    leaves = [x.detach() for x in pytrees.flatten(solution)]
    if not recording.get():
        return pytrees.unflatten(solution, leaves)
    since = tick()
    inputs = [input_of(x, linked=False) for x in leaves]
    with keep_tape():
        residuals = pytrees.flatten(f(pytrees.unflatten(solution, inputs), *theta))
    parents = outside(residuals, since)
    if not parents:
        return pytrees.unflatten(solution, leaves)
    leaves = lifted(name, [*leaves, *residuals])[: len(leaves)]  # under vmap, each example has its own equation
    equation = _Equation(f, stop_gradient(solution), new_handles(theta))
    rule = partial(_implicit_rule, parents, name)
    recorded = record(name, leaves, parents, arrays_of(theta, parents), equation, rule, keep_outputs=True)
    return pytrees.unflatten(solution, recorded)


class _Equation(NamedTuple):
    """An equation ``f(x, *theta) = 0`` and its solution, at which the rule evaluates `f` again."""

    f: Function
    solution: Any
    theta: Sequence[Any]

    def residuals(self, x: Sequence[Tensor]) -> list[Tensor]:
        return pytrees.flatten(self.f(pytrees.unflatten(self.solution, x), *new_handles(self.theta)))


def _implicit_rule(parents: Sequence[Any], name: str, g: list[Any], saved: Saved) -> tuple[dict[Any, Any], set[Any]]:
    """The gradient rule: solve ``(df/dx)ᵀ w = g``, and propagate -w back through `f` to the parents."""
    check_same_arrays(name, saved.arrays, arrays_of(saved.call.theta, parents))
    graph = isinstance(g[0], Tensor)
    wanted = [conj(x if graph else wrap(x, saved.device)) for x in g]  # conjugated, as `gradients` takes them
    outputs = saved.outputs if graph else [wrap(x, saved.device) for x in saved.outputs]
    inputs = [input_of(x, linked=graph) for x in outputs]
    with enable_grad():
        residuals = saved.call.residuals(inputs)
    tracked = [i for i, y in enumerate(residuals) if y._node is not None]
    ends = [residuals[i] for i in tracked]

    def transposed(w: Sequence[Tensor]) -> list[Tensor]:
        pulled = gradients(ends, inputs, [w[i] for i in tracked], True, recording.get(), allow_unused=True)
        return [0 * x.detach() if p is None else p for p, x in zip(pulled, inputs, strict=True)]

    with no_grad():
        weights = krylov.solve(transposed, [x.detach() for x in wanted], f"the Jacobian at the solution of {name}")
    if graph:
        equations = lambda w: [a - b for a, b in zip(transposed(w), wanted, strict=True)]
        weights = _attached(equations, weights, (), name)
    seeds = [seed(residuals[i], -weights[i], graph) for i in tracked]
    return pull_back(ends, seeds, parents, stops=inputs)
