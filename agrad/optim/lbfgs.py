"""The L-BFGS optimizer: a quasi-Newton method with limited memory."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..checks import check_integers, check_numbers
from ..core.grad_mode import enable_grad, no_grad
from ..core.tensor import Tensor
from ..nn.reductions import widened
from ..ops.creation import asarray, zeros_like
from ..ops.elementwise import abs, imag, real
from ..ops.linear_algebra import vecdot
from ..ops.manipulation import concat, reshape, stack
from ..ops.statistical import max, sum
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """L-BFGS, for smooth losses computed on the full batch.

    Each iteration steps along the negative gradient multiplied by an estimate of the inverse Hessian, which is made
    from the last steps and changes of the gradient. One call of `step` takes up to `max_iter` iterations and calls the
    closure in each.

    Parameters
    ----------
    params : iterable of Tensor
        The parameters, in one group and on one device.
    lr : float
        The learning rate: the step size, or the line search's first step size.
    max_iter : int
        The maximum number of iterations in a call of `step`.
    max_eval : int, optional
        The maximum number of evaluations of the closure in a call of `step`; by default ``max_iter * 5 // 4``. No
        iteration begins after it is reached.
    tolerance_grad : float
        The termination tolerance on the largest absolute gradient entry.
    tolerance_change : float
        The termination tolerance on the change of the loss and of the parameters.
    history_size : int
        The number of past steps in the estimate. Each takes the memory of two copies of the parameters.
    line_search_fn : {"strong_wolfe"}, optional
        The line search that chooses the step size. Without one, steps may be too long and the loss may rise.

    Raises
    ------
    ValueError
        If a setting is negative, for another line search or several groups, and as `Optimizer`.

    Notes
    -----
    PyTorch's algorithm and stopping rules. Nocedal and Wright, "Numerical optimization", 2nd edition, algorithm 7.4.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 3) ** 4).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    641.0
    >>> [round(x, 1) for x in w.tolist()]
    [3.0, 3.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_integers(0, max_iter=max_iter)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        counts = {name: settings[name] for name in ("max_iter", "max_eval", "history_size")}
        check_integers(0, **counts)
        check_numbers(0, **{name: settings[name] for name in ("lr", "tolerance_grad", "tolerance_change")})
        if settings["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(f"line_search_fn must be 'strong_wolfe' or None, not {settings['line_search_fn']!r}")

    def add_param_group(self, param_group: Any) -> None:
        """Add the parameters: ValueError for a second group, or for parameters on several devices."""
        if self.param_groups:
            raise ValueError("LBFGS updates all parameters together: they must be in one group, not in several groups")
        super().add_param_group(param_group)
        places = list(dict.fromkeys(p.device.name for p in self._parameters()))
        if len(places) > 1:
            self.param_groups.clear()
            raise ValueError(f"LBFGS needs all parameters on one device, not on {' and '.join(places)}")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Perform up to `max_iter` iterations.

        Parameters
        ----------
        closure : callable
            Sets the gradients to zero, computes the loss and its gradients, and returns the loss.

        Returns
        -------
        Any
            The loss that the closure returned first, before the parameters changed.

        Raises
        ------
        TypeError
            If `closure` is missing or returns None.
        """
        if closure is None:
            raise TypeError("LBFGS evaluates the loss several times in a step: write optimizer.step(closure)")
        self.has_stepped = True
        self._check_changes(self.param_groups[0])
        first_parameter = self._parameters()[0]
        self._follow(first_parameter)
        group, state = self.param_groups[0], self.state[first_parameter]
        evals = group["max_eval"]  # the evaluations left in this call
        state["func_evals"], state["n_iter"] = state.get("func_evals", 0) + 1, state.get("n_iter", 0)
        with enable_grad():
            first = closure()
        evals -= 1
        loss, gradient = _loss(first), self._gradient()
        for i in range(1, group["max_iter"] + 1):
            if _largest(gradient) <= group["tolerance_grad"]:
                break
            _choose_direction(state, gradient, group)
            start = Point(0.0, loss, gradient, _dot(gradient, state["d"]))
            if start.slope > -group["tolerance_change"]:
                break
            point, used = self._take_step(closure, start, state, evals, i == group["max_iter"])
            state["t"] = point.t
            loss, gradient = point.loss, point.gradient
            state["func_evals"] += used
            evals -= used
            if evals <= 0 or _largest(state["d"]) * point.t <= group["tolerance_change"]:
                break
            if builtins.abs(loss - start.loss) < group["tolerance_change"]:
                break
        return first

    def _take_step(
        self, closure: Callable[[], Any], start: Point, state: dict[str, Any], evals: int, last: bool
    ) -> tuple[Point, int]:
        """Move the parameters along the direction; return the new point and the number of evaluations."""
        group = self.param_groups[0]
        d, t = state["d"], state["t"]
        origin = [asarray(p.detach(), copy=True) for p in self._parameters()]
        used = 0

        def evaluate(t: float) -> Point:
            nonlocal used
            used += 1
            self._set_parameters(origin, d, t)
            with enable_grad():
                loss = closure()
            gradient = self._gradient()
            return Point(t, _loss(loss), gradient, _dot(gradient, d))

        if group["line_search_fn"]:
            point = strong_wolfe(evaluate, start, t, _largest(d), 1e-9, evals)
            self._set_parameters(origin, d, point.t)
        elif last:  # the loss at the new point is not needed: the next call of step computes it again
            point = start._replace(t=t)
            self._set_parameters(origin, d, t)
        else:
            point = evaluate(t)
        return point, used

    def _gradient(self) -> Tensor:
        """Return all gradients, flattened into one vector."""
        gradients = [zeros_like(p) if p.grad is None else p.grad for p in self._parameters()]
        return concat([_flatten(widened(g)) for g in gradients])

    def _set_parameters(self, origin: list[Tensor], d: Tensor, t: float) -> None:
        """Set the parameters to ``origin + t * d``."""
        begin = 0
        for p, x in zip(self._parameters(), origin, strict=True):
            end = begin + (2 if p.dtype.is_complex else 1) * p.size
            p[...] = x + t * _unflatten(p, d[begin:end])
            begin = end


def _loss(returned: Any) -> float:
    """Return the loss that a closure returned, as a float."""
    if returned is None:
        raise TypeError("the closure must return the loss, not None; end it with `return loss`")
    return float(returned)


def _choose_direction(state: dict[str, Any], gradient: Tensor, group: dict[str, Any]) -> None:
    """Update the history, then set the direction ``state["d"]`` and its first step size ``state["t"]``."""
    state["n_iter"] += 1
    if state["n_iter"] == 1:
        state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
        t = builtins.min(1.0, 1.0 / sum(abs(gradient)).item()) * group["lr"]
    else:
        _update_history(state, gradient - state["prev_flat_grad"], state["d"] * state["t"], group["history_size"])
        t = group["lr"]
    state |= {"d": _inverse_hessian_product(state, -gradient), "t": t, "prev_flat_grad": gradient}


def _update_history(state: dict[str, Any], y: Tensor, s: Tensor, history_size: int) -> None:
    """Add a step `s` and the change `y` of the gradient along it to the history."""
    ys = _dot(y, s)
    if ys > 1e-10:  # otherwise the curvature along s is negative, or below the rounding error
        for name, value in {"old_dirs": y, "old_stps": s, "ro": 1 / ys}.items():
            state[name] = [*state[name], value][-history_size:]
        state["H_diag"] = ys / _dot(y, y)


def _inverse_hessian_product(state: dict[str, Any], d: Tensor) -> Tensor:
    """Return the estimated inverse Hessian times `d`, by the two-loop recursion."""
    pairs = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True))
    factors = []
    for y, s, ro in reversed(pairs):
        factors.append(_dot(s, d) * ro)
        d = d - factors[-1] * y
    d = d * state["H_diag"]
    for (y, s, ro), factor in zip(pairs, reversed(factors), strict=True):
        d = d + (factor - _dot(y, d) * ro) * s
    return d


def _dot(x: Tensor, y: Tensor) -> float:
    return vecdot(x, y).item()


def _largest(x: Tensor) -> float:
    return max(abs(x)).item()


def _flatten(x: Tensor) -> Tensor:
    """Return an array as a real vector; the real and imaginary parts of a complex number are adjacent entries."""
    return reshape(stack([real(x), imag(x)], axis=-1) if x.dtype.is_complex else x, (-1,))


def _unflatten(p: Tensor, vector: Tensor) -> Tensor:
    """Return a vector with the shape of `p`, complex if `p` is: the inverse of `_flatten`."""
    if not p.dtype.is_complex:
        return reshape(vector, p.shape)
    parts = reshape(vector, (*p.shape, 2))
    return parts[..., 0] + 1j * parts[..., 1]
