"""Solutions of equations, differentiated through what they solve and not through how they were found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..checks import check_callable
from ..core.gradients import gradients
from ..core.recording import enable_grad, no_grad, recording
from ..core.tape import seed, tick
from ..core.tensor import Tensor, wrap
from ..ops.elementwise import conj
from . import krylov, pytrees
from .deferred import Saved, arrays_of, pull_back, record, refuse_others, twins
from .linearized import Linearized, input_of, outside
from .stop_gradient import stop_gradient

__all__ = ["fixed_point", "root"]

Function = Callable[..., Any]


def fixed_point(f: Function, x0: Any, *theta: Any, tol: float | None = None, max_iterations: int = 1000) -> Any:
    """Return the x for which ``f(x, *theta)`` is x, found by repeating ``x = f(x, *theta)``.

    Parameters
    ----------
    f : callable
        Returns a nest like its first argument: Tensors of the same shapes and dtypes. It must be a contraction: bring
        any two points near the solution closer together.
    x0 : floating Tensor, array, number or nest
        Where to begin; the solution does not depend on it, and no gradient flows to it.
    *theta
        What else `f` takes. Gradients flow to the Tensors in it, and to those that `f` uses without taking them.
    tol : float, optional
        How small a step, relative to ``1 + |x|``, ends the search; by default 1e-10, and 1e-5 in single precision.
    max_iterations : int
        How often `f` is called before that counts as a failure.

    Returns
    -------
    Tensor or nest
        The solution.

    Raises
    ------
    RuntimeError
        If no solution is found; and in the backward pass, if the equations that the derivative solves have none.
    ValueError
        If `f` returns something else than `x0` is.

    Notes
    -----
    By the implicit function theorem the solution moves with theta as ``(1 - df/dx)⁻¹ df/dtheta`` says. The backward
    pass solves the transposed linear equations with products only, by GMRES, and calls `f` once: its time and memory do
    not depend on how many iterations there were. What it solves is differentiated in the same way, so that there are
    gradients of gradients, of any order.

    Examples
    --------
    >>> import agrad
    >>> f = lambda x, a: (x + a / x) / 2  # Heron's square root
    >>> agrad.fixed_point(f, 1.0, 2.0)
    Tensor(1.4142135, dtype=float32, device='cpu')
    >>> round(agrad.grad(lambda a: agrad.fixed_point(f, 1.0, a))(2.0).item(), 4)
    0.3536
    """
    check_callable("agrad.fixed_point", f)
    x = _start(x0)
    limit, step = _tolerance(x, tol), math.inf
    with no_grad():
        for _ in range(max_iterations):
            following = _like(f(pytrees.rebuild(x0, x), *theta), x0)
            step, size = krylov.norm(krylov.add(following, x, -1.0)), krylov.norm(following)
            x = following
            if step <= limit * (1 + size) or not math.isfinite(step):
                break
        else:
            raise RuntimeError(
                f"fixed_point did not converge in {max_iterations} iterations: the last step is {step:.2g}; f may be "
                "no contraction there: write root(lambda x, *theta: f(x, *theta) - x, ...), or begin closer"
            )
    if not math.isfinite(step):
        raise RuntimeError("fixed_point ran away to inf or NaN; f is no contraction there: begin closer, or write root")
    return _attached(lambda x, *theta: _differences(f(x, *theta), x), pytrees.rebuild(x0, x), theta, "fixed_point")


def root(f: Function, x0: Any, *theta: Any, tol: float | None = None, max_iterations: int = 50) -> Any:
    """Return an x for which ``f(x, *theta)`` is zero, found by Newton's method.

    Parameters
    ----------
    f : callable
        Returns a nest like its first argument: Tensors of the same shapes and dtypes.
    x0 : floating Tensor, array, number or nest
        Where to begin; no gradient flows to it.
    *theta
        As in `fixed_point`.
    tol : float, optional
        How small a step, relative to ``1 + |x|``, ends the search; by default 1e-10, and 1e-5 in single precision.
    max_iterations : int
        How many steps are made before that counts as a failure.

    Returns
    -------
    Tensor or nest
        The solution.

    Raises
    ------
    RuntimeError, ValueError
        As `fixed_point`.

    Notes
    -----
    Each step solves linear equations by GMRES with products only, and is halved until `f` comes down. The derivative is
    that of the equations, ``-(df/dx)⁻¹ df/dtheta``, as `fixed_point` says.

    Examples
    --------
    >>> import agrad
    >>> agrad.root(lambda x, a: x**3 - a, 1.0, 8.0)
    Tensor(2., dtype=float32, device='cpu')
    >>> slope = agrad.grad(lambda a: agrad.root(lambda x, a: x**3 - a, 1.0, a))
    >>> round(slope(8.0).item(), 4)
    0.0833
    """
    check_callable("agrad.root", f)
    x = _start(x0)
    limit = _tolerance(x, tol)
    with no_grad():
        for _ in range(max_iterations):
            at = Linearized(lambda x: f(x, *theta), (pytrees.rebuild(x0, x),), {}, (0,))
            values = _like(at.outputs, x0)
            if not krylov.norm(values):
                break
            step = krylov.solve(at.push, krylov.scale(values, -1.0), "the Jacobian of the function in root")
            x, length = _downhill(lambda x: _like(f(pytrees.rebuild(x0, x), *theta), x0), x, step, krylov.norm(values))
            if length <= limit * (1 + krylov.norm(x)):
                break
        else:
            raise RuntimeError(
                f"root did not converge in {max_iterations} iterations: f was {krylov.norm(values):.2g} at last; "
                "begin closer"
            )
    return _attached(f, pytrees.rebuild(x0, x), theta, "root")


def _downhill(
    f: Callable[[list[Tensor]], list[Tensor]], x: list[Tensor], step: list[Tensor], height: float
) -> tuple[list[Tensor], float]:
    """Return the point behind a step, halved until `f` is no larger than before, and the length of the step."""
    length = krylov.norm(step)
    for halvings in range(30):
        there = krylov.add(x, step, 0.5**halvings)
        if krylov.norm(f(there)) <= height or length <= 1e-3 * _tolerance(x, None) * (1 + krylov.norm(x)):
            return there, length * 0.5**halvings
    raise RuntimeError(f"root is stuck where f is {height:.2g}: no step makes it smaller; begin elsewhere")


def _start(x0: Any) -> list[Tensor]:
    return [input_of(x, linked=False).detach() for x in pytrees.leaves(x0)]


def _tolerance(x: Sequence[Tensor], tol: float | None) -> float:
    doubles = all(part.dtype.name in ("float64", "complex128") for part in x)
    return tol if tol is not None else 1e-10 if doubles else 1e-5


def _like(found: Any, x0: Any) -> list[Tensor]:
    """Return the leaves of what a function returned, which must be as its argument."""
    leaves = pytrees.matching(found, x0, "what the function returns")
    for y, x in zip(leaves, _start(x0), strict=True):
        if not isinstance(y, Tensor) or (y.shape, y.dtype) != (x.shape, x.dtype):
            told = f"{y.dtype!r} of shape {y.shape}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
            raise ValueError(f"the function must return what x0 is, {x.dtype!r} of shape {x.shape}, and not {told}")
    return leaves


def _differences(a: Any, b: Any) -> Any:
    return pytrees.rebuild(b, [x - y for x, y in zip(pytrees.leaves(a), pytrees.leaves(b), strict=True)])


# The derivative


def _attached(f: Function, solution: Any, theta: Sequence[Any], name: str) -> Any:
    """Return a solution of ``f(x, *theta) = 0`` as what theta and all else that `f` uses made of it."""
    leaves = [x.detach() for x in pytrees.leaves(solution)]
    if not recording.get():
        return pytrees.rebuild(solution, leaves)
    since = tick()
    inputs = [input_of(x, linked=False) for x in leaves]
    residuals = pytrees.leaves(f(pytrees.rebuild(solution, inputs), *theta))
    parents = outside(residuals, since)
    if not parents:
        return pytrees.rebuild(solution, leaves)
    again = _Again(f, stop_gradient(solution), twins(theta))
    rule = partial(_pulled, parents, name)
    made = record(name, leaves, parents, arrays_of(theta, parents), again, rule, keep_outputs=True)
    return pytrees.rebuild(solution, made)


class _Again(NamedTuple):
    """What it takes to call a function once more at its solution."""

    f: Function
    solution: Any
    theta: Sequence[Any]

    def repeat(self, x: Sequence[Tensor]) -> list[Tensor]:
        return pytrees.leaves(self.f(pytrees.rebuild(self.solution, x), *twins(self.theta)))


def _pulled(parents: Sequence[Any], name: str, g: list[Any], saved: Saved) -> tuple[dict[Any, Any], set[Any]]:
    """The rule: solve ``(df/dx)ᵀ w = g``, and pull -w back through `f` to all else that it uses."""
    refuse_others(name, saved.arrays, arrays_of(saved.call.theta, parents))
    graph = isinstance(g[0], Tensor)
    wanted = [conj(x if graph else wrap(x, saved.device)) for x in g]  # in public convention, as `gradients` has it
    outputs = saved.outputs if graph else [wrap(x, saved.device) for x in saved.outputs]
    inputs = [input_of(x, linked=graph) for x in outputs]
    with enable_grad():
        residuals = saved.call.repeat(inputs)
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
