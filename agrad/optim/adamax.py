"""Adamax: Adam with the maximum norm of past gradients instead of their mean square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_numbers
from ..core.device import Device
from .common import advanced, average, betas_below_one, downhill, running
from .optimizer import Optimizer

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Adamax: ``x -= lr * mean / largest``, with a running maximum ``largest = max(beta2 * largest, abs(g) + eps)``.

    `mean` is a running mean of the gradient, with bias correction: it starts at zero and is divided by
    ``1 - beta1**t`` after `t` steps.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float
        The learning rate.
    betas : (float, float)
        The decay rates of the running mean and of the running maximum.
    eps, weight_decay, maximize
        As in `Adam`.

    Raises
    ------
    ValueError
        If a setting is negative, if one of `betas` is not below 1, and as `Optimizer`.

    Notes
    -----
    PyTorch's formula, after Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.1. The
    real and imaginary parts of complex parameters are treated as separate coordinates.

    Examples
    --------
    >>> from agrad import nn, optim
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = optim.Adamax([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> [round(x, 4) for x in w.tolist()]
    [0.5, -1.5]
    """

    coordinatewise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Check settings; see `Optimizer.check`."""
        check_numbers(0, **{name: settings[name] for name in ("lr", "eps", "weight_decay")})
        betas_below_one(settings["betas"])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; see `Optimizer.update`."""
        xp, (beta1, beta2) = device.xp, group["betas"]
        g = downhill(x, g, group, device)
        step = advanced(state)
        mean = average(running(state, "exp_avg", x, device), g, beta1)
        largest = running(state, "exp_inf", x, device)
        largest._data *= beta2
        size = xp.abs(g)
        size += group["eps"]
        largest._data = device.backend.fill(largest._data, xp.maximum(largest._data, size))
        return device.backend.add_quotient(x, mean, largest._data, -group["lr"] / (1 - beta1**step))
