"""L-BFGS: Newton's method with a curvature learned from the last gradients."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..checks import check_integers, check_numbers
from ..core.recording import enable_grad, no_grad
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
    """L-BFGS, for smooth losses that are computed on all data at once.

    It steps along the gradient multiplied by an estimate of the inverse of the Hessian, made from how the gradient
    changed in the last steps. A call of `step` takes many such steps and calls the closure for each.

    Parameters
    ----------
    params : iterable of Tensor
        All in one group and on one device.
    lr : float
        The length of a step, or with a line search where that begins.
    max_iter : int
        The largest number of steps in a call of `step`.
    max_eval : int, optional
        The largest number of calls of the closure, beyond which a call of `step` takes no further step; by default
        ``max_iter * 5 // 4``.
    tolerance_grad : float
        No coordinate of the gradient is larger at the end.
    tolerance_change : float
        A smaller change of the loss or of all parameters ends a call of `step`.
    history_size : int
        From how many steps the curvature is made. Each costs two arrays as large as all parameters together.
    line_search_fn : {"strong_wolfe"}, optional
        Looks for the length of each step. Without it, steps may be too long and the loss may rise.

    Raises
    ------
    ValueError
        If a number is negative, for another line search or several groups, and as `Optimizer`.

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
        """Take the parameters: ValueError for a second group, or for parameters on several devices."""
        if self.param_groups:
            raise ValueError("LBFGS takes its steps with all parameters together: they cannot be in several groups")
        super().add_param_group(param_group)
        places = list(dict.fromkeys(p.device.name for p in self._parameters()))
        if len(places) > 1:
            self.param_groups.clear()
            raise ValueError(f"LBFGS needs all parameters on one device, not on {' and '.join(places)}")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` steps.

        Parameters
        ----------
        closure : callable
            Sets the gradients to zero, computes the loss and its gradients, and returns the loss.

        Returns
        -------
        Any
            What the closure returned the first time.

        Raises
        ------
        TypeError
            If there is no closure, or it returns None.
        """
        if closure is None:
            raise TypeError("LBFGS computes the loss several times a step: write optimizer.step(closure)")
        self.has_stepped = True
        self._check_changes(self.param_groups[0])
        first_parameter = self._parameters()[0]
        self._follow(first_parameter)
        group, state = self.param_groups[0], self.state[first_parameter]
        evals = group["max_eval"]  # how many are left in this call
        state["func_evals"], state["n_iter"] = state.get("func_evals", 0) + 1, state.get("n_iter", 0)
        with enable_grad():
            first = closure()
        evals -= 1
        loss, gradient = _loss(first), self._gradient()
        for i in range(1, group["max_iter"] + 1):
            if _largest(gradient) <= group["tolerance_grad"]:
                break
            _aim(state, gradient, group)
            start = Point(0.0, loss, gradient, _dot(gradient, state["d"]))
            if start.slope > -group["tolerance_change"]:
                break
            point, used = self._move(closure, start, state, evals, i == group["max_iter"])
            state["t"], loss, gradient = point.t, point.loss, point.gradient
            state["func_evals"] += used
            evals -= used
            if evals <= 0 or _largest(state["d"]) * point.t <= group["tolerance_change"]:
                break
            if builtins.abs(loss - start.loss) < group["tolerance_change"]:
                break
        return first

    def _move(
        self, closure: Callable[[], Any], start: Point, state: dict[str, Any], evals: int, last: bool
    ) -> tuple[Point, int]:
        """Move the parameters along the direction; return where to, and how often the closure was called."""
        group, d, t = self.param_groups[0], state["d"], state["t"]
        origin = [asarray(p.detach(), copy=True) for p in self._parameters()]
        used = 0

        def evaluate(t: float) -> Point:
            nonlocal used
            used += 1
            self._place(origin, d, t)
            with enable_grad():
                loss = closure()
            gradient = self._gradient()
            return Point(t, _loss(loss), gradient, _dot(gradient, d))

        if group["line_search_fn"]:
            point = strong_wolfe(evaluate, start, t, _largest(d), 1e-9, evals)
            self._place(origin, d, point.t)
        elif last:  # nobody needs the loss there: the next call computes it anew
            point = start._replace(t=t)
            self._place(origin, d, t)
        else:
            point = evaluate(t)
        return point, used

    def _gradient(self) -> Tensor:
        """Return all gradients in one vector."""
        gradients = [zeros_like(p) if p.grad is None else p.grad for p in self._parameters()]
        return concat([_real_vector(widened(g)) for g in gradients])

    def _place(self, origin: list[Tensor], d: Tensor, t: float) -> None:
        """Set the parameters to ``origin + t * d``."""
        begin = 0
        for p, x in zip(self._parameters(), origin, strict=True):
            end = begin + (2 if p.dtype.is_complex else 1) * p.size
            p[...] = x + t * _like(p, d[begin:end])
            begin = end


def _loss(returned: Any) -> float:
    """Return what a closure returned as a number."""
    if returned is None:
        raise TypeError("the closure must return the loss, and returned None; end it with `return loss`")
    return float(returned)


def _aim(state: dict[str, Any], gradient: Tensor, group: dict[str, Any]) -> None:
    """Choose a direction ``state["d"]`` and a first length ``state["t"]``, having learned from the last step."""
    state["n_iter"] += 1
    if state["n_iter"] == 1:
        state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
        t = builtins.min(1.0, 1.0 / sum(abs(gradient)).item()) * group["lr"]
    else:
        _remember(state, gradient - state["prev_flat_grad"], state["d"] * state["t"], group["history_size"])
        t = group["lr"]
    state |= {"d": _newton(state, -gradient), "t": t, "prev_flat_grad": gradient}


def _remember(state: dict[str, Any], y: Tensor, s: Tensor, history_size: int) -> None:
    """Learn that along the step `s` the gradient changed by `y`."""
    ys = _dot(y, s)
    if ys > 1e-10:  # else the curvature is negative, or lost in rounding
        for name, value in {"old_dirs": y, "old_stps": s, "ro": 1 / ys}.items():
            state[name] = [*state[name], value][-history_size:]
        state["H_diag"] = ys / _dot(y, y)


def _newton(state: dict[str, Any], d: Tensor) -> Tensor:
    """Return the estimate of the inverse Hessian times `d`: the recursion in two loops."""
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


def _real_vector(x: Tensor) -> Tensor:
    """Return an array as a vector, the real and imaginary parts of complex numbers side by side."""
    return reshape(stack([real(x), imag(x)], axis=-1) if x.dtype.is_complex else x, (-1,))


def _like(p: Tensor, vector: Tensor) -> Tensor:
    """Return what `_real_vector` made of an array like `p`."""
    if not p.dtype.is_complex:
        return reshape(vector, p.shape)
    parts = reshape(vector, (*p.shape, 2))
    return parts[..., 0] + 1j * parts[..., 1]
