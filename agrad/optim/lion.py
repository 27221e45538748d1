"""The Lion optimizer: steps along the sign of a running mean of the gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import average, betas_below_one, running
from .optimizer import Optimizer

__all__ = ["Lion"]


class Lion(Optimizer):
    """Lion, evolved sign momentum: ``x -= lr * sign(beta1 * mean + (1 - beta1) * g)``.

    `mean` is a running mean of the gradient. Each coordinate moves by `lr`, so a good `lr` is three to ten times
    smaller than for `Adam`, and a good `weight_decay` as many times larger. The state has one array per parameter,
    where Adam's has two.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate: the length of a step in each coordinate.
    betas : (float, float)
        The weight of the mean in the step, and the decay rate of the mean.
    weight_decay : float
        The weight decay: each step multiplies the parameter by ``1 - lr * weight_decay``, as in `AdamW`.
    maximize : bool
        Whether to maximize the objective instead of minimizing it.

    Raises
    ------
    ValueError
        If a setting is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    Algorithm 2 of Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.Lion([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.75, -1.75]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "weight_decay")})
        betas_below_one(settings["betas"])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        backend = device.backend
        beta1, beta2 = group["betas"]
        g = -g if group["maximize"] else g
        mean = running(state, "exp_avg", x, device)
        blend = backend.box(mean._data * beta1)  # NumPy makes a number of an array without axes
        blend = backend.add_scaled(blend, g, 1 - beta1)
        average(mean, g, beta2)
        x *= 1 - group["lr"] * group["weight_decay"]
        return backend.add_scaled(x, device.xp.sign(blend), -group["lr"])
